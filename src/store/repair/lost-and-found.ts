/**
 * Bodies that no row points at, as files that any mail program opens: `lost-and-found/SEGMENT-OFFSET.eml`. After rows were lost these are the
 * messages they were of; among them is also mail that was purged and whose space had not been given back yet.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnProgress } from '../../progress.ts';
import { type File, nodeFiles, readUpTo } from '../bodies/files.ts';
import { HEADER_BYTES } from '../bodies/record.ts';
import { FILE_HEADER_BYTES, segmentIdOf, segmentPath } from '../bodies/segment-file.ts';
import { type FoundRecord, walkRecords } from '../bodies/walk.ts';

export const LOST_AND_FOUND = 'lost-and-found';

const MAGIC = Buffer.from('RMB1', 'latin1');
const BLOCK_BYTES = 1 << 20;

export interface LostAndFoundOptions {
  /** True for a record that a row points at. */
  readonly isKnown: (segment: number, offset: number) => boolean;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/** Writes every whole body that no row points at. What was written before is left as it is. @returns how many there are */
export async function writeLostAndFound(directory: string, options: LostAndFoundOptions): Promise<number> {
  const segments = join(directory, 'segments');
  const ids = existsSync(segments) ? (await nodeFiles.list(segments)).map(segmentIdOf).filter((id) => id !== null) : [];
  const folder = join(directory, LOST_AND_FOUND);
  let found = 0;
  for (const [index, id] of ids.sort((a, b) => a - b).entries()) {
    options.onProgress({ what: 'looking for messages', done: index, total: ids.length, unit: 'segments' });
    const path = segmentPath(segments, id);
    const file = await nodeFiles.open(path, 'read');
    try {
      for await (const record of allRecords(file, id, await nodeFiles.size(path))) {
        options.signal?.throwIfAborted();
        if (!record.sound || options.isKnown(id, record.offset)) continue;
        if (found === 0) await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeBody(file, record, join(folder, `${id}-${record.offset}.eml`));
        found++;
      }
    } finally {
      await nodeFiles.close(file);
    }
  }
  if (found > 0) await nodeFiles.syncDirectory(folder);
  return found;
}

/** All records of a segment; where no header can be read, it goes on at the next place where one stands whole. */
async function* allRecords(file: File, id: number, end: number): AsyncGenerator<FoundRecord, void, void> {
  let from: number | undefined = FILE_HEADER_BYTES;
  while (from !== undefined) {
    let torn: number | undefined;
    for await (const record of walkRecords(nodeFiles, file, id, from, end)) {
      if (record.torn) torn = record.offset;
      else yield record;
    }
    from = torn === undefined ? undefined : await findMagic(file, torn + 1, end);
  }
}

/** Where the first four bytes of a header stand next. */
async function findMagic(file: File, from: number, end: number): Promise<number | undefined> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let at = from; at < end; at += BLOCK_BYTES - MAGIC.length + 1) {
    const got = await readUpTo(nodeFiles, file, block.subarray(0, Math.min(BLOCK_BYTES, end - at)), at);
    const found = block.subarray(0, got).indexOf(MAGIC);
    if (found !== -1) return at + found;
    if (got < BLOCK_BYTES) return undefined;
  }
  return undefined;
}

/** Beside it first: what an interruption leaves is no message cut short. */
async function writeBody(file: File, { offset, storedLength }: FoundRecord, path: string): Promise<void> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there?.size === storedLength) return;
  const unfinished = `${path}.part`;
  const out = await open(unfinished, 'w', 0o600);
  try {
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, storedLength));
    for (let done = 0; done < storedLength; ) {
      const piece = block.subarray(0, Math.min(block.length, storedLength - done));
      const got = await readUpTo(nodeFiles, file, piece, offset + HEADER_BYTES + done);
      await out.write(piece, 0, got);
      done += got;
    }
    await out.sync();
  } finally {
    await out.close();
  }
  await rename(unfinished, path);
}
