/**
 * Plans the reading of many bodies: the next ones in the order asked for, as few reads as their places on disk allow.
 *
 * One read of 1 MB costs about as much processor time as a few reads of one message each, so neighbours are read together with
 * the gaps between them. Pure: no I/O here.
 */
import { STREAM_ABOVE } from '../api.ts';
import type { BodyAddress } from '../types.ts';
import { HEADER_BYTES } from './record.ts';

/** Bytes of records a window holds, unless a single one is larger. */
export const WINDOW_BYTES = 1 << 20;
const WINDOW_RECORDS = 1_024;
/** A gap up to this is read over rather than leapt. */
const GAP_BYTES = 64 << 10;
/** Gaps read over in one window: with two windows in memory, at most about 4 MB are. */
const WASTE_BYTES = 1 << 20;

/** One read: a stretch of one segment, and which of the addresses stand in it. */
export interface Run {
  readonly segment: number;
  readonly offset: number;
  bytes: number;
  readonly members: number[];
}

export interface Window {
  /** The addresses from `from` to before `end` are answered by these runs; those above STREAM_ABOVE stand in none. */
  readonly from: number;
  readonly end: number;
  readonly runs: readonly Run[];
}

export function planWindow(addresses: readonly BodyAddress[], from: number): Window {
  const members: number[] = [];
  let bytes = 0;
  let end = from;
  for (; end < addresses.length && members.length < WINDOW_RECORDS; end++) {
    const address = addresses[end]!;
    if (isStreamed(address)) continue;
    const size = HEADER_BYTES + address.storedLength;
    if (members.length > 0 && bytes + size > WINDOW_BYTES) break;
    bytes += size;
    members.push(end);
  }
  members.sort((a, b) => byPosition(addresses[a]!, addresses[b]!));
  return { from, end, runs: mergeRuns(addresses, members) };
}

/** True for a body that is never held whole. */
function isStreamed(address: BodyAddress): boolean {
  return address.length > STREAM_ABOVE || address.storedLength > STREAM_ABOVE;
}

export function byPosition(a: BodyAddress, b: BodyAddress): number {
  return a.segment - b.segment || a.offset - b.offset;
}

function mergeRuns(addresses: readonly BodyAddress[], members: readonly number[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  let waste = 0;
  for (const member of members) {
    const { segment, offset, storedLength } = addresses[member]!;
    const bytes = HEADER_BYTES + storedLength;
    if (run !== undefined && run.segment === segment) {
      const gap = Math.max(0, offset - (run.offset + run.bytes));
      if (gap <= GAP_BYTES && waste + gap <= WASTE_BYTES) {
        waste += gap;
        run.bytes = Math.max(run.bytes, offset + bytes - run.offset);
        run.members.push(member);
        continue;
      }
    }
    run = { segment, offset, bytes, members: [member] };
    runs.push(run);
  }
  return runs;
}
