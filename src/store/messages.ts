/** Changing messages that are in mailboxes: `store.messages`. `by` says who does it, for the trace: absent, the server. */
import type { MailboxKey } from './api.ts';
import type { DiskSpace } from './disk-space.ts';
import { CHUNK_ROWS, type Engine, type Writer } from './engine/engine.ts';
import { type EpochSeconds, type Modseq, nowSeconds, type Uid } from './ids.ts';
import { copyMessages, moveMessages } from './operations/copy.ts';
import { expungeMessages } from './operations/expunge.ts';
import { listMailboxes } from './operations/mailboxes.ts';
import { requirePlace } from './operations/place.ts';
import { storeFlags } from './operations/store-flags.ts';
import type { Trace } from './trace.ts';
import type { TraceBy } from './trace-types.ts';
import type { FlagChange, FlagsStored, UidsCopied } from './types.ts';

export interface MessagesOptions {
  readonly engine: Pick<Engine, 'read' | 'writeInWorker'>;
  readonly write: <T>(operation: (tx: Writer) => Promise<T>) => Promise<T>;
  readonly space: Pick<DiskSpace, 'assertRoom'>;
  readonly trace: Pick<Trace, 'by'>;
  /** How long removed messages can be brought back, in seconds. */
  readonly retention: EpochSeconds;
}

export class Messages {
  readonly #options: MessagesOptions;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /** Changes flags, in chunks of CHUNK_ROWS. `uids` ascending. */
  async storeFlags(
    { account, mailbox }: MailboxKey,
    uids: readonly Uid[],
    change: FlagChange,
    { by, ...options }: { readonly unchangedSince?: Modseq; readonly by?: TraceBy | undefined } = {},
  ): Promise<FlagsStored> {
    const changed: FlagsStored['changed'][number][] = [];
    const modified: Uid[] = [];
    for (const chunk of chunks(uids)) {
      const args = { account, mailbox, uids: chunk, change, ...options, by: this.#options.trace.by(by) };
      const stored = await this.#options.write((tx) => storeFlags(tx, args));
      for (const each of stored.changed) changed.push(each);
      for (const uid of stored.modified) modified.push(uid);
    }
    return { changed, modified };
  }

  /**
   * Removes messages (they stay restorable), in chunks. POP3's QUIT, which is all or none, is `store.devices.delete`.
   * @returns the UIDs that were removed, ascending
   */
  async expunge(
    key: MailboxKey,
    uids: readonly Uid[],
    { onlyDeleted = false, by }: { readonly onlyDeleted?: boolean; readonly by?: TraceBy | undefined } = {},
  ): Promise<readonly Uid[]> {
    if (uids.length === 0) return [];
    const { engine, write, trace, retention } = this.#options;
    const mailboxes = await engine.read((tx) => listMailboxes(tx, key.account), key.account);
    const place = requirePlace(mailboxes, key.mailbox);
    const removed: Uid[] = [];
    for (const chunk of chunks(uids)) {
      const now = nowSeconds();
      const args = { ...key, place, uids: chunk, onlyDeleted, now, expires: now + retention, by: trace.by(by) };
      for (const uid of await write((tx) => expungeMessages(tx, args))) removed.push(uid);
    }
    return removed;
  }

  /** Copies messages: all or none. UIDs that are gone are left out. */
  async copy(from: MailboxKey, uids: readonly Uid[], to: MailboxKey, by?: TraceBy): Promise<UidsCopied> {
    const { engine, write, space, trace } = this.#options;
    space.assertRoom();
    assertSameAccount(from, to);
    const args = {
      account: from.account,
      from: from.mailbox,
      uids,
      to: to.mailbox,
      now: nowSeconds(),
      by: trace.by(by),
    };
    // All or none: what is too large for the loop goes to the worker.
    if (uids.length > CHUNK_ROWS) return engine.writeInWorker<UidsCopied>(from.account, 'copyMessages', args);
    return write((tx) => copyMessages(tx, args));
  }

  /** Moves messages, in chunks, each whole: no message is ever in both or in neither. */
  async move(from: MailboxKey, uids: readonly Uid[], to: MailboxKey, by?: TraceBy): Promise<UidsCopied> {
    assertSameAccount(from, to);
    const fromUids: Uid[] = [];
    const newUids: Uid[] = [];
    let uidvalidity = 0;
    for (const chunk of uids.length === 0 ? [[]] : chunks(uids)) {
      const places = { account: from.account, from: from.mailbox, to: to.mailbox };
      const args = { ...places, uids: chunk, now: nowSeconds(), by: this.#options.trace.by(by) };
      const moved = await this.#options.write((tx) => moveMessages(tx, args));
      uidvalidity = moved.uidvalidity;
      for (const uid of moved.from) fromUids.push(uid);
      for (const uid of moved.uids) newUids.push(uid);
    }
    return { uidvalidity, from: fromUids, uids: newUids };
  }
}

function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) yield rows.slice(from, from + CHUNK_ROWS);
}

function assertSameAccount(from: MailboxKey, to: MailboxKey): void {
  if (from.account !== to.account) throw new Error('copying between accounts is not built yet');
}
