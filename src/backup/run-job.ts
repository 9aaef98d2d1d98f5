/**
 * Stores a state of the store as a snapshot. For a worker; whoever has the lock to add.
 *
 * What is there already is not stored again, and of segments not even read: they only grow, so the chunks that the last snapshot of the same
 * store names are still theirs. A run that was broken off is resumed by the same means: the packs it finished are found.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { Refused } from '../errors.ts';
import type { OnProgress } from '../progress.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { type ChunkId, DATABASE_CHUNK_BYTES, FILE_CHUNK_BYTES } from './repository/chunk.ts';
import { ChunkIndex } from './repository/chunk-index.ts';
import { isUnreadable, type Layout } from './repository/layout.ts';
import type { Manifest, NamedFile, StoredFile, StoredSegment } from './repository/manifest.ts';
import { readAt } from './repository/pack.ts';
import { listSnapshotIds, readManifest, writeManifest } from './repository/snapshot-files.ts';
import { RepositoryWriter } from './repository/writer.ts';

export interface RunJob {
  readonly kind: 'run';
  readonly layout: Layout;
  readonly version: string;
  readonly taken: EpochSeconds;
  readonly storeId: string;
  readonly database: { readonly file: number; readonly bytes: number };
  readonly segments: readonly { readonly id: number; readonly bytes: number; readonly path: string }[];
  readonly files: readonly { readonly name: string; readonly path: string }[];
}

export interface BackupMade {
  /** Of the snapshot. */
  readonly id: string;
  readonly taken: EpochSeconds;
  /** Bytes of everything that it holds. */
  readonly bytes: number;
  /** Bytes that the repository grew by. */
  readonly added: number;
  /** Bytes that were there already. */
  readonly reused: number;
  readonly milliseconds: number;
  /** Files, or parts of segments, that could not be read, and why. */
  readonly leftOut: readonly string[];
}

/** @param databaseRead  is called when the database's file is not needed any more */
export async function run(
  job: RunJob,
  progress: OnProgress,
  stopped: () => boolean,
  databaseRead: () => void,
): Promise<BackupMade> {
  const { layout, taken, storeId, version, database, segments, files } = job;
  const start = performance.now();
  const index = await ChunkIndex.load(layout);
  await using writer = new RepositoryWriter(layout, index);
  const last = await lastOf(layout, storeId);
  const before = new Map(last?.segments.filter(({ damaged }) => !damaged).map((segment) => [segment.id, segment]));
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, database.bytes);
  const buffer = Buffer.allocUnsafe(FILE_CHUNK_BYTES);
  let done = 0;
  const advance = (what: string, more: number): void => {
    if (stopped()) throw new Refused('backup.stopped', 'The backup was stopped. The next one uses what it has stored.');
    done += more;
    progress({ what, done, total: bytes, unit: 'bytes' });
  };

  const leftOut: string[] = [];
  const storedDatabase = await storeDatabase();
  databaseRead();
  const storedSegments: StoredSegment[] = [];
  for (const segment of segments) storedSegments.push(await storeSegment(segment));
  const storedFiles: NamedFile[] = [];
  for (const { name, path } of files) {
    try {
      storedFiles.push({ name, ...(await storeFile(path)) });
    } catch (error) {
      // A configuration file that was moved away must not keep the mail from being backed up; it is told.
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'EACCES') throw error;
      leftOut.push(`${path} (${code})`);
    }
  }
  await writer.flush();
  // Everything that the manifest names is on disk.
  const { added, reused } = writer;
  const milliseconds = Math.round(performance.now() - start);
  const id = await writeManifest(layout, {
    taken,
    version,
    storeId,
    database: storedDatabase,
    segments: storedSegments,
    files: storedFiles,
    run: { added, reused, milliseconds },
  });
  return { id, taken, bytes, added, reused, milliseconds, leftOut };

  async function storeDatabase(): Promise<StoredFile> {
    const chunks: ChunkId[] = [];
    for (let at = 0; at < database.bytes; at += FILE_CHUNK_BYTES) {
      const length = Math.min(FILE_CHUNK_BYTES, database.bytes - at);
      const read = readAt(database.file, at, length, buffer);
      if (read.length < length) throw new Error(`the database ends at ${at + read.length}, before ${database.bytes}`);
      for (let from = 0; from < read.length; from += DATABASE_CHUNK_BYTES) {
        chunks.push(await writer.store(read.subarray(from, from + DATABASE_CHUNK_BYTES)));
      }
      advance('database', read.length);
    }
    return { bytes: database.bytes, chunks };
  }

  /** What the disk can't give back must not keep the rest from being backed up: it is stored as zeros, and told. */
  async function storeSegment({ id, bytes, path }: RunJob['segments'][number]): Promise<StoredSegment> {
    const known = before.get(id);
    const chunks: ChunkId[] = [];
    let missing = 0;
    let file: number | null | undefined;
    try {
      for (let at = 0; at < bytes; at += FILE_CHUNK_BYTES) {
        const length = Math.min(FILE_CHUNK_BYTES, bytes - at);
        const same = known === undefined ? undefined : chunkOf(known, at, length);
        if (same !== undefined && index.has(same)) {
          chunks.push(same);
          writer.reused += length;
        } else {
          if (file === undefined) file = openSegment(path);
          const wanted = buffer.subarray(0, length);
          missing += file === null ? wanted.fill(0).length : readWhatIsThere(file, at, wanted);
          chunks.push(await writer.store(wanted));
        }
        advance(`segment ${id}`, length);
      }
    } finally {
      if (typeof file === 'number') closeSync(file);
    }
    if (missing > 0) leftOut.push(`${path} (${missing} bytes of it; see rainmail verify)`);
    return { id, bytes, chunks, damaged: missing > 0 };
  }

  async function storeFile(path: string): Promise<StoredFile> {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const chunks: ChunkId[] = [];
      let length = 0;
      for (let at = 0; at < size; at += FILE_CHUNK_BYTES) {
        const read = readAt(file, at, Math.min(FILE_CHUNK_BYTES, size - at), buffer);
        chunks.push(await writer.store(read));
        length += read.length;
      }
      return { bytes: length, chunks };
    } finally {
      closeSync(file);
    }
  }
}

/** @returns null when it is gone from the disk */
function openSegment(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A block of the file system: what is read when the disk can't give back more. */
const BLOCK_BYTES = 4_096;

/** Fills `into`, with zeros where the file ends or the disk fails. @returns how many bytes are missing */
function readWhatIsThere(file: number, at: number, into: Buffer): number {
  try {
    const { length } = readAt(file, at, into.length, into);
    into.fill(0, length);
    return into.length - length;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (into.length <= BLOCK_BYTES) return into.fill(0).length;
    let missing = 0;
    for (let from = 0; from < into.length; from += BLOCK_BYTES) {
      missing += readWhatIsThere(file, at + from, into.subarray(from, from + BLOCK_BYTES));
    }
    return missing;
  }
}

/** The newest snapshot of the same store. */
async function lastOf(layout: Layout, storeId: string): Promise<Manifest | undefined> {
  for (const id of (await listSnapshotIds(layout.directory)).reverse()) {
    const { manifest } = await readManifest(layout, id);
    if (manifest?.storeId === storeId) return manifest;
  }
  return undefined;
}

/** The chunk of a stored segment that begins at `at`, if it has one of just this length. */
function chunkOf({ bytes, chunks }: StoredSegment, at: number, length: number): ChunkId | undefined {
  return Math.min(FILE_CHUNK_BYTES, bytes - at) === length ? chunks[at / FILE_CHUNK_BYTES] : undefined;
}
