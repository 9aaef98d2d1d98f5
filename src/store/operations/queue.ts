/**
 * The queue of mail that leaves: what waits, for whom, and when it is tried next.
 *
 * Invariants
 * - A recipient's row is there from the transaction that takes the message in to the one that has the last word on it; a message's row as long
 *   as it has recipients; its email as long as the message's row.
 * - A destination that somebody waits for has a row, whose `due` is no later than it should be tried.
 * - A report to the sender is filed, or queued itself, in the transaction that takes away what it tells of.
 */
import { Refused } from '../../errors.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type AccountId, type EmailId, type EpochSeconds, nowSeconds, type QueueId, type TraceId } from '../ids.ts';
import { type Notify, type Outbound, type OutboundOptions, PRIORITIES, type Priority } from '../types.ts';
import { nextNumber } from './accounts.ts';
import { dropEmailIfUnused } from './purge.ts';

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

const MESSAGE = 'queue_id, account_id, email_id, sender, prefix, options, created, warn, expires, trace_id';
export const RECIPIENT = 'number, address, destination, state, priority, due, attempts, notify, original, reply';

const INSERT_MESSAGE = sql(`INSERT INTO queue_message (${MESSAGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
const INSERT_RECIPIENT = sql(`
  INSERT INTO queue_recipient (queue_id, ${RECIPIENT}, since) VALUES (?, ?, ?, ?, 'waiting', ?, ?, 0, ?, ?, '', ?)`);
/** Somebody more waits; one that is put off is not tried sooner for it. */
const AWAIT = sql(`
  INSERT INTO queue_destination (destination, due, failures) VALUES (?, ?, 0)
  ON CONFLICT (destination) DO UPDATE SET due = CASE WHEN queue_destination.failures = 0 AND excluded.due < queue_destination.due
    THEN excluded.due ELSE queue_destination.due END`);
const NEXT_DUE = sql<readonly [due: number | null]>('SELECT min(due) FROM queue_destination WHERE due > ?');
const DESTINATIONS_DUE = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_destination WHERE due <= ? ORDER BY due, destination LIMIT ?',
);
const DESTINATION = sql<readonly [due: number, failures: number]>(
  'SELECT due, failures FROM queue_destination WHERE destination = ?',
);
const SET_DESTINATION = sql('UPDATE queue_destination SET due = ?, failures = ? WHERE destination = ?');
const FORGET_DESTINATION = sql('DELETE FROM queue_destination WHERE destination = ?');
const FIRST_DUE = sql<readonly [due: number | null]>(`
  SELECT min(due) FROM queue_recipient WHERE destination = ? AND state = 'waiting' AND priority = ?`);
const DUE_AT = sql<readonly [queue: number]>(`
  SELECT queue_id FROM queue_recipient WHERE destination = ? AND state = 'waiting' AND priority = ? AND due <= ?
  ORDER BY due, queue_id LIMIT ?`);
const ONE_MESSAGE = sql<MessageRow>(`SELECT ${MESSAGE} FROM queue_message WHERE queue_id = ?`);
const RECIPIENTS = sql<RecipientRow>(`SELECT ${RECIPIENT} FROM queue_recipient WHERE queue_id = ? ORDER BY number`);
const PUT_OFF = sql(
  'UPDATE queue_recipient SET attempts = attempts + 1, due = ?, reply = ? WHERE queue_id = ? AND number = ?',
);
const HOLD = sql("UPDATE queue_recipient SET state = 'held', reply = ? WHERE queue_id = ? AND number = ?");
/** For those that are held the time does not run. */
const SOMEBODY_WAITS = `
  EXISTS (SELECT 1 FROM queue_recipient r WHERE r.queue_id = queue_message.queue_id AND r.state = 'waiting')`;
const EXPIRED = sql<readonly [queue: number]>(
  `SELECT queue_id FROM queue_message WHERE expires <= ? AND ${SOMEBODY_WAITS} ORDER BY expires LIMIT ?`,
);
const LATE = sql<readonly [queue: number]>(
  `SELECT queue_id FROM queue_message WHERE warn > 0 AND warn <= ? AND ${SOMEBODY_WAITS} ORDER BY warn LIMIT ?`,
);
const EXTEND = sql('UPDATE queue_message SET expires = ? WHERE queue_id = ? AND expires < ?');
const WARNED = sql('UPDATE queue_message SET warn = 0 WHERE queue_id = ?');
const DELETE_RECIPIENT = sql('DELETE FROM queue_recipient WHERE queue_id = ? AND number = ?');
const ANY_RECIPIENT = sql<readonly [number: number]>('SELECT number FROM queue_recipient WHERE queue_id = ? LIMIT 1');
const DELETE_MESSAGE = sql('DELETE FROM queue_message WHERE queue_id = ?');
const SET_STATE = sql('UPDATE queue_recipient SET state = ?, due = ? WHERE queue_id = ? AND number = ?');
/** While it was held it did not wait to leave. */
const WAITS_SINCE = sql("UPDATE queue_recipient SET since = ? WHERE queue_id = ? AND number = ? AND state = 'held'");
const REROUTE = sql('UPDATE queue_recipient SET destination = ?, due = ? WHERE queue_id = ? AND number = ?');
const OF_EMAIL = sql<readonly [queue: number]>(
  'SELECT queue_id FROM queue_message WHERE account_id = ? AND email_id = ?',
);
const DELETE_RECIPIENTS = sql('DELETE FROM queue_recipient WHERE queue_id = ?');
const HOLD_ALL = sql("UPDATE queue_recipient SET state = 'held' WHERE state = 'waiting'");
const FORGET_DESTINATIONS = sql('DELETE FROM queue_destination');
const FORGOTTEN = sql<readonly [destination: string]>(`
  SELECT DISTINCT destination FROM queue_recipient WHERE state = 'waiting' AND destination NOT IN (SELECT destination FROM queue_destination)`);
const WHERE_TO = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_recipient WHERE queue_id = ? AND number = ?',
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

/** The last word on a recipient, or when to try again. */
export type Settlement =
  | { readonly number: number; readonly end: 'sent' | 'failed' | 'removed' }
  | { readonly number: number; readonly due: EpochSeconds; readonly reply: string }
  /** Until somebody has looked after it. */
  | { readonly number: number; readonly held: true; readonly reply: string };

/** Takes a message in. @param email  its bytes, an email of the account @param trace  the message in the trace */
export async function enqueue(
  tx: Writer,
  outbound: Outbound,
  { email, trace }: Pick<QueuedMessage, 'email' | 'trace'>,
  now: EpochSeconds,
): Promise<QueueId> {
  const { account, sender, recipients, prefix, priority = 'normal', due = now, warn = 0, expires } = outbound;
  const queue = (await nextNumber(tx, 'queue')) as QueueId;
  const bytes = prefix ?? Buffer.alloc(0);
  const options = JSON.stringify(outbound.options ?? {});
  await tx.run(INSERT_MESSAGE, queue, account, email, sender, bytes, options, now, warn, expires, trace);
  const rank = PRIORITIES.indexOf(priority);
  for (const [number, { address, destination, notify = [], original = '' }] of recipients.entries()) {
    await tx.run(INSERT_RECIPIENT, queue, number, address, destination, rank, due, notify.join(','), original, due);
  }
  for (const destination of new Set(recipients.map((each) => each.destination))) await tx.run(AWAIT, destination, due);
  return queue;
}

/** When the next destination becomes due, after a time; undefined when none does. */
export async function nextDue(tx: Reader, after: EpochSeconds): Promise<EpochSeconds | undefined> {
  return (await tx.get(NEXT_DUE, after))?.[0] ?? undefined;
}

/** Which of these destinations are to be tried now. */
export async function areDue(tx: Reader, destinations: readonly string[], now: EpochSeconds): Promise<string[]> {
  const due: string[] = [];
  for (const destination of destinations) {
    if (((await tx.get(DESTINATION, destination))?.[0] ?? Infinity) <= now) due.push(destination);
  }
  return due;
}

/** Destinations to be tried now, the longest due first. */
export async function destinationsDue(tx: Reader, now: EpochSeconds, limit: number): Promise<string[]> {
  return (await tx.all(DESTINATIONS_DUE, now, limit)).map(([destination]) => destination);
}

/**
 * What is to be tried next at a destination: by priority, then the longest due.
 * @param busy  messages that are being tried there already
 */
export async function nextBatches(
  tx: Reader,
  destination: string,
  now: EpochSeconds,
  busy: ReadonlySet<QueueId>,
  most: number,
): Promise<QueuedBatch[]> {
  const batches: QueuedBatch[] = [];
  const found = new Set<QueueId>();
  for (const priority of PRIORITIES.keys()) {
    for (const id of await dueAt(tx, destination, priority, now, busy, most - batches.length)) {
      if (found.has(id)) continue; // some of its recipients matter more
      found.add(id);
      const batch = await readQueued(tx, id);
      if (batch !== undefined) batches.push({ message: batch.message, recipients: alike(batch, destination, now) });
    }
    if (batches.length >= most) break;
  }
  return batches;
}

/** Those of a message who are due at a destination and are sent to at once. */
function alike({ recipients }: QueuedBatch, destination: string, now: EpochSeconds): QueuedRecipient[] {
  const due = recipients.filter(
    (each) => each.destination === destination && each.state === 'waiting' && each.due <= now,
  );
  return due.filter((each) => asksTheSame(each, due[0]!)).slice(0, BATCH_RECIPIENTS);
}

/** Messages that are due at a destination and are not being tried. The first rows tell, unless many are recipients of the same. */
async function dueAt(
  tx: Reader,
  destination: string,
  priority: number,
  now: EpochSeconds,
  busy: ReadonlySet<QueueId>,
  most: number,
): Promise<QueueId[]> {
  let free: QueueId[] = [];
  for (const limit of [busy.size + most, busy.size + LOOK_AHEAD]) {
    const rows = await tx.all(DUE_AT, destination, priority, now, limit);
    free = [...new Set(rows.map(([id]) => id as QueueId))].filter((id) => !busy.has(id));
    if (free.length >= most || rows.length < limit) break;
  }
  return free.slice(0, most);
}

/** What is sent at once asks for the same reports: it stands with the message on its way. Who asked for others is tried next. */
function asksTheSame(one: QueuedRecipient, other: QueuedRecipient): boolean {
  return one.original === other.original && one.notify.join() === other.notify.join();
}

/** Rows looked at for messages that are not being tried already. When all of them are, the rest waits for one of these to end. */
const LOOK_AHEAD = 500;
/** RFC 5321 4.5.3.1.8: every server takes so many at once. */
const BATCH_RECIPIENTS = 100;

/** One message with all who have not got it yet; undefined when it is gone. */
export async function readQueued(tx: Reader, id: QueueId): Promise<QueuedBatch | undefined> {
  const row = await tx.get(ONE_MESSAGE, id);
  if (row === undefined) return undefined;
  return { message: messageOf(row), recipients: (await tx.all(RECIPIENTS, id)).map(recipientOf) };
}

/** Messages whose time is over, and those whose senders are to be told that it takes long; whatever their destinations do. */
export async function overdue(
  tx: Reader,
  now: EpochSeconds,
  limit: number,
): Promise<{ readonly expired: QueueId[]; readonly late: QueueId[] }> {
  const ids = (rows: readonly (readonly [queue: number])[]) => rows.map(([id]) => id as QueueId);
  return { expired: ids(await tx.all(EXPIRED, now, limit)), late: ids(await tx.all(LATE, now, limit)) };
}

/** The sender has been told that it takes long. */
export async function noteWarned(tx: Writer, id: QueueId): Promise<void> {
  await tx.run(WARNED, id);
}

/**
 * Notes what became of recipients. Those who were settled or removed meanwhile are left out.
 * @returns the destinations that these waited for: others than they were tried at, when they were rerouted meanwhile
 */
export async function settle(
  tx: Writer,
  id: QueueId,
  settlements: readonly Settlement[],
): Promise<ReadonlySet<string>> {
  const destinations = new Set<string>();
  for (const settlement of settlements) {
    const [destination] = (await tx.get(WHERE_TO, id, settlement.number)) ?? [];
    if (destination === undefined) continue;
    destinations.add(destination);
    if ('end' in settlement) await tx.run(DELETE_RECIPIENT, id, settlement.number);
    else if ('held' in settlement) await tx.run(HOLD, settlement.reply, id, settlement.number);
    else await tx.run(PUT_OFF, settlement.due, settlement.reply, id, settlement.number);
  }
  const row = (await tx.get(ANY_RECIPIENT, id)) === undefined ? await tx.get(ONE_MESSAGE, id) : undefined;
  if (row !== undefined) {
    await tx.run(DELETE_MESSAGE, id);
    const { account, email } = messageOf(row);
    await dropEmailIfUnused(tx, account, email);
  }
  return destinations;
}

/** Somebody whose mail is filed here, in this transaction, waits no more. @throws Refused `message.gone` when nobody waits: it would be filed twice */
export async function leaveQueue(
  tx: Writer,
  { id, number }: Pick<QueuedRecipient, 'number'> & { readonly id: QueueId },
) {
  const recipient = (await tx.all(RECIPIENTS, id)).map(recipientOf).find((each) => each.number === number);
  if (recipient === undefined) throw new Refused('message.gone', 'The message has left the queue meanwhile.');
  await settle(tx, id, [{ number, end: 'sent' }]);
  await reschedule(tx, recipient.destination);
}

/** False when one of these recipients has left the queue. */
export async function areThere(tx: Reader, { message, recipients }: QueuedBatch): Promise<boolean> {
  for (const { number } of recipients) {
    if ((await tx.get(WHERE_TO, message.id, number)) === undefined) return false;
  }
  return true;
}

/** Takes what stands on an email out of the queue: its bytes never reached the disk, and nobody was told that it was taken. */
export async function dropQueued(tx: Writer, account: AccountId, email: EmailId): Promise<void> {
  for (const [id] of await tx.all(OF_EMAIL, account, email)) {
    const destinations = new Set((await tx.all(RECIPIENTS, id)).map((row) => recipientOf(row).destination));
    await tx.run(DELETE_RECIPIENTS, id);
    await tx.run(DELETE_MESSAGE, id);
    for (const destination of destinations) await reschedule(tx, destination);
  }
}

/** Destinations that somebody waits for and that have no row: none, as long as the invariant holds. */
export async function forgottenDestinations(tx: Reader): Promise<string[]> {
  return (await tx.all(FORGOTTEN)).map(([destination]) => destination);
}

/** Holds everything: after a restore, what waited in the backup may have been sent long ago. @returns how many recipients wait for a word now */
export async function holdQueue(tx: Writer): Promise<number> {
  await tx.run(FORGET_DESTINATIONS);
  return tx.run(HOLD_ALL);
}

/**
 * Works out when a destination is tried next, after what waits there has changed.
 * @param contact  how it went, if it was tried: not reached, it is put off as a whole
 */
export async function reschedule(
  tx: Writer,
  destination: string,
  contact?: { readonly reached: true } | { readonly reached: false; readonly notBefore: EpochSeconds },
): Promise<void> {
  const row = await tx.get(DESTINATION, destination);
  let first: number | undefined;
  for (const priority of PRIORITIES.keys()) {
    const due = (await tx.get(FIRST_DUE, destination, priority))?.[0] ?? undefined;
    if (due !== undefined && (first === undefined || due < first)) first = due;
  }
  if (first === undefined) return void (await tx.run(FORGET_DESTINATION, destination));
  if (row === undefined) await tx.run(AWAIT, destination, first);
  const [wasDue, wasFailures] = row ?? [first, 0];
  if (contact === undefined) {
    await tx.run(SET_DESTINATION, wasFailures > 0 ? Math.max(first, wasDue) : first, wasFailures, destination);
  } else if (contact.reached) {
    await tx.run(SET_DESTINATION, first, 0, destination);
  } else if (wasFailures > 0 && wasDue > nowSeconds()) {
    // Another connection has failed meanwhile, and has put it off already: together they are one failure.
    await tx.run(SET_DESTINATION, Math.max(first, wasDue), wasFailures, destination);
  } else {
    await tx.run(SET_DESTINATION, Math.max(first, contact.notBefore), wasFailures + 1, destination);
  }
}

/** How often in a row a destination was not reached. */
export async function failuresOf(tx: Reader, destination: string): Promise<number> {
  return (await tx.get(DESTINATION, destination))?.[1] ?? 0;
}

/** Who is let go on after a long time has so long to be tried, at least. */
const LEAST_TIME = 86_400;

/** Holds a recipient, or lets it go on at `due`. */
export async function setQueueState(
  tx: Writer,
  id: QueueId,
  { number, destination }: Pick<QueuedRecipient, 'number' | 'destination'>,
  state: QueuedRecipient['state'],
  due: EpochSeconds,
): Promise<void> {
  if (state === 'waiting') {
    const from = Math.max(due, nowSeconds());
    await tx.run(WAITS_SINCE, from, id, number);
    await tx.run(EXTEND, from + LEAST_TIME, id, from + LEAST_TIME);
  }
  await tx.run(SET_STATE, state, due, id, number);
  await reschedule(tx, destination);
}

/** Lets a recipient's mail leave another way, at once. */
export async function rerouteQueued(
  tx: Writer,
  id: QueueId,
  { number, destination: before }: Pick<QueuedRecipient, 'number' | 'destination'>,
  destination: string,
  due: EpochSeconds,
): Promise<void> {
  await tx.run(REROUTE, destination, due, id, number);
  await reschedule(tx, before);
  await reschedule(tx, destination);
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
