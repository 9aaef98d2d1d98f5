/**
 * The manifest of a snapshot: which files it has, and of which chunks each is made. Pure.
 *
 *   length of the head  4, little-endian
 *   head                JSON ({@link Head}), with the number of chunks of each file
 *   ids                 32 bytes a chunk: of the database, of the segments, of the other files, in the order of the head
 */
import { type ChunkId, ID_BYTES, idBytes, idOf } from './chunk.ts';

export interface StoredFile {
  readonly bytes: number;
  readonly chunks: readonly ChunkId[];
}

export interface StoredSegment extends StoredFile {
  readonly id: number;
  /** Part of it could not be read, and is zeros here: the next run reads it again. */
  readonly damaged: boolean;
}

export interface NamedFile extends StoredFile {
  /** Below the data directory, with `/`: `self-signed.pem`. Those from elsewhere: `configuration/rainmail.toml`, `tls/certificate.pem`. */
  readonly name: string;
}

export interface Manifest {
  /** Seconds since 1970, when its state was taken. */
  readonly taken: number;
  /** Of the Rainmail that took it. */
  readonly version: string;
  /** Of the line of changes it is a state of (`meta`, `store.id`). */
  readonly storeId: string;
  readonly database: StoredFile;
  readonly segments: readonly StoredSegment[];
  readonly files: readonly NamedFile[];
  /** What the run cost. */
  readonly run: {
    /** Bytes that the repository grew by. */
    readonly added: number;
    /** Bytes of the state that were in it already. */
    readonly reused: number;
    readonly milliseconds: number;
  };
}

interface Head {
  readonly taken: number;
  readonly version: string;
  readonly storeId: string;
  readonly run: Manifest['run'];
  readonly database: readonly [bytes: number, chunks: number];
  readonly segments: readonly (readonly [id: number, bytes: number, chunks: number, damaged: 0 | 1])[];
  readonly files: readonly (readonly [name: string, bytes: number, chunks: number])[];
}

export function encodeManifest({ taken, version, storeId, run, database, segments, files }: Manifest): Buffer {
  const head: Head = {
    taken,
    version,
    storeId,
    run,
    database: [database.bytes, database.chunks.length],
    segments: segments.map(({ id, bytes, chunks, damaged }) => [id, bytes, chunks.length, damaged ? 1 : 0]),
    files: files.map(({ name, bytes, chunks }) => [name, bytes, chunks.length]),
  };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const ids = [database, ...segments, ...files].flatMap(({ chunks }) => chunks.map(idBytes));
  return Buffer.concat([length, json, ...ids]);
}

export function decodeManifest(bytes: Buffer): Manifest {
  let at = 4 + bytes.readUInt32LE(0);
  const { database, segments, files, ...rest } = JSON.parse(bytes.toString('utf8', 4, at)) as Head;
  const take = (count: number): ChunkId[] => {
    const chunks: ChunkId[] = [];
    for (let number = 0; number < count; number++, at += ID_BYTES) chunks.push(idOf(bytes.subarray(at, at + ID_BYTES)));
    return chunks;
  };
  return {
    ...rest,
    database: { bytes: database[0], chunks: take(database[1]) },
    segments: segments.map(([id, size, count, damaged]) => ({
      id,
      bytes: size,
      chunks: take(count),
      damaged: damaged === 1,
    })),
    files: files.map(([name, size, count]) => ({ name, bytes: size, chunks: take(count) })),
  };
}

/** Everything that a snapshot needs. */
export function* chunksOf({ database, segments, files }: Manifest): Generator<ChunkId, void, void> {
  for (const { chunks } of [database, ...segments, ...files]) yield* chunks;
}
