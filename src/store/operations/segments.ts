/** Segments as rows: what no row points at any more, and pointing rows at copies. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { BodyAddress } from '../types.ts';

const SPARSE = sql<readonly [segment: number, deadBytes: number]>(
  'SELECT segment_id, dead_bytes FROM segment ORDER BY dead_bytes DESC LIMIT ?',
);
const PURGED = sql<readonly [segment: number]>(
  'SELECT segment_id FROM segment WHERE purged > 0 ORDER BY segment_id LIMIT ?',
);
const LIVE = sql<readonly [hash: Uint8Array, start: number, length: number, storedLength: number, codec: number]>(
  `SELECT hash, start, length, stored_length, codec FROM email WHERE segment_id = ? AND start > ? ORDER BY segment_id, start LIMIT ?`,
);
const REPOINT = sql('UPDATE email SET segment_id = ?, start = ? WHERE segment_id = ? AND start = ?');
const FORGET = sql('DELETE FROM segment WHERE segment_id = ?');
const NEWEST = sql<readonly [segment: number | null]>('SELECT max(segment_id) FROM email');

/** Segments with dead bytes, most first. */
export async function sparseSegments(
  tx: Reader,
  limit: number,
): Promise<readonly (readonly [segment: number, deadBytes: number])[]> {
  return tx.all(SPARSE, limit);
}

/** Segments from which somebody asked to purge something that is still in the file. */
export async function purgedSegments(tx: Reader, limit: number): Promise<number[]> {
  return (await tx.all(PURGED, limit)).map(([segment]) => segment);
}

/** Bodies that live in a segment, by position, a page at a time; several rows of one record (its recipients) come as one. */
export async function liveBodies(tx: Reader, segment: number, after: number, limit: number): Promise<BodyAddress[]> {
  const bodies: BodyAddress[] = [];
  for (const [hash, offset, length, storedLength, codec] of await tx.all(LIVE, segment, after, limit)) {
    if (bodies.at(-1)?.offset !== offset) bodies.push({ segment, hash, offset, length, storedLength, codec });
  }
  return bodies;
}

/** Points the rows of moved bodies at their copies. */
export async function repoint(
  tx: Writer,
  moved: readonly { readonly from: BodyAddress; readonly to: BodyAddress }[],
): Promise<void> {
  for (const { from, to } of moved) await tx.run(REPOINT, to.segment, to.offset, from.segment, from.offset);
}

/** The segment's file is gone. */
export async function forgetSegment(tx: Writer, segment: number): Promise<void> {
  await tx.run(FORGET, segment);
}

/** The highest segment a row knows; 0 when there is none. */
export async function newestSegment(tx: Reader): Promise<number> {
  return (await tx.get(NEWEST))?.[0] ?? 0;
}
