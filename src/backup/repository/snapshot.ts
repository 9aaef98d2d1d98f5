/**
 * A snapshot to read from. Every byte it gives was authenticated with its chunk; what is damaged or missing is an error that names the
 * file of the snapshot and the pack, never other bytes.
 */
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { inWorker } from '../worker-client.ts';
import { type ChunkId, DATABASE_CHUNK_BYTES, decodeChunk, FILE_CHUNK_BYTES, idText, type Location } from './chunk.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { isUnreadable, type Layout } from './layout.ts';
import type { Manifest, StoredFile } from './manifest.ts';
import { packPath } from './pack.ts';
import type { SnapshotInfo } from './repository.ts';
import type { WrittenChunk } from './write-files.ts';

/** A file to be written from a snapshot, whole. */
export type Target =
  | { readonly kind: 'database'; readonly path: string }
  | { readonly kind: 'segment'; readonly id: number; readonly path: string }
  | { readonly kind: 'file'; readonly name: string; readonly path: string };

export interface WriteOptions {
  readonly progress?: OnProgress;
  readonly signal?: AbortSignal;
  /** False: for a copy that nobody misses after a crash, which is not synced. */
  readonly durable?: boolean;
}

/** Chunks kept, so that messages which stand beside each other are read and deciphered once. */
const CHUNKS_KEPT = 4;
/** Less is written by one thread: starting a second would take longer. */
const WORTH_TWO_BYTES = 16 << 20;

export class Snapshot {
  readonly info: SnapshotInfo;
  readonly #manifest: Manifest;
  readonly #layout: Layout;
  readonly #index: ChunkIndex;
  readonly #recent = new Map<ChunkId, Promise<Buffer>>();

  constructor(info: SnapshotInfo, manifest: Manifest, layout: Layout, index: ChunkIndex) {
    this.info = info;
    this.#manifest = manifest;
    this.#layout = layout;
    this.#index = index;
  }

  /** Segments by id, with their lengths. */
  get segments(): readonly { readonly id: number; readonly bytes: number }[] {
    return this.#manifest.segments;
  }

  /** Configuration, certificates and the like (NamedFile in manifest.ts tells the names). */
  get files(): readonly { readonly name: string; readonly bytes: number }[] {
    return this.#manifest.files;
  }

  /**
   * Part of a segment. Fewer bytes come where it ends before `to`.
   * @throws Refused `backup.missing` when the snapshot has no such segment, `backup.damaged`
   */
  readSegment(id: number, from: number, to: number): Promise<Buffer> {
    const segment = this.#manifest.segments.find((each) => each.id === id);
    if (segment === undefined) {
      throw new Refused('backup.missing', `The backup ${this.info.id} has no segment ${id}.`);
    }
    return this.#range(segment, `segment ${id}`, from, Math.min(to, segment.bytes));
  }

  /** A file of configuration, certificates and the like, whole. @throws Refused `backup.missing`, `backup.damaged` */
  readFile(name: string): Promise<Buffer> {
    const file = this.#manifest.files.find((each) => each.name === name);
    if (file === undefined) throw new Refused('backup.missing', `The backup ${this.info.id} has no file ${name}.`);
    return this.#range(file, name, 0, file.bytes);
  }

  /** Writes the database as it was: {@link write} for it alone. */
  readDatabase(path: string, options?: WriteOptions): Promise<void> {
    return this.write([{ kind: 'database', path }], options);
  }

  /**
   * Writes files, in threads of their own, over what may stand there; their folders must exist. Each is on disk, content and not name,
   * when it resolves: sync the folder. What it leaves when it fails is in part.
   * @throws Refused `backup.damaged` before anything is written when a chunk is missing, or when one proves damaged
   */
  async write(targets: readonly Target[], { progress, signal, durable = true }: WriteOptions = {}): Promise<void> {
    const files = targets.map((target) => ({ path: target.path, ...this.#contentOf(target) }));
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const lanes = total < WORTH_TWO_BYTES ? 1 : Math.min(2, availableParallelism());
    const shares: { path: string; bytes: number; chunks: WrittenChunk[] }[][] = Array.from({ length: lanes }, () => []);
    for (const { path, bytes, what, chunks, chunkBytes } of files) {
      const located = chunks.map((id, number) => ({ id, at: number * chunkBytes, location: this.#locate(id, what) }));
      // A part of each file to each thread, so that a database alone is written by all of them.
      for (const [lane, share] of shares.entries()) {
        const from = Math.floor((located.length * lane) / lanes);
        const to = Math.floor((located.length * (lane + 1)) / lanes);
        if (to > from || lane === 0) share.push({ path, bytes, chunks: located.slice(from, to) });
      }
    }
    for (const { path, bytes } of files) await makeFile(path, bytes);
    const done = shares.map(() => 0);
    let failure: unknown;
    const failed = new AbortController();
    const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    await Promise.all(
      shares.map((share, lane) =>
        inWorker(
          { kind: 'write', layout: this.#layout, files: share, durable },
          {
            signal: both,
            progress: (made) => {
              done[lane] = made.done;
              progress?.({ ...made, done: done.reduce((sum, bytes) => sum + bytes, 0), total });
            },
          },
        ).catch((error: unknown) => {
          failure ??= error; // the other thread is stopped by it
          failed.abort();
        }),
      ),
    );
    if (failure !== undefined) throw failure;
  }

  #contentOf(target: Target): StoredFile & { readonly what: string; readonly chunkBytes: number } {
    const { database, segments, files } = this.#manifest;
    if (target.kind === 'database') return { ...database, what: 'the database', chunkBytes: DATABASE_CHUNK_BYTES };
    const file =
      target.kind === 'segment'
        ? segments.find(({ id }) => id === target.id)
        : files.find(({ name }) => name === target.name);
    const what = target.kind === 'segment' ? `segment ${target.id}` : target.name;
    if (file === undefined) throw new Refused('backup.missing', `The backup ${this.info.id} has no ${what}.`);
    return { bytes: file.bytes, chunks: file.chunks, what, chunkBytes: FILE_CHUNK_BYTES };
  }

  async #range({ chunks }: StoredFile, what: string, from: number, to: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = from; at < to; ) {
      const number = Math.floor(at / FILE_CHUNK_BYTES);
      const start = number * FILE_CHUNK_BYTES;
      const chunk = await this.#chunk(chunks[number]!, what);
      const end = Math.min(to - start, chunk.length);
      parts.push(chunk.subarray(at - start, end));
      at = start + FILE_CHUNK_BYTES;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #chunk(id: ChunkId, what: string): Promise<Buffer> {
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const reading = this.#read(id, what);
    this.#recent.set(id, reading);
    reading.catch(() => this.#recent.delete(id)); // whoever asked gets the error
    if (this.#recent.size > CHUNKS_KEPT) this.#recent.delete(this.#recent.keys().next().value!);
    return reading;
  }

  async #read(id: ChunkId, what: string): Promise<Buffer> {
    const location = this.#locate(id, what);
    const file = await open(packPath(this.#layout.directory, location.pack), 'r');
    try {
      const stored = await file
        .read(Buffer.allocUnsafe(location.stored), 0, location.stored, location.offset)
        .then(({ buffer, bytesRead }) => buffer.subarray(0, bytesRead))
        .catch((error: unknown) => {
          if (isUnreadable(error)) return Buffer.alloc(0);
          throw error;
        });
      const plain = decodeChunk(this.#layout.keys, id, location, stored);
      if (plain === undefined) throw damaged(this.info.id, what, location.pack);
      return plain;
    } finally {
      await file.close();
    }
  }

  #locate(id: ChunkId, what: string): Location {
    const location = this.#index.get(id);
    if (location !== undefined) return location;
    const packs = this.#index.damaged.map((pack) => `packs/${pack}.pack`).slice(0, 3);
    const where = packs.length === 0 ? 'a pack is missing' : `damaged: ${packs.join(', ')}`;
    throw new Refused(
      'backup.damaged',
      `The backup ${this.info.id} lacks a part of ${what} (chunk ${idText(id)}; ${where}). Run “rainmail backup verify” to see which backups are whole.`,
    );
  }
}

/** What is said of a chunk that proves damaged. */
function damaged(snapshot: string, what: string, pack: string): Refused {
  return new Refused(
    'backup.damaged',
    `The backup ${snapshot} is damaged in ${what} (packs/${pack}.pack). Run “rainmail backup verify” to see which backups are whole.`,
  );
}

/** An empty file of this size; threads fill in its parts. */
async function makeFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}
