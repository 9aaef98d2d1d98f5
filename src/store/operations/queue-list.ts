/** What waits in the queue, for those who look at it: how much, for where, and page by page. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type AccountId, type EpochSeconds, nowSeconds, type QueueId, type TraceId } from '../ids.ts';
import { readDestination } from './queue-destination.ts';
import { type QueuedRecipient, RECIPIENT_COLUMNS, type RecipientRow, recipientOf } from './queue-row.ts';

const PAGE = sql<
  readonly [
    queue: number,
    account: number,
    sender: string,
    created: number,
    expires: number,
    trace: number,
    ...RecipientRow,
  ]
>(`
  SELECT r.queue_id, m.account_id, m.sender, m.created, m.expires, m.trace_id, r.${RECIPIENT_COLUMNS.replaceAll(', ', ', r.')}
  FROM queue_recipient r JOIN queue_message m ON m.queue_id = r.queue_id
  WHERE (r.queue_id, r.number) > (?, ?) ORDER BY r.queue_id, r.number LIMIT ?`);
const SIZE = sql<readonly [recipients: number, held: number, messages: number, oldest: number | null]>(`
  SELECT (SELECT count(*) FROM queue_recipient), (SELECT count(*) FROM queue_recipient WHERE state = 'held'),
    count(*), min(created) FROM queue_message`);
/** The first of an index: what is for later stands at its end. */
const LONGEST = sql<readonly [since: number, destination: string]>(`
  SELECT since, destination FROM queue_recipient WHERE state = 'waiting' AND since <= ? ORDER BY since LIMIT 1`);
/** Read off one index: a hundred thousand who wait take some 20 ms. Ids rise, so the least of them came first. */
const BY_DESTINATION = sql<readonly [destination: string, recipients: number, held: number, firstId: number]>(`
  SELECT destination, count(*) AS recipients, sum(CASE WHEN state = 'held' THEN 1 ELSE 0 END), min(queue_id)
  FROM queue_recipient GROUP BY destination ORDER BY recipients DESC, destination LIMIT ?`);
const CREATED = sql<readonly [created: number]>('SELECT created FROM queue_message WHERE queue_id = ?');

/** A place in the queue, for reading on. */
export interface QueuePlace {
  readonly id: QueueId;
  readonly number: number;
}

/** Somebody who waits, with what is known of the message. */
export interface QueueEntry extends QueuedRecipient {
  readonly id: QueueId;
  readonly account: AccountId;
  readonly sender: string;
  readonly created: EpochSeconds;
  readonly expires: EpochSeconds;
  /** The message that it is of in the trace; 0: it is not traced. */
  readonly trace: TraceId;
}

/** A page of all who wait, in the order in which they came. */
export async function queuePage(tx: Reader, after: QueuePlace, limit: number): Promise<QueueEntry[]> {
  const rows = await tx.all(PAGE, after.id, after.number, limit);
  return rows.map(([id, account, sender, created, expires, trace, ...row]) => ({
    id: id as QueueId,
    account: account as AccountId,
    sender,
    created,
    expires,
    trace: trace as TraceId,
    ...recipientOf(row),
  }));
}

/** What waits, in all. */
export interface QueueSize {
  readonly messages: number;
  readonly recipients: number;
  /** Of the recipients, those that wait for an administrator. */
  readonly held: number;
  /** When the message came that waits for longest; null when none does. */
  readonly oldest: EpochSeconds | null;
  /** Who should have it and has waited for longest, since when, and for which destination; without those that are held, or wait until later or for room in a mailbox here. */
  readonly longest: { readonly since: EpochSeconds; readonly destination: string } | null;
}

export async function queueSize(tx: Reader): Promise<QueueSize> {
  const [recipients, held, messages, oldest] = (await tx.get(SIZE))!;
  const [since, destination] = (await tx.get(LONGEST, nowSeconds())) ?? [];
  const longest = since === undefined || destination === undefined ? null : { since, destination };
  return { messages, recipients, held, oldest, longest };
}

/** How many wait for a destination. */
export interface DestinationCount {
  readonly destination: string;
  readonly recipients: number;
  readonly held: number;
  /** The message that waits longest. */
  readonly first: QueueId;
}

/** The destinations for which most wait. */
export async function countByDestination(tx: Reader, limit: number): Promise<DestinationCount[]> {
  return (await tx.all(BY_DESTINATION, limit)).map(([destination, recipients, held, first]) => ({
    destination,
    recipients,
    held,
    first: first as QueueId,
  }));
}

/** How it stands with a destination. */
export interface DestinationState {
  /** When it is tried next; null: all that waits for it is held. */
  readonly due: EpochSeconds | null;
  /** How often in a row it was not reached. */
  readonly failures: number;
  /** When the message came that waits longest; null: it has left meanwhile. */
  readonly oldest: EpochSeconds | null;
}

export async function destinationState(
  tx: Reader,
  { destination, first }: Pick<DestinationCount, 'destination' | 'first'>,
): Promise<DestinationState> {
  const [due, failures] = (await readDestination(tx, destination)) ?? [null, 0];
  return { due, failures, oldest: (await tx.get(CREATED, first))?.[0] ?? null };
}
