/**
 * What was removed from an account's mailboxes, and can be brought back: `store.retained`. Long work goes in chunks, each durable and complete in
 * itself; whatever is interrupted goes on when it is asked for again, since what was restored or purged is not retained any more.
 */
import { setImmediate } from 'node:timers/promises';
import { Refused } from '../errors.ts';
import { foldCase } from '../message/casemap.ts';
import type { OnProgress } from '../progress.ts';
import { CHUNK_ROWS, type Engine, PAGE_ROWS, type Writer } from './engine/engine.ts';
import type { GivenBack, Housekeeper } from './housekeeping.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId } from './ids.ts';
import type { Leases } from './leases.ts';
import { accountUsage } from './operations/accounts.ts';
import { assertNotHeld } from './operations/hold.ts';
import { listMailboxes } from './operations/mailboxes.ts';
import { pathNow } from './operations/place.ts';
import { type Purged, purgeItems } from './operations/purge.ts';
import {
  isOrWasIn,
  messageIdsAfter,
  quotaRefusal,
  type Replaceable,
  type RestoreArgs,
  type RetainedMessage,
  type RetainedPosition,
  replaceableAfter,
  restoreRetained,
  retainedAfter,
  retainedNamed,
} from './operations/retained.ts';
import type { TraceBy } from './trace-types.ts';
import type { Mailbox } from './types.ts';

/** Which of the removed messages. All conditions hold together; none of them: all messages. */
export interface RetainedFilter {
  /** Removed then or later. */
  readonly since?: EpochSeconds;
  /** In this folder or below it, by the name it had then or has now. */
  readonly folder?: string;
  /** Each of these words in From, To, Cc, Subject, Message-ID or the first words of the text, in any case. */
  readonly query?: string;
  /** Just these; at most {@link MOST_ITEMS}. */
  readonly items?: readonly ItemId[];
}

/** Beyond it a filter says better what is wanted. */
export const MOST_ITEMS = PAGE_ROWS;

export interface FoundMessage extends RetainedMessage {
  /** A draft of which a newer version came, or the mail that became of it; or a copy of sent mail that another one replaced. */
  readonly isSuperseded: boolean;
}

/** What is left out unless it is asked for, or named. */
export interface Offer {
  /** Messages that are in a mailbox still. */
  readonly copies?: boolean;
  /** Superseded drafts and copies of sent mail. */
  readonly drafts?: boolean;
}

export interface Chosen {
  /** Ascending, which is the order in which they once came. */
  readonly items: readonly ItemId[];
  readonly bytes: number;
  /** Those that fit the filter and were not offered. */
  readonly leftOut: { readonly copies: number; readonly drafts: number };
}

export type RestoreOptions = Pick<RestoreArgs, 'to' | 'redeliver' | 'overQuota'>;

export interface Restored {
  readonly messages: number;
  readonly bytes: number;
  readonly folders: readonly { readonly path: string; readonly messages: number }[];
}

export interface Pursuit {
  readonly onProgress?: OnProgress;
  /** Asked between the chunks. */
  readonly signal?: AbortSignal;
  /** Joins the transaction of the first chunk: the entry in the audit. */
  readonly record?: (tx: Writer) => Promise<void>;
  /** Who does it, for the trace; absent: the server. */
  readonly by?: TraceBy;
}

export class Retained {
  readonly #engine: Engine;
  readonly #housekeeper: Housekeeper;
  readonly #leases: Leases;
  readonly #write: Engine['write'];
  readonly #traceBy: (by: TraceBy | undefined) => TraceBy | undefined;

  constructor(
    engine: Engine,
    housekeeper: Housekeeper,
    leases: Leases,
    write: <T>(operation: (tx: Writer) => Promise<T>) => Promise<T>,
    traceBy: (by: TraceBy | undefined) => TraceBy | undefined,
  ) {
    this.#engine = engine;
    this.#housekeeper = housekeeper;
    this.#leases = leases;
    this.#write = write;
    this.#traceBy = traceBy;
  }

  /** What there is, the last removed first, a page at a time. Each page is a snapshot of its own. */
  async *find(account: AccountId, filter: RetainedFilter): AsyncGenerator<readonly FoundMessage[], void, void> {
    const superseded = await this.#superseded(account);
    const mailboxes = await this.#engine.read((tx) => listMailboxes(tx, account), account);
    const wanted = matcher(filter, mailboxes);
    for await (const page of this.#pages(account, filter)) {
      yield page.filter(wanted).map((message) => ({ ...message, isSuperseded: superseded.has(message.item) }));
    }
  }

  /** What {@link restore} and {@link purge} take. */
  async choose(account: AccountId, filter: RetainedFilter, offer: Offer): Promise<Chosen> {
    const items: ItemId[] = [];
    const leftOut = { copies: 0, drafts: 0 };
    let bytes = 0;
    for await (const page of this.find(account, filter)) {
      for (const message of page) {
        const left = filter.items === undefined ? isLeftOut(message, offer) : undefined;
        if (left !== undefined) leftOut[left]++;
        else {
          items.push(message.item);
          bytes += message.size;
        }
      }
    }
    return { items: items.sort((a, b) => a - b), bytes, leftOut };
  }

  /**
   * Brings messages back where they were, or into one folder.
   * @throws Refused `quota.exceeded`: when all of them together don't fit, before any comes back
   */
  async restore(
    account: AccountId,
    { items, bytes }: Pick<Chosen, 'items' | 'bytes'>,
    options: RestoreOptions,
    { onProgress, signal, record, by }: Pursuit = {},
  ): Promise<Restored> {
    if (options.overQuota !== true) await this.#assertRoom(account, bytes);
    const folders = new Map<string, number>();
    const sum = { messages: 0, bytes: 0 };
    let left: readonly ItemId[] = [];
    for (let from = 0; (from < items.length || left.length > 0) && signal?.aborted !== true; ) {
      const isFirst = from === 0;
      const more = items.slice(from, from + CHUNK_ROWS - left.length);
      const chunk = [...left, ...more];
      const done = await this.#write(async (tx) => {
        if (isFirst) await record?.(tx);
        return restoreRetained(tx, { account, items: chunk, ...options, by: this.#traceBy(by) });
      });
      from += more.length;
      left = done.left;
      for (const { mailbox, uids, bytes } of done.restored) {
        folders.set(mailbox.path, (folders.get(mailbox.path) ?? 0) + uids.length);
        sum.messages += uids.length;
        sum.bytes += bytes;
      }
      onProgress?.({ what: '', done: from - left.length, total: items.length, unit: 'messages' });
    }
    return { ...sum, folders: [...folders].map(([path, messages]) => ({ path, messages })) };
  }

  /**
   * Removes messages for good and gives their disk back at once: afterwards their bytes are in no file, but where something uses it just then.
   * What open sessions may still retrieve goes when they end.
   * @throws Refused `account.held`
   */
  async purge(
    account: AccountId,
    items: readonly ItemId[],
    { onProgress, signal, record, by }: Pursuit = {},
  ): Promise<Purged & GivenBack & { readonly leased: number }> {
    await this.#engine.read((tx) => assertNotHeld(tx, account), account);
    const sum = { messages: 0, bytes: 0, leased: 0 };
    for (let from = 0; from < items.length && signal?.aborted !== true; from += PURGE_ROWS) {
      const chunk = items.slice(from, from + PURGE_ROWS);
      const purged = await this.#write(async (tx) => {
        if (from === 0) await record?.(tx);
        return purgeItems(tx, account, chunk, { leasedSince: this.#leases.since(account), by: this.#traceBy(by) });
      });
      sum.messages += purged.messages;
      sum.bytes += purged.bytes;
      sum.leased += purged.leased;
      onProgress?.({ what: '', done: from + chunk.length, total: items.length, unit: 'messages' });
    }
    if (sum.leased > 0) this.#leases.purgeWaits(account);
    // Dies here, or is stopped: the segments are marked, and housekeeping rewrites them.
    return { ...sum, ...(await this.#housekeeper.giveBack(onProgress ?? (() => {}), signal)) };
  }

  async *#pages(account: AccountId, { items, since = 0 }: RetainedFilter): AsyncGenerator<readonly RetainedMessage[]> {
    if (items !== undefined) {
      if (items.length > MOST_ITEMS) throw new Error(`${items.length} items asked for at once`);
      yield await this.#engine.read((tx) => retainedNamed(tx, account, items), account);
      return;
    }
    for (let after: RetainedPosition | undefined; ; await setImmediate()) {
      const from = after;
      const page: readonly RetainedMessage[] = await this.#engine.read(
        (tx) => retainedAfter(tx, account, from),
        account,
      );
      yield page;
      after = page.at(-1);
      if (page.length < PAGE_ROWS || after!.removed < since) return;
    }
  }

  /**
   * Removed messages of which a newer version came: an email of the same Message-ID, there or removed too, that came later. For drafts that is
   * the next draft or what was sent; in the folder for sent mail, the copy that a mail program filed there in place of the server's. Emails
   * are numbered as they come, so only those above the oldest of these are looked through: what came while mail is retained.
   */
  async #superseded(account: AccountId): Promise<ReadonlySet<ItemId>> {
    const byMessageId = new Map<string, Replaceable[]>();
    let oldest = Infinity;
    for (let after: ItemId | undefined = 0 as ItemId; after !== undefined; await setImmediate()) {
      const from: ItemId = after;
      const page = await this.#engine.read((tx) => replaceableAfter(tx, account, from), account);
      for (const message of page.messages) {
        const versions = byMessageId.get(message.messageId);
        if (versions === undefined) byMessageId.set(message.messageId, [message]);
        else versions.push(message);
        oldest = Math.min(oldest, message.email);
      }
      after = page.last;
    }
    const superseded = new Set<ItemId>();
    if (byMessageId.size === 0) return superseded;
    for (let after = oldest as EmailId; ; await setImmediate()) {
      const from = after;
      const page = await this.#engine.read((tx) => messageIdsAfter(tx, account, from), account);
      for (const [email, messageId] of page) {
        for (const { item, email: older, sentIn } of byMessageId.get(messageId ?? '') ?? []) {
          if (older >= email || superseded.has(item)) continue;
          const replaces =
            sentIn === null || (await this.#engine.read((tx) => isOrWasIn(tx, account, email, sentIn), account));
          if (replaces) superseded.add(item);
        }
      }
      if (page.length < PAGE_ROWS) return superseded;
      after = page.at(-1)![0];
    }
  }

  async #assertRoom(account: AccountId, bytes: number): Promise<void> {
    const usage = await this.#engine.read((tx) => accountUsage(tx, account), account);
    if (usage === undefined) throw new Refused('mailbox.missing', 'This account no longer exists.');
    const usedBytes = usage.usedBytes + bytes;
    if (usage.quotaBytes !== null && bytes > 0 && usedBytes > usage.quotaBytes) {
      throw quotaRefusal({ usedBytes, quotaBytes: usage.quotaBytes }, bytes);
    }
  }
}

/** Each purged message touches several rows. */
const PURGE_ROWS = 200;

/** Why a message is not offered, or undefined. */
export function isLeftOut(message: FoundMessage, offer: Offer): 'copies' | 'drafts' | undefined {
  if (message.isCopy && offer.copies !== true) return 'copies';
  return message.isSuperseded && offer.drafts !== true ? 'drafts' : undefined;
}

function matcher(filter: RetainedFilter, mailboxes: readonly Mailbox[]): (message: RetainedMessage) => boolean {
  const { since = 0, folder } = filter;
  const matches = hasWords(filter.query ?? '');
  const top = folder?.normalize('NFC').replace(/^inbox(?=\/|$)/i, 'INBOX');
  const isBelow = (path: string): boolean => path === top || path.startsWith(`${top}/`);
  /** By place: messages come in thousands, the folders they were in don't. */
  const below = new Map<string, boolean>();
  const inFolder = ({ place }: RetainedMessage): boolean => {
    const key = `${place.ids} ${place.path}`;
    let known = below.get(key);
    if (known === undefined) {
      known = isBelow(place.path) || isBelow(pathNow(mailboxes, place));
      below.set(key, known);
    }
    return known;
  };
  return (message) => message.removed >= since && (top === undefined || inFolder(message)) && matches(message);
}

/** What a query looks at. */
export type Searched = Pick<RetainedMessage, 'from' | 'to' | 'subject' | 'preview' | 'messageId' | 'envelope'>;

/** Tells whether a message has each of these words, in any case. */
export function hasWords(query: string): (message: Searched) => boolean {
  const words = foldCase(query)
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return () => true;
  return (message) => {
    const text = foldCase(searchText(message));
    return words.every((word) => text.includes(word));
  };
}

/** The envelope has all addresses, written `"anna" "office.test")` in IMAP's syntax. */
function searchText({ from, to, subject, preview, messageId, envelope }: Searched): string {
  const addresses = Buffer.from(envelope, 'latin1')
    .toString('utf8')
    .matchAll(/"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\)/g);
  const listed = Array.from(addresses, ([, local, host]) => `${local}@${host}`);
  return [from, to, subject, preview, messageId ?? '', ...listed].join('\n');
}
