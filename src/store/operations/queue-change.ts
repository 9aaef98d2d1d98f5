/**
 * What administrators do with what waits in the queue, and how whoever was just trying it hears of that.
 *
 * Invariant: rows are changed as they are now, not as whoever asks has read them: mail leaves meanwhile, and others change it, too.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type EpochSeconds, nowSeconds, type QueueId } from '../ids.ts';
import { reschedule } from './queue-destination.ts';
import type { QueuedBatch, QueuedRecipient } from './queue-row.ts';

const AS_IT_IS = sql<readonly [destination: string, state: string, due: number]>(
  'SELECT destination, state, due FROM queue_recipient WHERE queue_id = ? AND number = ?',
);
const SET_STATE = sql('UPDATE queue_recipient SET state = ?, due = ? WHERE queue_id = ? AND number = ?');
/** While it was held it did not wait to leave. */
const WAITS_SINCE = sql("UPDATE queue_recipient SET since = ? WHERE queue_id = ? AND number = ? AND state = 'held'");
const EXTEND = sql('UPDATE queue_message SET expires = ? WHERE queue_id = ? AND expires < ?');
const REROUTE = sql('UPDATE queue_recipient SET destination = ?, due = ? WHERE queue_id = ? AND number = ?');

/** Who is let go on after a long time has so long to be tried, at least. */
const LEAST_TIME = 86_400;

/** Recipients of a batch that wait as it says; the others have left the queue, or somebody has changed how they wait. */
export async function asTheyWere(tx: Reader, { message, recipients }: QueuedBatch): Promise<QueuedRecipient[]> {
  const same: QueuedRecipient[] = [];
  for (const recipient of recipients) {
    const { number, destination, state, due } = recipient;
    const row = await tx.get(AS_IT_IS, message.id, number);
    if (row !== undefined && row[0] === destination && row[1] === state && row[2] === due) same.push(recipient);
  }
  return same;
}

/** Holds a recipient, or lets it go on. @param due  absent: at its time @returns the destination it waits for; undefined when it has left */
export async function setQueueState(
  tx: Writer,
  id: QueueId,
  number: number,
  state: QueuedRecipient['state'],
  due?: EpochSeconds,
): Promise<string | undefined> {
  const row = await tx.get(AS_IT_IS, id, number);
  if (row === undefined) return undefined;
  const [destination, , wasDue] = row;
  const nowDue = due ?? wasDue;
  if (state === 'waiting') {
    const from = Math.max(nowDue, nowSeconds());
    await tx.run(WAITS_SINCE, from, id, number);
    await tx.run(EXTEND, from + LEAST_TIME, id, from + LEAST_TIME);
  }
  await tx.run(SET_STATE, state, nowDue, id, number);
  await reschedule(tx, destination);
  return destination;
}

/** Lets a recipient's mail leave another way: at once, unless nobody has tried it: then it may be for later (RFC 4865), and keeps its time. */
export async function rerouteQueued(
  tx: Writer,
  id: QueueId,
  { number, attempts }: Pick<QueuedRecipient, 'number' | 'attempts'>,
  destination: string,
): Promise<void> {
  const row = await tx.get(AS_IT_IS, id, number);
  if (row === undefined) return;
  const [before, , due] = row;
  await tx.run(REROUTE, destination, attempts === 0 ? due : nowSeconds(), id, number);
  await reschedule(tx, before);
  await reschedule(tx, destination);
}
