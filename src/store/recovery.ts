/**
 * What happens between opening the store and serving anybody.
 *
 * After a clean end: nothing to do. Otherwise the machine or the process died at any moment. SQLite has recovered its own log. WAL and
 * segments are synced side by side, so a row may have survived whose body did not; such a row belongs to nothing that was acknowledged,
 * since that waits for both. So every body behind the last position known to be synced is read: those that fail their checksum are removed
 * with their messages, the others are synced now, because they may so far stand in memory only (the process died, not the machine).
 *
 * Either way, segments that no row points at are removed: of messages that came in and were never filed.
 */
import { open } from 'node:fs/promises';
import { Refused } from '../errors.ts';
import { nodeFiles } from './bodies/files.ts';
import { segmentPath } from './bodies/segment-file.ts';
import type { Segments } from './bodies/segments.ts';
import { type Engine, PAGE_ROWS } from './engine/engine.ts';
import type { EpochSeconds } from './ids.ts';
import { getMeta, setMeta } from './operations/meta.ts';
import { bodiesAfter, removeUnwritten, type StoredBody, type Unwritten } from './operations/recover.ts';
import { forgetSegment, liveBodies } from './operations/segments.ts';

/** Messages named in what a recovery tells. */
const MOST_TOLD = 1_000;

export interface Recovered {
  readonly clean: boolean;
  readonly bodiesChecked: number;
  readonly messagesRemoved: number;
  /** The first of them: to be logged, since a disk that damages what it has synced looks the same. */
  readonly removed: readonly Unwritten[];
  /** Frames of the log that were not whole, or came behind one that was not (repair/torn-log.ts). */
  readonly framesNotRead: number;
  /** Segments without a living body. */
  readonly orphansRemoved: number;
}

/**
 * @param directory of the segments
 * @param run names this use of the data directory: see repair/torn-log.ts
 */
export async function recover(
  engine: Engine,
  segments: Segments,
  directory: string,
  { run, now }: { readonly run: string; readonly now: EpochSeconds },
): Promise<Omit<Recovered, 'framesNotRead'>> {
  const { state, synced } = await engine.read(async (tx) => ({
    state: await getMeta(tx, 'state'),
    synced: await getMeta(tx, 'synced'),
  }));
  const clean = state === undefined || state === 'closed';
  let bodiesChecked = 0;
  let messagesRemoved = 0;
  const removed: Unwritten[] = [];
  if (!clean) {
    const start = parsePosition(synced);
    await syncFiles(segments, directory, start.segment);
    let last: StoredBody | undefined;
    for (;;) {
      const after = last ?? start;
      const page: readonly StoredBody[] = await engine.read((tx) => bodiesAfter(tx, after, PAGE_ROWS));
      for (const body of page) {
        bodiesChecked++;
        if (await isSound(segments, body)) continue;
        const unwritten = await engine.write((tx) => removeUnwritten(tx, body, now));
        messagesRemoved += unwritten.length;
        removed.push(...unwritten.slice(0, MOST_TOLD - removed.length));
      }
      if (page.length < PAGE_ROWS) break;
      last = page.at(-1)!;
    }
  }
  // Waits for durability: with it everything that SQLite recovered from its log is on disk too. Before that no segment may go: the log on
  // disk may still end where rows point at it.
  await engine.write(async (tx) => {
    await setMeta(tx, 'state', 'open');
    await setMeta(tx, 'run', run);
  });
  const orphans = await removeOrphans(engine, segments);
  return { clean, bodiesChecked, messagesRemoved, removed, orphansRemoved: orphans };
}

/** `segment:offset`, as {@link formatPosition} wrote it; the very beginning when there is none. */
function parsePosition(text: string | undefined): { segment: number; offset: number } {
  const [segment = 0, offset = 0] = (text ?? '').split(':').map(Number);
  return { segment, offset };
}

export function formatPosition({ segment, offset }: { readonly segment: number; readonly offset: number }): string {
  return `${segment}:${offset}`;
}

async function isSound(segments: Segments, { address }: StoredBody): Promise<boolean> {
  try {
    for await (const chunk of segments.readChunks(address)) void chunk;
    return true;
  } catch (error) {
    if (error instanceof Refused && (error.code === 'message.damaged' || error.code === 'message.gone')) return false;
    throw error;
  }
}

async function removeOrphans(engine: Engine, segments: Segments): Promise<number> {
  let removed = 0;
  for (const { id } of segments.list()) {
    if ((await engine.read((tx) => liveBodies(tx, id, -1, 1))).length > 0) continue;
    await segments.remove(id);
    await engine.write((tx) => forgetSegment(tx, id));
    removed++;
  }
  return removed;
}

async function syncFiles(segments: Segments, directory: string, from: number): Promise<void> {
  for (const { id } of segments.list()) {
    if (id < from) continue;
    const file = await open(segmentPath(directory, id), 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  }
  await nodeFiles.syncDirectory(directory); // the names of those that were new
}
