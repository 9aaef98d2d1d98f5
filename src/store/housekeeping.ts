/** What the store does for itself, now and then and in small steps: purge, prune, give disk space back. */

import type { Segments } from './bodies/segments.ts';
import { copyLive, planSweep, type SegmentUse } from './bodies/sweep.ts';
import { CHUNK_ROWS, type Engine, PAGE_ROWS } from './engine/engine.ts';
import type { AccountId, EpochSeconds } from './ids.ts';
import { findRemoved, removeSome } from './operations/accounts.ts';
import { accountsAfter, pruneTombstones, purgeAboveCap, purgeExpired } from './operations/purge.ts';
import { forgetSegment, liveBodies, repoint, sparseSegments } from './operations/segments.ts';
import type { BodyAddress } from './types.ts';
import type { Unfiled } from './unfiled.ts';

/** Clients that were away longer start afresh; the price is one row for each removed message meanwhile. */
const TOMBSTONES_KEPT: EpochSeconds = 90 * 86_400;
/** Rows a step: a purge touches several rows for each. */
const STEP_ROWS = 200;
/** Live bytes copied in one sweep. */
const SWEEP_BYTES = 256 << 20;
/** Segments looked at in one sweep. */
const SWEEP_SEGMENTS = 64;

export interface Housekept {
  readonly purged: number;
  readonly pruned: number;
  readonly segmentsRemoved: number;
  readonly bytesFreed: number;
}

export interface HousekeepingOptions {
  readonly retainedCapBytes: number;
  /** Messages that have come in and are not filed yet. */
  readonly unfiled: Unfiled;
  readonly onAccountGone: (account: AccountId) => Promise<void>;
}

/** One round of everything. `stopped` is asked between the steps. */
export async function housekeep(
  engine: Engine,
  segments: Segments,
  options: HousekeepingOptions,
  now: EpochSeconds,
  stopped: () => boolean,
): Promise<Housekept> {
  await removeAccounts(engine, options, stopped);
  const expired = await repeat(stopped, () => engine.write((tx) => purgeExpired(tx, now, STEP_ROWS)));
  const above = await repeat(stopped, () =>
    engine.write((tx) => purgeAboveCap(tx, options.retainedCapBytes, STEP_ROWS)),
  );
  const pruned = await pruneAll(engine, now - TOMBSTONES_KEPT, stopped);
  const swept = await sweep(engine, segments, options, stopped);
  return { purged: expired + above, pruned, ...swept };
}

/** Repeats a step until it finds nothing to do. @returns the sum */
async function repeat(stopped: () => boolean, step: () => Promise<number>): Promise<number> {
  let sum = 0;
  while (!stopped()) {
    const count = await step();
    if (count === 0) break;
    sum += count;
  }
  return sum;
}

async function removeAccounts(engine: Engine, options: HousekeepingOptions, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const account = await engine.read(findRemoved);
    if (account === undefined) return;
    let more = true;
    while (more && !stopped()) more = await engine.write((tx) => removeSome(tx, account, CHUNK_ROWS));
    if (!more) await options.onAccountGone(account);
  }
}

async function pruneAll(engine: Engine, before: EpochSeconds, stopped: () => boolean): Promise<number> {
  let pruned = 0;
  let after = 0 as AccountId;
  while (!stopped()) {
    const from = after;
    const accounts: readonly AccountId[] = await engine.read((tx) => accountsAfter(tx, from, PAGE_ROWS));
    for (const account of accounts) {
      pruned += await repeat(stopped, () => engine.write((tx) => pruneTombstones(tx, account, before, STEP_ROWS)));
    }
    if (accounts.length < PAGE_ROWS) break;
    after = accounts.at(-1)!;
  }
  return pruned;
}

/** Removes segments in which nothing lives and rewrites sparse ones (bodies/sweep.ts has the order that makes it safe). */
async function sweep(
  engine: Engine,
  segments: Segments,
  options: HousekeepingOptions,
  stopped: () => boolean,
): Promise<{ segmentsRemoved: number; bytesFreed: number }> {
  for (const orphan of options.unfiled.takeOrphans()) await segments.remove(orphan);
  const dead = await engine.read((tx) => sparseSegments(tx, SWEEP_SEGMENTS));
  const known = new Map(segments.list().map((segment) => [segment.id, segment]));
  const uses: SegmentUse[] = [];
  for (const [id, deadBytes] of dead) {
    const segment = known.get(id);
    if (segment === undefined) continue;
    const live = await engine.read((tx) => liveBodies(tx, id, -1, 1));
    // An estimate, but never 0 while anything lives.
    const liveBytes = live.length === 0 ? 0 : Math.max(1, segment.bytes - deadBytes);
    uses.push({ id, bytes: segment.bytes, sealed: segment.sealed, liveBytes, leased: options.unfiled.has(id) });
  }
  const plan = planSweep(uses, SWEEP_BYTES);
  let segmentsRemoved = 0;
  let bytesFreed = 0;
  const remove = async (id: number): Promise<void> => {
    await segments.remove(id);
    await engine.write((tx) => forgetSegment(tx, id));
    segmentsRemoved++;
    bytesFreed += known.get(id)!.bytes;
  };
  for (const id of plan.remove) if (!stopped()) await remove(id);
  for (const id of plan.rewrite) if (!stopped() && (await rewrite(engine, segments, id, stopped))) await remove(id);
  return { segmentsRemoved, bytesFreed };
}

/** Copies what lives and points the rows at the copies. @returns false when something can't be read: the segment stays */
async function rewrite(engine: Engine, segments: Segments, id: number, stopped: () => boolean): Promise<boolean> {
  let after = -1;
  let whole = true;
  while (!stopped()) {
    const from = after;
    const live: readonly BodyAddress[] = await engine.read((tx) => liveBodies(tx, id, from, STEP_ROWS));
    if (live.length === 0) return whole;
    const { moved, damaged } = await copyLive(segments, live);
    await engine.write((tx) => repoint(tx, moved));
    if (damaged.length > 0) whole = false;
    after = live.at(-1)!.offset;
  }
  return false;
}
