/** Writes files out of a repository; synchronous, in a worker. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { type ChunkId, decodeChunk, FILE_CHUNK_BYTES, type Location, mostStored } from './chunk.ts';
import type { Layout } from './layout.ts';
import { packPath, readStored } from './pack.ts';

export interface WrittenChunk {
  readonly id: ChunkId;
  /** In the file. */
  readonly at: number;
  readonly location: Location;
}

export interface WriteFilesJob {
  readonly kind: 'write';
  readonly layout: Layout;
  /** Each file is there, in its size. */
  readonly files: readonly { readonly path: string; readonly chunks: readonly WrittenChunk[] }[];
  readonly durable: boolean;
}

/** Packs kept open: the chunks of a file stand in few, one after the other. */
const OPEN_PACKS = 8;

/** @throws Refused `backup.damaged` */
export function writeFiles(
  { layout, files, durable }: WriteFilesJob,
  progress: OnProgress,
  stopped: () => boolean,
): void {
  const packs = new Map<string, number>();
  const buffer = Buffer.allocUnsafe(mostStored(FILE_CHUNK_BYTES));
  const total = files.reduce(
    (sum, { chunks }) => chunks.reduce((more, { location }) => more + location.length, sum),
    0,
  );
  let done = 0;
  try {
    for (const { path, chunks } of files) {
      const file = openSync(path, 'r+');
      try {
        for (const { id, at, location } of chunks) {
          if (stopped()) throw new Refused('backup.stopped', 'Reading the backup was stopped.');
          const stored = readStored(opened(location.pack), location, buffer);
          const plain = decodeChunk(layout.keys, id, location, stored);
          if (plain === undefined) {
            throw new Refused(
              'backup.damaged',
              `The backup is damaged (packs/${location.pack}.pack, needed for ${path}). Run “rainmail backup verify” to see which backups are whole.`,
            );
          }
          for (let written = 0; written < plain.length; ) {
            written += writeSync(file, plain, written, plain.length - written, at + written);
          }
          done += plain.length;
          progress({ what: path, done, total, unit: 'bytes' });
        }
        if (durable) fdatasyncSync(file);
      } finally {
        closeSync(file);
      }
    }
  } finally {
    for (const pack of packs.values()) closeSync(pack);
  }

  function opened(pack: string): number {
    let file = packs.get(pack);
    if (file !== undefined) packs.delete(pack);
    else file = openSync(packPath(layout.directory, pack), 'r');
    packs.set(pack, file); // now the last used
    if (packs.size > OPEN_PACKS) {
      const [oldest, descriptor] = packs.entries().next().value!;
      packs.delete(oldest);
      closeSync(descriptor);
    }
    return file;
  }
}
