/**
 * When each destination of the queue is tried next, and how often it was not reached.
 *
 * Invariant: a destination that somebody waits for has a row, whose `due` is no later than it should be tried.
 */
import type { Awaitable, Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type EpochSeconds, nowSeconds } from '../ids.ts';
import { PRIORITIES } from '../types.ts';

type DestinationRow = readonly [due: number, failures: number];

const DESTINATION = sql<DestinationRow>('SELECT due, failures FROM queue_destination WHERE destination = ?');
const NEXT_DUE = sql<readonly [due: number | null]>('SELECT min(due) FROM queue_destination WHERE due > ?');
const DESTINATIONS_DUE = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_destination WHERE due <= ? ORDER BY due, destination LIMIT ?',
);
const AWAIT = sql(`
  INSERT INTO queue_destination (destination, due, failures) VALUES (?, ?, 0)
  ON CONFLICT (destination) DO UPDATE SET due = CASE WHEN queue_destination.failures = 0 AND excluded.due < queue_destination.due
    THEN excluded.due ELSE queue_destination.due END`);
const FIRST_DUE = sql<readonly [due: number | null]>(`
  SELECT min(due) FROM queue_recipient WHERE destination = ? AND state = 'waiting' AND priority = ?`);
const SET_DESTINATION = sql('UPDATE queue_destination SET due = ?, failures = ? WHERE destination = ?');
const FORGET_DESTINATION = sql('DELETE FROM queue_destination WHERE destination = ?');
const FORGET_DESTINATIONS = sql('DELETE FROM queue_destination');
const FORGOTTEN = sql<readonly [destination: string]>(`
  SELECT DISTINCT destination FROM queue_recipient WHERE state = 'waiting' AND destination NOT IN (SELECT destination FROM queue_destination)`);

/** How a contact with a destination went: somebody answered there, or it is put off as a whole until `notBefore`. */
export type Contact = { readonly reached: true } | { readonly reached: false; readonly notBefore: EpochSeconds };

/** When the next destination becomes due, after a time; undefined when none does. */
export async function nextDue(tx: Reader, after: EpochSeconds): Promise<EpochSeconds | undefined> {
  return (await tx.get(NEXT_DUE, after))?.[0] ?? undefined;
}

/** Which of these destinations are to be tried now. */
export async function areDue(tx: Reader, destinations: readonly string[], now: EpochSeconds): Promise<string[]> {
  const due: string[] = [];
  for (const destination of destinations) {
    if (((await readDestination(tx, destination))?.[0] ?? Infinity) <= now) due.push(destination);
  }
  return due;
}

/** Destinations to be tried now, the longest due first. */
export async function destinationsDue(tx: Reader, now: EpochSeconds, limit: number): Promise<string[]> {
  return (await tx.all(DESTINATIONS_DUE, now, limit)).map(([destination]) => destination);
}

/** How often in a row a destination was not reached. */
export async function failuresOf(tx: Reader, destination: string): Promise<number> {
  return (await readDestination(tx, destination))?.[1] ?? 0;
}

/** When a destination is tried next, and how often in a row it was not reached; undefined when nobody waits for it. */
export function readDestination(tx: Reader, destination: string): Awaitable<DestinationRow | undefined> {
  return tx.get(DESTINATION, destination);
}

/** Destinations that somebody waits for and that have no row: none, as long as the invariant holds. */
export async function forgottenDestinations(tx: Reader): Promise<string[]> {
  return (await tx.all(FORGOTTEN)).map(([destination]) => destination);
}

/** Somebody more waits; a destination that is put off is not tried sooner for it. */
export function awaitDestination(tx: Writer, destination: string, due: EpochSeconds): Awaitable<number> {
  return tx.run(AWAIT, destination, due);
}

/** Nobody waits for any of them any more. */
export async function forgetDestinations(tx: Writer): Promise<void> {
  await tx.run(FORGET_DESTINATIONS);
}

/**
 * Works out when a destination is tried next, after what waits there has changed.
 * @param contact  if it was tried
 */
export async function reschedule(tx: Writer, destination: string, contact?: Contact): Promise<void> {
  const row = await readDestination(tx, destination);
  let first: number | undefined;
  for (const priority of PRIORITIES.keys()) {
    const due = (await tx.get(FIRST_DUE, destination, priority))?.[0] ?? undefined;
    if (due !== undefined && (first === undefined || due < first)) first = due;
  }
  if (first === undefined) return void (await tx.run(FORGET_DESTINATION, destination));
  if (row === undefined) await awaitDestination(tx, destination, first);
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
