/** What of the queue is to be sent now, destination by destination, and what has waited too long. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { EpochSeconds, QueueId } from '../ids.ts';
import { PRIORITIES } from '../types.ts';
import { type QueuedBatch, type QueuedRecipient, readQueued } from './queue-row.ts';

const DUE_AT = sql<readonly [queue: number]>(`
  SELECT queue_id FROM queue_recipient WHERE destination = ? AND state = 'waiting' AND priority = ? AND due <= ?
  ORDER BY due, queue_id LIMIT ?`);
/** For those that are held the time does not run. */
const SOMEBODY_WAITS = `
  EXISTS (SELECT 1 FROM queue_recipient r WHERE r.queue_id = queue_message.queue_id AND r.state = 'waiting')`;
const EXPIRED = sql<readonly [queue: number]>(
  `SELECT queue_id FROM queue_message WHERE expires <= ? AND ${SOMEBODY_WAITS} ORDER BY expires LIMIT ?`,
);
const LATE = sql<readonly [queue: number]>(
  `SELECT queue_id FROM queue_message WHERE warn > 0 AND warn <= ? AND ${SOMEBODY_WAITS} ORDER BY warn LIMIT ?`,
);

/** Rows looked at for messages that are not being tried already. When all of them are, the rest waits for one of these to end. */
const LOOK_AHEAD = 500;
/** RFC 5321 4.5.3.1.8: every server takes so many at once. */
const BATCH_RECIPIENTS = 100;

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

/** Messages whose time is over, and those whose senders are to be told that it takes long; whatever their destinations do. */
export async function overdue(
  tx: Reader,
  now: EpochSeconds,
  limit: number,
): Promise<{ readonly expired: QueueId[]; readonly late: QueueId[] }> {
  const ids = (rows: readonly (readonly [queue: number])[]) => rows.map(([id]) => id as QueueId);
  return { expired: ids(await tx.all(EXPIRED, now, limit)), late: ids(await tx.all(LATE, now, limit)) };
}
