/** What the store does for itself, now and then and in small steps: purge, prune, give disk space back. */
import type { OnProgress } from '../progress.ts';
import type { Segments } from './bodies/segments.ts';
import { copyLive, planSweep, type SegmentUse, storedBytes } from './bodies/sweep.ts';
import type { Devices } from './devices.ts';
import { CHUNK_ROWS, type Engine, PAGE_ROWS } from './engine/engine.ts';
import type { AccountId, EpochSeconds } from './ids.ts';
import type { Leases } from './leases.ts';
import { findRemoved, removeSome } from './operations/accounts.ts';
import { pruneAudit } from './operations/audit.ts';
import {
  accountsAfter,
  accountsDue,
  type PurgeBounds,
  type Purged,
  pruneTombstones,
  purgeAboveCap,
  purgeExpired,
} from './operations/purge.ts';
import { forgetSegment, liveBodies, purgedSegments, repoint, sparseSegments } from './operations/segments.ts';
import { forgetOldCopies } from './operations/sent-copies.ts';
import type { Trace } from './trace.ts';
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
/** Segments a purge on request gives back in one go; the next round goes on. */
const PURGED_SEGMENTS = 10_000;

export interface Housekept {
  readonly purged: number;
  readonly pruned: number;
  readonly segmentsRemoved: number;
  readonly bytesFreed: number;
}

export interface HousekeepingOptions {
  readonly retainedCapBytes: number;
  /** How long entries of the audit are kept. */
  readonly auditKept: EpochSeconds;
  /** Messages that have come in and are not filed yet. */
  readonly unfiled: Unfiled;
  readonly devices: Devices;
  readonly trace: Trace;
  /** What must not be purged yet. */
  readonly leases: Leases;
  /** Looks whether the disk has room for copies. */
  readonly hasRoom: () => Promise<boolean>;
  readonly onAccountGone: (account: AccountId) => Promise<void>;
}

/** What {@link Housekeeper.giveBack} gave back. */
export interface GivenBack {
  /** Bytes of the files that went, less those of what was copied out of them. */
  readonly bytesFreed: number;
  /** Files that still hold something purged: a backup reads them, mail is on its way into them, or the disk is full. They go when that is over. */
  readonly segmentsWaiting: number;
}

/** Keeps house for a store. Its works never overlap: two sweeps of one segment would copy it twice. */
export class Housekeeper {
  readonly #engine: Engine;
  readonly #segments: Segments;
  readonly #options: HousekeepingOptions;
  readonly #stopped: () => boolean;
  #round: Promise<Housekept> | undefined;
  /** The end of the work that was asked for last; never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param stopped  asked between the steps */
  constructor(engine: Engine, segments: Segments, options: HousekeepingOptions, stopped: () => boolean) {
    this.#engine = engine;
    this.#segments = segments;
    this.#options = options;
    this.#stopped = stopped;
  }

  /** One round of everything; those who ask while it runs share it. */
  round(now: EpochSeconds): Promise<Housekept> {
    this.#round ??= this.#alone(() =>
      housekeep(this.#engine, this.#segments, this.#options, now, this.#stopped),
    ).finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** Rewrites at once the segments that still hold what somebody asked to purge. */
  giveBack(onProgress: OnProgress, signal?: AbortSignal): Promise<GivenBack> {
    const stopped = () => this.#stopped() || signal?.aborted === true;
    return this.#alone(() => giveBack(this.#engine, this.#segments, this.#options, stopped, onProgress));
  }

  /** Purges what waited for the sessions of an account to end, and gives its disk space back. */
  purgeWaiting(account: AccountId, now: EpochSeconds): Promise<GivenBack> {
    return this.#alone(async () => {
      await purgeDue(this.#engine, this.#options, { account, now }, this.#stopped);
      return giveBack(this.#engine, this.#segments, this.#options, this.#stopped);
    });
  }

  /** Resolves when nothing runs any more, however it ended. */
  async end(): Promise<void> {
    await this.#last;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {}); // told to those who wait for it
    return done;
  }
}

async function housekeep(
  engine: Engine,
  segments: Segments,
  options: HousekeepingOptions,
  now: EpochSeconds,
  stopped: () => boolean,
): Promise<Housekept> {
  await removeAccounts(engine, options, stopped);
  const purged = await purgeAll(engine, options, now, stopped);
  const pruned = await pruneAll(engine, now - TOMBSTONES_KEPT, stopped);
  await repeat(stopped, () => engine.write((tx) => forgetOldCopies(tx, now, CHUNK_ROWS)));
  await repeat(stopped, () => engine.write((tx) => pruneAudit(tx, now - options.auditKept, STEP_ROWS)));
  await options.trace.keepHouse(now, stopped);
  await options.devices.settleDaily(stopped);
  const swept = await sweep(engine, segments, options, stopped);
  await giveBack(engine, segments, options, stopped);
  return { purged, pruned, ...swept };
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

async function purgeAll(
  engine: Engine,
  options: HousekeepingOptions,
  now: EpochSeconds,
  stopped: () => boolean,
): Promise<number> {
  const { retainedCapBytes: capBytes } = options;
  let purged = 0;
  for (let after: AccountId | undefined = 0 as AccountId; after !== undefined && !stopped(); ) {
    const from: AccountId = after;
    const page = await engine.read((tx) => accountsDue(tx, from, { now, capBytes, limit: PAGE_ROWS }));
    for (const account of page.due) {
      purged += await purgeDue(engine, options, { account, now }, stopped);
    }
    after = page.last;
  }
  return purged;
}

/** What is past its time, or above the cap, of one account. @returns how many messages */
async function purgeDue(
  engine: Engine,
  { retainedCapBytes, leases, trace }: HousekeepingOptions,
  { account, now }: { readonly account: AccountId; readonly now: EpochSeconds },
  stopped: () => boolean,
): Promise<number> {
  const bounds = (): PurgeBounds => ({ limit: STEP_ROWS, leasedSince: leases.since(account), by: trace.by(undefined) });
  const messagesOf = async (purge: Promise<Purged>) => (await purge).messages;
  const expired = await repeat(stopped, () =>
    messagesOf(engine.write((tx) => purgeExpired(tx, account, now, bounds()))),
  );
  const aboveCap = await repeat(stopped, () =>
    messagesOf(engine.write((tx) => purgeAboveCap(tx, account, retainedCapBytes, bounds()))),
  );
  return expired + aboveCap;
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

/**
 * Rewrites the segments that hold what somebody asked to purge, however much of them lives: who purges means that it is gone. Each is complete in
 * itself; one that can't be rewritten now stays marked.
 */
async function giveBack(
  engine: Engine,
  segments: Segments,
  options: HousekeepingOptions,
  stopped: () => boolean,
  onProgress?: OnProgress,
): Promise<GivenBack> {
  const marked = await cheapestFirst(engine, await engine.read((tx) => purgedSegments(tx, PURGED_SEGMENTS)));
  let bytesFreed = 0;
  let segmentsWaiting = 0;
  for (const [index, id] of marked.entries()) {
    if (stopped()) return { bytesFreed, segmentsWaiting: segmentsWaiting + marked.length - index };
    onProgress?.({ what: 'giving disk space back', done: index, total: marked.length, unit: 'segments' });
    if (segments.list().some((segment) => segment.id === id && !segment.sealed)) await segments.seal();
    const bytes = segments.list().find((segment) => segment.id === id)?.bytes ?? 0;
    const copied = options.unfiled.has(id) ? undefined : await rewrite(engine, segments, options, id, stopped);
    if (copied === undefined) {
      segmentsWaiting++;
      continue;
    }
    if (await segments.remove(id)) bytesFreed += bytes - copied;
    else segmentsWaiting++;
    await engine.write((tx) => forgetSegment(tx, id));
  }
  return { bytesFreed, segmentsWaiting };
}

/** Those in which nothing lives need no room for copies: on a full disk they make it. */
async function cheapestFirst(engine: Engine, ids: readonly number[]): Promise<number[]> {
  const [dead, living]: [number[], number[]] = [[], []];
  for (const id of ids) {
    const live = await engine.read((tx) => liveBodies(tx, id, -1, 1));
    (live.length === 0 ? dead : living).push(id);
  }
  return [...dead, ...living];
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
  for (const id of plan.rewrite)
    if (!stopped() && (await rewrite(engine, segments, options, id, stopped)) !== undefined) await remove(id);
  return { segmentsRemoved, bytesFreed };
}

/**
 * Copies what lives and points the rows at the copies; what was copied so far need not be again.
 * @returns bytes copied; undefined when the segment has to stay: something in it can't be read, or the disk has no room for copies
 */
async function rewrite(
  engine: Engine,
  segments: Segments,
  options: HousekeepingOptions,
  id: number,
  stopped: () => boolean,
): Promise<number | undefined> {
  let after = -1;
  let copied = 0;
  let whole = true;
  while (!stopped()) {
    const from = after;
    const live: readonly BodyAddress[] = await engine.read((tx) => liveBodies(tx, id, from, STEP_ROWS));
    if (live.length === 0) return whole ? copied : undefined;
    if (!(await options.hasRoom())) return undefined;
    const { moved, damaged } = await copyLive(segments, live);
    await engine.write((tx) => repoint(tx, moved));
    for (const { to } of moved) copied += storedBytes(to);
    if (damaged.length > 0) whole = false;
    after = live.at(-1)!.offset;
  }
  return undefined;
}
