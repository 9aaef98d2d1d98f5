/**
 * The queue of mail that leaves: a message comes in, and what becomes of each recipient. Its rows are read in queue-row.ts; what is tried next is
 * found in queue-due.ts, and when a destination is, in queue-destination.ts; administrators change it by queue-change.ts.
 *
 * Invariants
 * - A recipient's row is there from the transaction that takes the message in to the one that has the last word on it; a message's row as long
 *   as it has recipients; its email as long as the message's row.
 * - A report to the sender is filed, or queued itself, in the transaction that takes away what it tells of.
 */
import { Refused } from '../../errors.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, QueueId } from '../ids.ts';
import { type Outbound, PRIORITIES } from '../types.ts';
import { nextNumber } from './accounts.ts';
import { dropEmailIfUnused } from './purge.ts';
import { awaitDestination, forgetDestinations, reschedule } from './queue-destination.ts';
import { sinceOf } from './queue-room.ts';
import {
  MESSAGE_COLUMNS,
  type QueuedMessage,
  type QueuedRecipient,
  RECIPIENT_COLUMNS,
  readQueued,
} from './queue-row.ts';

const INSERT_MESSAGE = sql(`INSERT INTO queue_message (${MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
const INSERT_RECIPIENT = sql(`
  INSERT INTO queue_recipient (queue_id, ${RECIPIENT_COLUMNS}, since) VALUES (?, ?, ?, ?, 'waiting', ?, ?, 0, ?, ?, ?, ?)`);
const EMAIL_OF = sql<readonly [account: number, email: number]>(
  'SELECT account_id, email_id FROM queue_message WHERE queue_id = ?',
);
const PUT_OFF = sql(
  'UPDATE queue_recipient SET attempts = attempts + 1, due = ?, reply = ? WHERE queue_id = ? AND number = ?',
);
const HOLD = sql("UPDATE queue_recipient SET state = 'held', reply = ? WHERE queue_id = ? AND number = ?");
const WARNED = sql('UPDATE queue_message SET warn = 0 WHERE queue_id = ?');
const DELETE_RECIPIENT = sql('DELETE FROM queue_recipient WHERE queue_id = ? AND number = ?');
const ANY_RECIPIENT = sql<readonly [number: number]>('SELECT number FROM queue_recipient WHERE queue_id = ? LIMIT 1');
const DELETE_MESSAGE = sql('DELETE FROM queue_message WHERE queue_id = ?');
const OF_EMAIL = sql<readonly [queue: number]>(
  'SELECT queue_id FROM queue_message WHERE account_id = ? AND email_id = ?',
);
const DELETE_RECIPIENTS = sql('DELETE FROM queue_recipient WHERE queue_id = ?');
const HOLD_ALL = sql("UPDATE queue_recipient SET state = 'held' WHERE state = 'waiting'");
const WHERE_TO = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_recipient WHERE queue_id = ? AND number = ?',
);
const WAITS = sql<readonly [number: number]>(
  "SELECT number FROM queue_recipient WHERE queue_id = ? AND number = ? AND state = 'waiting'",
);

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
  for (const [number, { address, destination, notify = [], original = '', reply = '' }] of recipients.entries()) {
    const asked = [notify.join(','), original, reply];
    await tx.run(INSERT_RECIPIENT, queue, number, address, destination, rank, due, ...asked, sinceOf(outbound, due));
  }
  for (const destination of new Set(recipients.map((each) => each.destination))) {
    await awaitDestination(tx, destination, due);
  }
  return queue;
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
  const done = (await tx.get(ANY_RECIPIENT, id)) === undefined ? await tx.get(EMAIL_OF, id) : undefined;
  if (done !== undefined) {
    const [account, email] = done;
    await tx.run(DELETE_MESSAGE, id);
    await dropEmailIfUnused(tx, account as AccountId, email as EmailId);
  }
  return destinations;
}

/** Somebody whose mail is filed here, in this transaction, waits no more. @throws Refused `queue.changed` when nobody waits: it would be filed twice */
export async function leaveQueue(
  tx: Writer,
  { id, number }: Pick<QueuedRecipient, 'number'> & { readonly id: QueueId },
) {
  if ((await tx.get(WAITS, id, number)) === undefined) {
    throw new Refused('queue.changed', 'The message has left the queue meanwhile, or is held.');
  }
  for (const destination of await settle(tx, id, [{ number, end: 'sent' }])) await reschedule(tx, destination);
}

/** Takes what stands on an email out of the queue: its bytes never reached the disk, and nobody was told that it was taken. */
export async function dropQueued(tx: Writer, account: AccountId, email: EmailId): Promise<void> {
  for (const [id] of await tx.all(OF_EMAIL, account, email)) {
    const { recipients = [] } = (await readQueued(tx, id as QueueId)) ?? {};
    const destinations = new Set(recipients.map((each) => each.destination));
    await tx.run(DELETE_RECIPIENTS, id);
    await tx.run(DELETE_MESSAGE, id);
    for (const destination of destinations) await reschedule(tx, destination);
  }
}

/** Holds everything: after a restore, what waited in the backup may have been sent long ago. @returns how many recipients wait for a word now */
export async function holdQueue(tx: Writer): Promise<number> {
  await forgetDestinations(tx);
  return tx.run(HOLD_ALL);
}
