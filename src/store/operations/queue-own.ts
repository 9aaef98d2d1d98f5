/** The queue, as those see it whose mail is in it: theirs alone, and what they may do with it. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, QueueId } from '../ids.ts';
import { settle } from './queue.ts';
import { setQueueState } from './queue-change.ts';
import { reschedule } from './queue-destination.ts';
import type { QueuedRecipient } from './queue-row.ts';

/** Read off the index of emails, whose ids rise with time. */
const OF_ACCOUNT = sql<readonly [email: number, queue: number]>(`
  SELECT email_id, queue_id FROM queue_message WHERE account_id = ? AND (email_id, queue_id) < (?, ?)
  ORDER BY email_id DESC, queue_id DESC LIMIT ?`);
const SINCE_NOW = sql('UPDATE queue_recipient SET since = ? WHERE queue_id = ? AND number = ? AND since > ?');
const STILL_LATER = sql<readonly [number: number]>(
  'SELECT number FROM queue_recipient WHERE queue_id = ? AND attempts = 0 AND due > ? LIMIT 1',
);
const MOVE_TIMES = sql(`
  UPDATE queue_message SET expires = expires - ?, warn = CASE WHEN warn > 0 THEN warn - ? ELSE 0 END WHERE queue_id = ?`);

/** A place in an account's part of the queue, for reading on. */
export interface OwnPlace {
  readonly email: EmailId;
  readonly id: QueueId;
}

/** Messages that wait of an account, its own and what goes on from it, the newest first. @param before  absent: from the newest on */
export async function queuedOf(
  tx: Reader,
  account: AccountId,
  before: OwnPlace | undefined,
  limit: number,
): Promise<OwnPlace[]> {
  const { email, id } = before ?? { email: Number.MAX_SAFE_INTEGER, id: 0 };
  const rows = await tx.all(OF_ACCOUNT, account, email, id, limit);
  return rows.map(([email, id]) => ({ email: email as EmailId, id: id as QueueId }));
}

/** Nobody has tried it, since its time has not come (RFC 4865). What waits for room in a mailbox says why from the beginning. */
export function isForLater(
  { attempts, due, reply }: Pick<QueuedRecipient, 'attempts' | 'due' | 'reply'>,
  now: EpochSeconds,
): boolean {
  return attempts === 0 && due > now && reply === '';
}

/**
 * Has recipients tried as soon as their destination is: one that is put off stays so. What was for later has all its times moved with it, so that it
 * is neither given up nor told of as late weeks after that.
 * @returns their destinations
 */
export async function hasten(
  tx: Writer,
  id: QueueId,
  recipients: readonly QueuedRecipient[],
  now: EpochSeconds,
): Promise<ReadonlySet<string>> {
  const destinations = new Set<string>();
  for (const { number } of recipients) {
    await tx.run(SINCE_NOW, now, id, number, now);
    const destination = await setQueueState(tx, id, number, 'waiting', now);
    if (destination !== undefined) destinations.add(destination);
  }
  const was = recipients.find((recipient) => isForLater(recipient, now));
  // For somebody else of it the time still holds.
  if (was === undefined || (await tx.get(STILL_LATER, id, now)) !== undefined) return destinations;
  await tx.run(MOVE_TIMES, was.due - now, was.due - now, id);
  return destinations;
}

/** Takes recipients off the queue, unsent. */
export async function withdraw(tx: Writer, id: QueueId, recipients: readonly QueuedRecipient[]): Promise<void> {
  const settlements = recipients.map(({ number }) => ({ number, end: 'removed' }) as const);
  for (const destination of await settle(tx, id, settlements)) await reschedule(tx, destination);
}
