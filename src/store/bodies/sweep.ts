/**
 * Compaction: gives back the disk that dead bodies hold. Which records live is known by rows, not here.
 *
 * The order that makes it safe, and safe to repeat: (1) {@link copyLive} copies the live records of a segment and syncs them;
 * (2) the caller points the rows at the copies, in a durable transaction; (3) `Segments.remove` unlinks the old file. Dies between
 * (1) and (2): unused copies, swept later. Between (2) and (3): a segment without live records, removed by the next sweep.
 */
import { Refused } from '../../errors.ts';
import type { BodyAddress } from '../types.ts';
import { byPosition } from './read-plan.ts';
import { HEADER_BYTES } from './record.ts';
import type { Segments } from './segments.ts';

/** A segment is rewritten when less than this part of it lives. */
const LIVE_ENOUGH = 0.5;
/** Bytes copied before the copies are waited for: other appends stand behind them in the queue. */
const QUEUE_BYTES = 2 << 20;

export interface SegmentUse {
  readonly id: number;
  readonly bytes: number;
  readonly sealed: boolean;
  /** Bytes of the records that rows point at, headers included: see {@link storedBytes}. */
  readonly liveBytes: number;
  /** Something still needs the segment as it is: a backup, a row that is not durable. */
  readonly leased: boolean;
}

export interface SweepPlan {
  /** Segments in which nothing lives. */
  readonly remove: readonly number[];
  /** Segments to copy from, those that give back most for the least copying first. */
  readonly rewrite: readonly number[];
}

export interface Copied {
  readonly moved: readonly { readonly from: BodyAddress; readonly to: BodyAddress }[];
  /** Bodies that can't be read. While rows point at them their segment must stay. */
  readonly damaged: readonly { readonly address: BodyAddress; readonly error: Refused }[];
}

/** What a record takes in its segment. */
export function storedBytes(address: BodyAddress): number {
  return HEADER_BYTES + address.storedLength;
}

/** @param copyBytes  most live bytes to copy in this sweep; one segment is planned even if it alone has more */
export function planSweep(segments: readonly SegmentUse[], copyBytes: number): SweepPlan {
  const free = segments.filter((segment) => segment.sealed && !segment.leased);
  const remove = free.filter((segment) => segment.liveBytes === 0).map((segment) => segment.id);
  const sparse = free
    .filter((segment) => segment.liveBytes > 0 && segment.liveBytes < segment.bytes * LIVE_ENOUGH)
    .sort((a, b) => a.liveBytes / a.bytes - b.liveBytes / b.bytes || a.id - b.id);
  const rewrite: number[] = [];
  let copied = 0;
  for (const segment of sparse) {
    if (rewrite.length > 0 && copied + segment.liveBytes > copyBytes) break;
    copied += segment.liveBytes;
    rewrite.push(segment.id);
  }
  return { remove, rewrite };
}

/**
 * Copies bodies to the end of the active segment, and large ones to segments of their own. Resolves when the copies are durable.
 * @throws Refused `store.full`, `store.failed`; what was copied till then is swept later
 */
export async function copyLive(segments: Segments, live: readonly BodyAddress[]): Promise<Copied> {
  const moved: { from: BodyAddress; to: BodyAddress }[] = [];
  const damaged: { address: BodyAddress; error: Refused }[] = [];
  const addresses = live.toSorted(byPosition);
  let index = 0;
  for await (const body of segments.readMany(addresses)) {
    const from = addresses[index++]!;
    if (Buffer.isBuffer(body)) {
      moved.push({ from, to: segments.append([body], body.length, from.hash) });
      if (segments.queuedBytes > QUEUE_BYTES) await segments.sync();
    } else if (body === null) {
      const to = await copyLarge(segments, from);
      if (to instanceof Refused) damaged.push({ address: from, error: to });
      else moved.push({ from, to });
    } else damaged.push({ address: from, error: body });
  }
  await segments.sync();
  return { moved, damaged };
}

/** @returns the copy's address, or why the body can't be read */
async function copyLarge(segments: Segments, from: BodyAddress): Promise<BodyAddress | Refused> {
  const copy = segments.large();
  try {
    for await (const chunk of segments.readChunks(from)) await copy.write(chunk);
    return await copy.finish(from.hash);
  } catch (error) {
    copy.abandon();
    if (error instanceof Refused && (error.code === 'message.damaged' || error.code === 'message.gone')) return error;
    throw error;
  }
}
