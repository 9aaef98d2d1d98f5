/**
 * What a transfer remembers of the messages it brought (operations/origins.ts), for a source whose state is followed until the change-over:
 * messages move there, get other names, go away. Keys have two parts, `group;rest`; a group is what the source compares at once: a folder.
 *
 * Each change is one transaction with the change of mail it tells of: whatever is killed, a message and its origin agree.
 */
import { CHUNK_ROWS, PAGE_ROWS, type Reader, type Writer } from './engine/engine.ts';
import { type AccountId, type EpochSeconds, type MailboxId, nowSeconds, type Uid } from './ids.ts';
import { moveMessages } from './operations/copy.ts';
import {
  broughtAfter,
  forgetOrigins,
  forgetSome,
  noteOrigins,
  readOrigin,
  recordOrigin,
  replaceOrigin,
} from './operations/origins.ts';
import { BY_SERVER } from './trace-types.ts';
import type { Brought } from './types.ts';

interface Transactions {
  read<T>(operation: (tx: Reader) => Promise<T>, account: AccountId): Promise<T>;
  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T>;
}

/** A message that the source knows by another key now. */
export interface Rekeyed {
  readonly from: Brought;
  readonly key: string;
  readonly note: string;
}

/** Sorts after everything that may follow `group;`. */
const LAST = '\uffff';
/** The mark that says a transfer is finished: sorts before every key with a group. */
const FINISHED = '!';

export class Origins {
  readonly #transactions: Transactions;

  constructor(transactions: Transactions) {
    this.#transactions = transactions;
  }

  /** All that a transfer brought before, in order of key. Each page is a snapshot of its own. */
  async *all(account: AccountId, source: string): AsyncGenerator<Brought, void, void> {
    for (let after = ''; ; ) {
      const page = await this.#after(account, source, after);
      yield* page;
      if (page.length < PAGE_ROWS) return;
      after = page.at(-1)!.key;
    }
  }

  /** Notes what the source says now of messages it brought. */
  async note(
    account: AccountId,
    source: string,
    notes: readonly { readonly key: string; readonly note: string }[],
  ): Promise<void> {
    for (let from = 0; from < notes.length; from += CHUNK_ROWS) {
      const chunk = notes.slice(from, from + CHUNK_ROWS);
      await this.#transactions.write((tx) => noteOrigins(tx, account, source, chunk));
    }
  }

  /** Forgets where messages came from; the messages stay. */
  async forget(account: AccountId, source: string, keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += CHUNK_ROWS) {
      const chunk = keys.slice(from, from + CHUNK_ROWS);
      await this.#transactions.write((tx) => forgetOrigins(tx, account, source, chunk));
    }
  }

  /** What was brought of one group, in order of key. Each page is a snapshot of its own. */
  async *of(account: AccountId, source: string, group: string): AsyncGenerator<Brought, void, void> {
    const prefix = `${group};`;
    for (let after = prefix; ; ) {
      const page = await this.#after(account, source, after);
      for (const brought of page) {
        if (!brought.key.startsWith(prefix)) return;
        yield brought;
      }
      if (page.length < PAGE_ROWS) return;
      after = page.at(-1)!.key;
    }
  }

  /** The groups of which something was brought. */
  async groups(account: AccountId, source: string): Promise<string[]> {
    const groups: string[] = [];
    for (let after = FINISHED; ; ) {
      const [first] = await this.#after(account, source, after);
      if (first === undefined) return groups;
      const group = first.key.slice(0, first.key.indexOf(';'));
      groups.push(group);
      after = `${group};${LAST}`;
    }
  }

  /** Messages that the source knows by another key now; they stay where they are. */
  async rekey(account: AccountId, rekeyed: readonly Rekeyed[]): Promise<void> {
    for (let from = 0; from < rekeyed.length; from += CHUNK_ROWS) {
      const chunk = rekeyed.slice(from, from + CHUNK_ROWS);
      await this.#transactions.write(async (tx) => {
        for (const { from: old, key, note } of chunk) await replaceOrigin(tx, account, old, { ...old, key, note });
      });
    }
  }

  /**
   * Moves messages within the account as they were moved at the source. All are in `mailbox`; those that the person moved or removed
   * meanwhile are only rekeyed. @throws Refused `mailbox.missing`
   */
  async move(account: AccountId, mailbox: MailboxId, moved: readonly Rekeyed[], to: MailboxId): Promise<void> {
    for (let from = 0; from < moved.length; from += CHUNK_ROWS) {
      const chunk = moved.slice(from, from + CHUNK_ROWS).sort((a, b) => a.from.uid - b.from.uid);
      const uids = chunk.map((each) => each.from.uid);
      await this.#transactions.write(async (tx) => {
        const copied = await moveMessages(tx, { account, from: mailbox, uids, to, now: nowSeconds(), by: BY_SERVER });
        const places = new Map<Uid, Uid>(copied.from.map((uid, index) => [uid, copied.uids[index]!]));
        for (const { from: old, key, note } of chunk) {
          const uid = places.get(old.uid);
          const place = uid === undefined ? {} : { mailbox: to, uid };
          await replaceOrigin(tx, account, old, { ...old, ...place, key, note });
        }
      });
    }
  }

  /** Forgets all that a transfer brought, for good: the messages stay, and the source is never read again by mistake. */
  async finish(account: AccountId, source: string): Promise<void> {
    const mark = { source, key: FINISHED, note: String(nowSeconds()), mailbox: 0 as MailboxId, uid: 0 as Uid };
    // The mark first: killed from here on, the transfer is finished, and finishing again forgets the rest.
    if ((await this.finishedAt(account, source)) === null)
      await this.#transactions.write((tx) => recordOrigin(tx, account, mark));
    while ((await this.#transactions.write((tx) => forgetSome(tx, account, source, FINISHED, CHUNK_ROWS))) > 0);
  }

  /** When the transfer was finished, or null. */
  async finishedAt(account: AccountId, source: string): Promise<EpochSeconds | null> {
    const mark = await this.#transactions.read((tx) => readOrigin(tx, account, source, FINISHED), account);
    return mark === undefined ? null : Number(mark.note);
  }

  #after(account: AccountId, source: string, after: string): Promise<Brought[]> {
    return this.#transactions.read((tx) => broughtAfter(tx, account, source, after), account);
  }
}
