/**
 * The messages as one POP3 session sees them.
 *
 * Invariants:
 * - the list is the one of the sign-in, whatever others do meanwhile (RFC 1939 3);
 * - DELE only marks; nothing is removed, or hidden from a device, but by {@link Maildrop.commit}, all together or not at all.
 */
import type { Access } from '../directory/access/access.ts';
import { Refused } from '../errors.ts';
import type { MailboxMessages, SeenMessage } from '../store/devices.ts';
import type { AccountId, EmailId, MailboxId } from '../store/ids.ts';
import type { Lease } from '../store/leases.ts';
import type { TraceBy } from '../store/trace-types.ts';
import type { BodyRecord } from '../store/types.ts';
import type { Pop3Context } from './context.ts';
import type { MessageList } from './message-list.ts';

/** Records read at a time: clients fetch messages in order, and one query is cheaper than many. */
const RECORDS_AHEAD = 16;
/** Beyond so many they are forgotten: those read ahead, and those before them. */
const RECORDS_KEPT = 3 * RECORDS_AHEAD;

/** Bodies read ahead in one go, for a client that goes through in order: what neighbours on disk cost least, in bounded memory. */
const READ_AHEAD_BYTES = 256 * 1024;

type Bodies = Map<EmailId, Buffer>;

export class Maildrop {
  readonly account: AccountId;
  readonly list: MessageList;
  /** Which device this is; null: the password that all programs of the person share. */
  readonly device: number | null;
  /** What the access policy says of POP3 for the account. */
  readonly rules: Access['pop3'];
  /** Keeps what is on the list from being purged. */
  readonly lease: Lease;
  /** Who does what this session does, for the trace. */
  readonly by: TraceBy;
  readonly #store: Pop3Context['store'];
  /** Indexes of the messages marked as deleted; null, as in most sessions, while there are none. */
  #marked: Set<number> | null = null;
  #markedBytes = 0;
  #records: Map<EmailId, BodyRecord> | null = null;
  /** Index of the message whose body was read last. */
  #lastRead = -2;
  /** Bodies on their way, or here, for the commands that will probably follow. */
  #ahead: Promise<Bodies> | Bodies | null = null;

  /** Indexes of the messages that were retrieved whole; null while there are none. */
  #fetched: Set<number> | null = null;

  constructor(
    store: Pop3Context['store'],
    {
      account,
      list,
      device,
      rules,
      lease,
      by,
    }: Pick<Maildrop, 'account' | 'list' | 'device' | 'rules' | 'lease' | 'by'>,
  ) {
    this.#store = store;
    this.account = account;
    this.list = list;
    this.device = device;
    this.rules = rules;
    this.lease = lease;
    this.by = by;
  }

  /** Messages that are not marked as deleted. */
  get count(): number {
    return this.list.length - (this.#marked?.size ?? 0);
  }

  get sizeBytes(): number {
    return this.list.sizeBytes - this.#markedBytes;
  }

  isMarked(index: number): boolean {
    return this.#marked?.has(index) ?? false;
  }

  /** @param number from 1, as the client counts @returns its index @throws Refused when there is none, or it is marked */
  indexOf(number: number): number {
    const index = number - 1;
    if (index < 0 || index >= this.list.length)
      throw new Refused('message.gone', 'There is no message with that number');
    if (this.isMarked(index)) throw new Refused('message.gone', 'That message is marked as deleted');
    return index;
  }

  mark(index: number): void {
    this.#marked ??= new Set();
    this.#marked.add(index);
    this.#markedBytes += this.list.size(index);
  }

  unmarkAll(): void {
    this.#marked = null;
    this.#markedBytes = 0;
  }

  /** The message was sent whole. */
  noteFetched(index: number): void {
    this.#fetched ??= new Set();
    this.#fetched.add(index);
  }

  /** What was retrieved since this was asked last. */
  takeFetched(): MailboxMessages[] {
    const fetched = this.#fetched;
    this.#fetched = null;
    return fetched === null ? [] : this.#byMailbox(fetched);
  }

  /**
   * What the store knows of a message; that of those after it is kept for the next calls, which it answers at once.
   * @throws Refused `message.gone`
   */
  record(index: number): BodyRecord | Promise<BodyRecord> {
    return this.#records?.get(this.#email(index)) ?? this.#readRecord(index);
  }

  /**
   * The whole body of a message up to STREAM_ABOVE, at once where it was read ahead. While a client that goes through in order takes it, the
   * next are read.
   * @throws Refused `message.gone`, `message.damaged`
   */
  body(index: number, record: BodyRecord): Buffer | Promise<Buffer> {
    const ahead = this.#ahead;
    if (ahead instanceof Promise) return ahead.then((bodies) => this.#bodyOf(index, record, bodies));
    return this.#bodyOf(index, record, ahead);
  }

  /** Carries out what is marked: all or nothing, on disk when it resolves (RFC 1939 6). @returns how many */
  async commit(): Promise<number> {
    if (this.#marked === null) return 0;
    return this.#store.devices.delete(this.account, this.device, this.#byMailbox(this.#marked), this.by);
  }

  #email(index: number): EmailId {
    return this.list.view(index).email(this.list.at(index));
  }

  #byMailbox(indexes: ReadonlySet<number>): MailboxMessages[] {
    const found = new Map<MailboxId, SeenMessage[]>();
    for (const index of [...indexes].sort((a, b) => a - b)) {
      const view = this.list.view(index);
      const at = this.list.at(index);
      const message = { uid: view.uid(at), item: view.item(at), email: view.email(at) };
      const messages = found.get(view.key.mailbox);
      if (messages === undefined) found.set(view.key.mailbox, [message]);
      else messages.push(message);
    }
    return [...found].map(([mailbox, messages]) => ({ mailbox, messages }));
  }

  #bodyOf(index: number, { email, body }: BodyRecord, ahead: Bodies | null): Buffer | Promise<Buffer> {
    const bytes = ahead?.get(email);
    ahead?.delete(email);
    const inOrder = index === this.#lastRead + 1;
    this.#lastRead = index;
    if (!inOrder) this.#ahead = null;
    else if (ahead === null || ahead.size === 0) this.#startReadingAhead(index + 1);
    return bytes ?? this.#store.bodies.whole(this.account, email, body);
  }

  #startReadingAhead(first: number): void {
    const coming = this.#readAhead(first).then((bodies) => {
      if (this.#ahead === coming) this.#ahead = bodies;
      return bodies;
    });
    this.#ahead = coming;
  }

  /** What can't be read is left out: it is read again, and the trouble told, when it is asked for. Never rejects. */
  async #readAhead(first: number): Promise<Bodies> {
    const bodies: Bodies = new Map();
    try {
      const wanted = await this.#neighbours(first);
      let at = 0;
      for await (const body of this.#store.bodies.many(this.account, wanted)) {
        const { email } = wanted[at++]!;
        if (body instanceof Buffer) bodies.set(email, body);
      }
    } catch {
      bodies.clear();
    }
    return bodies;
  }

  /** The records of the messages from `first` on, as many as may be read ahead. */
  async #neighbours(first: number): Promise<BodyRecord[]> {
    const wanted: BodyRecord[] = [];
    let bytes = 0;
    for (let index = first; index < this.list.length && wanted.length < RECORDS_AHEAD; index += 1) {
      const record = await this.record(index);
      bytes += record.body.length;
      if (bytes > READ_AHEAD_BYTES) break;
      wanted.push(record);
    }
    return wanted;
  }

  async #readRecord(index: number): Promise<BodyRecord> {
    const record = (await this.#readRecords(index)).get(this.#email(index));
    if (record === undefined) throw new Refused('message.gone', 'That message was removed meanwhile');
    return record;
  }

  async #readRecords(from: number): Promise<Map<EmailId, BodyRecord>> {
    const emails: EmailId[] = [];
    const end = Math.min(from + RECORDS_AHEAD, this.list.length);
    for (let index = from; index < end; index += 1) emails.push(this.#email(index));
    const read = await this.#store.bodyRecords(this.account, emails);
    if (this.#records === null || this.#records.size > RECORDS_KEPT) this.#records = new Map();
    for (const record of read) this.#records.set(record.email, record);
    return this.#records;
  }
}
