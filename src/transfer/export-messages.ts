/** The messages of a mailbox as an export reads them: in order, many read at once, a large one in parts. */
import { Refused } from '../errors.ts';
import type { MailboxView, Store } from '../store/api.ts';
import { flagNames } from '../store/flags.ts';
import type { EpochSeconds, Uid } from '../store/ids.ts';
import { LfLines, LineEnds } from './line-ends.ts';

/** Messages whose places are looked up at once. */
const PAGE = 200;

export interface OutgoingMessage {
  readonly uid: Uid;
  readonly received: EpochSeconds;
  readonly flags: readonly string[];
  readonly uidl: string;
  /** Its bytes as the wire has them. Can be asked for more than once. */
  content(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** A message whose bytes can't be had: it is gone meanwhile, or damaged. */
export interface LostMessage {
  readonly uid: Uid;
  readonly refusal: Refused;
}

/** What a view tells of a message without its bytes. */
export function messageAt(view: MailboxView, index: number) {
  const flags = flagNames({ bits: view.flagBits(index), keywords: view.keywordsOf(index) });
  return { uid: view.uid(index), received: view.received(index), flags, uidl: view.uidl(index) };
}

/** @param indexes in the view, ascending */
export async function* outgoing(
  store: Store,
  view: MailboxView,
  indexes: readonly number[],
): AsyncGenerator<OutgoingMessage | LostMessage, void> {
  const { account } = view.key;
  for (let from = 0; from < indexes.length; from += PAGE) {
    const page = indexes.slice(from, from + PAGE);
    const emails = [...new Set(page.map((index) => view.email(index)))];
    const records = new Map((await store.bodyRecords(account, emails)).map((record) => [record.email, record]));
    const there = page.flatMap((index) => records.get(view.email(index)) ?? []);
    const bodies = store.bodies.many(account, there)[Symbol.asyncIterator]();
    for (const index of page) {
      const record = records.get(view.email(index));
      if (record === undefined) {
        yield { uid: view.uid(index), refusal: new Refused('message.gone', 'The message was removed meanwhile.') };
        continue;
      }
      const { value: body, done } = await bodies.next();
      if (done === true) throw new Error('the store gave fewer bodies than it was asked for');
      if (body instanceof Refused) yield { uid: view.uid(index), refusal: body };
      else {
        const parts = async function* () {
          yield record.prefix;
          yield* store.bodies.chunks(account, record.email, record.body);
        };
        yield { ...messageAt(view, index), content: body === null ? parts : () => [record.prefix, body] };
      }
    }
  }
}

/** True for an error that hits one message: its bytes are gone or damaged. */
export function isLoss(error: unknown): error is Refused {
  return error instanceof Refused && (error.code === 'message.gone' || error.code === 'message.damaged');
}

/** How a message is to be written: what must be known before the first byte is. */
export interface Form {
  /** Bytes as the wire has them. */
  readonly wireBytes: number;
  /** Bytes in the file. */
  readonly fileBytes: number;
  /** Its size as a server tells it that turns every LF without CR into CRLF (Maildir's W). */
  readonly virtualBytes: number;
  /** It must be kept as it is, and marked: with other line ends it would not come back the same. */
  readonly exact: boolean;
  /** Its last line has no end. */
  readonly open: boolean;
}

/** Reads a message once to know its form. */
export async function formOf(message: OutgoingMessage, crlf: boolean): Promise<Form> {
  const ends = new LineEnds();
  for await (const part of message.content()) ends.push(part);
  const exact = ends.odd(crlf);
  return {
    wireBytes: ends.bytes,
    fileBytes: crlf || exact ? ends.bytes : ends.bytes - ends.crlfs,
    virtualBytes: ends.bytes + ends.bareLfs,
    exact,
    open: !ends.closed,
  };
}

/** The bytes of the file. */
export async function* fileBytes(message: OutgoingMessage, form: Form, crlf: boolean): AsyncGenerator<Buffer, void> {
  const lines = crlf || form.exact ? undefined : new LfLines();
  for await (const part of message.content()) yield lines === undefined ? part : lines.push(part);
  if (lines !== undefined) yield lines.end();
}
