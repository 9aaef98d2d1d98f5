/**
 * What was put off while the clock was ahead: by the right time it would wait for as long as the clock was wrong.
 *
 * Invariant: what its sender wants to leave later (RFC 4865) keeps its time.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type EpochSeconds, nowSeconds } from '../ids.ts';
import { PRIORITIES } from '../types.ts';
import { reschedule } from './queue-destination.ts';

const DESTINATIONS = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_destination WHERE destination > ? ORDER BY destination LIMIT ?',
);
const IS_PUT_OFF = sql<readonly [destination: string]>(
  'SELECT destination FROM queue_destination WHERE destination = ? AND due > ? AND failures > 0',
);
/** Tried before, or to be tried at once when it came; what waits for room in a mailbox says why from the beginning. */
const ROWS_PUT_OFF = sql<readonly [queue: number, number: number]>(`
  SELECT queue_id, number FROM queue_recipient r WHERE destination = ? AND state = 'waiting' AND priority = ? AND due > ?
    AND (attempts > 0 OR reply <> '' OR due = (SELECT created FROM queue_message m WHERE m.queue_id = r.queue_id)) LIMIT ?`);
const SET_DUE = sql('UPDATE queue_recipient SET due = ? WHERE queue_id = ? AND number = ?');

/** Destinations looked at in a transaction; recipients changed in one. */
const CHUNK = 200;

/** Some destinations, in their order. @returns those at which somebody is put off until after `latest`, and the last that was looked at */
export async function putOffBeyond(
  tx: Reader,
  after: string,
  latest: EpochSeconds,
): Promise<{ readonly found: readonly string[]; readonly last: string | undefined }> {
  const destinations = (await tx.all(DESTINATIONS, after, CHUNK)).map(([destination]) => destination);
  const found: string[] = [];
  for (const each of destinations) {
    const isPutOff = (await tx.get(IS_PUT_OFF, each, latest)) !== undefined;
    if (isPutOff || (await rowsPutOff(tx, each, latest, 1)).length > 0) found.push(each);
  }
  return { found, last: destinations.at(-1) };
}

/** Lets go at once who is put off there until after `latest`. @returns whether there may be more of them */
export async function bringForward(tx: Writer, destination: string, latest: EpochSeconds): Promise<boolean> {
  const isPutOff = (await tx.get(IS_PUT_OFF, destination, latest)) !== undefined;
  const rows = await rowsPutOff(tx, destination, latest, CHUNK);
  const now = nowSeconds();
  for (const [id, number] of rows) await tx.run(SET_DUE, now, id, number);
  await reschedule(tx, destination, isPutOff ? { reached: true } : undefined);
  return rows.length >= CHUNK;
}

async function rowsPutOff(tx: Reader, destination: string, latest: EpochSeconds, most: number) {
  const rows: (readonly [queue: number, number: number])[] = [];
  for (const priority of PRIORITIES.keys()) {
    if (rows.length < most)
      rows.push(...(await tx.all(ROWS_PUT_OFF, destination, priority, latest, most - rows.length)));
  }
  return rows;
}
