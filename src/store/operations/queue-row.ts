/** The rows of the queue, and what they say: a message, and who has not got it yet. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, QueueId, TraceId } from '../ids.ts';
import { type Notify, type OutboundOptions, PRIORITIES, type Priority } from '../types.ts';

export type RecipientRow = readonly [
  number: number,
  address: string,
  destination: string,
  state: string,
  priority: number,
  due: number,
  attempts: number,
  notify: string,
  original: string,
  reply: string,
];
type MessageRow = readonly [
  queue: number,
  account: number,
  email: number,
  sender: string,
  prefix: Uint8Array,
  options: string,
  created: number,
  warn: number,
  expires: number,
  trace: number,
];

export const MESSAGE_COLUMNS =
  'queue_id, account_id, email_id, sender, prefix, options, created, warn, expires, trace_id';
export const RECIPIENT_COLUMNS =
  'number, address, destination, state, priority, due, attempts, notify, original, reply';

const ONE_MESSAGE = sql<MessageRow>(`SELECT ${MESSAGE_COLUMNS} FROM queue_message WHERE queue_id = ?`);
const RECIPIENTS = sql<RecipientRow>(
  `SELECT ${RECIPIENT_COLUMNS} FROM queue_recipient WHERE queue_id = ? ORDER BY number`,
);

/** A message on its way out. */
export interface QueuedMessage {
  readonly id: QueueId;
  readonly account: AccountId;
  readonly email: EmailId;
  readonly sender: string;
  readonly prefix: Buffer;
  readonly options: OutboundOptions;
  readonly created: EpochSeconds;
  /** When its sender is told that it takes long; 0: never, or done. */
  readonly warn: EpochSeconds;
  readonly expires: EpochSeconds;
  /** The message that it is of in the trace; 0: it is not traced. */
  readonly trace: TraceId;
}

/** Somebody who has not got it yet. */
export interface QueuedRecipient {
  /** Unique in its message. */
  readonly number: number;
  readonly address: string;
  readonly destination: string;
  /** Held: until an administrator says otherwise. */
  readonly state: 'waiting' | 'held';
  readonly priority: Priority;
  readonly due: EpochSeconds;
  readonly attempts: number;
  /** Empty: of failures, and when it takes long. */
  readonly notify: readonly Notify[];
  readonly original: string;
  /** What the last attempt came to; empty before the first. */
  readonly reply: string;
}

/** What is tried at once: a message, and those of its recipients who are due at one destination. */
export interface QueuedBatch {
  readonly message: QueuedMessage;
  readonly recipients: readonly QueuedRecipient[];
}

/** One message with all who have not got it yet; undefined when it is gone. */
export async function readQueued(tx: Reader, id: QueueId): Promise<QueuedBatch | undefined> {
  const row = await tx.get(ONE_MESSAGE, id);
  if (row === undefined) return undefined;
  return { message: messageOf(row), recipients: (await tx.all(RECIPIENTS, id)).map(recipientOf) };
}

function messageOf([
  id,
  account,
  email,
  sender,
  prefix,
  options,
  created,
  warn,
  expires,
  trace,
]: MessageRow): QueuedMessage {
  return {
    id: id as QueueId,
    account: account as AccountId,
    email: email as EmailId,
    sender,
    prefix: Buffer.from(prefix),
    options: JSON.parse(options) as OutboundOptions,
    created,
    warn,
    expires,
    trace: trace as TraceId,
  };
}

export function recipientOf(row: RecipientRow): QueuedRecipient {
  const [number, address, destination, state, priority, due, attempts, notify, original, reply] = row;
  return {
    number,
    address,
    destination,
    state: state as QueuedRecipient['state'],
    priority: PRIORITIES[priority]!,
    due,
    attempts,
    notify: notify === '' ? [] : (notify.split(',') as Notify[]),
    original,
    reply,
  };
}
