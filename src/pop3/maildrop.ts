/**
 * The mailbox as one POP3 session sees it.
 *
 * Invariants:
 * - the list is the one of the sign-in, whatever others do meanwhile (RFC 1939 3): a view never changes;
 * - DELE only marks; nothing is removed but by {@link Maildrop.commit}, all together or not at all.
 */
import { Refused } from '../errors.ts';
import type { MailboxView } from '../store/api.ts';
import type { EmailId, Uid } from '../store/ids.ts';
import type { EmailRecord } from '../store/types.ts';
import type { Pop3Context } from './context.ts';

/** Records read at a time: clients fetch messages in order, and one query is cheaper than many. */
const RECORDS_AHEAD = 16;

export class Maildrop {
  readonly view: MailboxView;
  readonly #store: Pop3Context['store'];
  /** Indexes of the messages marked as deleted; null, as in most sessions, while there are none. */
  #marked: Set<number> | null = null;
  #markedBytes = 0;
  #records: Map<EmailId, EmailRecord> | null = null;

  constructor(store: Pop3Context['store'], view: MailboxView) {
    this.#store = store;
    this.view = view;
  }

  /** Messages that are not marked as deleted. */
  get count(): number {
    return this.view.length - (this.#marked?.size ?? 0);
  }

  get sizeBytes(): number {
    return this.view.sizeBytes - this.#markedBytes;
  }

  isMarked(index: number): boolean {
    return this.#marked?.has(index) ?? false;
  }

  /** @param number from 1, as the client counts @returns its index @throws Refused when there is none, or it is marked */
  indexOf(number: number): number {
    const index = number - 1;
    if (index < 0 || index >= this.view.length)
      throw new Refused('message.gone', 'There is no message with that number');
    if (this.isMarked(index)) throw new Refused('message.gone', 'That message is marked as deleted');
    return index;
  }

  mark(index: number): void {
    this.#marked ??= new Set();
    this.#marked.add(index);
    this.#markedBytes += this.view.size(index);
  }

  unmarkAll(): void {
    this.#marked = null;
    this.#markedBytes = 0;
  }

  /** What the store knows of a message; that of those after it is kept for the next call. @throws Refused `message.gone` */
  async record(index: number): Promise<EmailRecord> {
    const email = this.view.email(index);
    let record = this.#records?.get(email);
    if (record === undefined) {
      this.#records = await this.#readRecords(index);
      record = this.#records.get(email);
    }
    if (record === undefined) throw new Refused('message.gone', 'That message was removed meanwhile');
    return record;
  }

  /** Removes what is marked: all or nothing, on disk when it resolves (RFC 1939 6). @returns how many */
  async commit(): Promise<number> {
    if (this.#marked === null) return 0;
    const uids: Uid[] = [...this.#marked].sort((a, b) => a - b).map((index) => this.view.uid(index));
    await this.#store.expunge(this.view.key, uids, { whole: true });
    return uids.length;
  }

  async #readRecords(from: number): Promise<Map<EmailId, EmailRecord>> {
    const emails: EmailId[] = [];
    const end = Math.min(from + RECORDS_AHEAD, this.view.length);
    for (let index = from; index < end; index += 1) emails.push(this.view.email(index));
    const records = await this.#store.emails(this.view.key.account, emails);
    return new Map(records.map((record) => [record.email, record]));
  }
}
