/**
 * The bodies of messages, in append-only segment files.
 *
 * Invariants:
 * - A segment of an earlier run is never appended to; a sealed one never changes. So a torn tail stays where it was torn.
 * - Ranges are reserved at once and in order; bytes follow by positional writes (writer.ts). An address may be read before
 *   its bytes are in the file: the reader waits for them.
 * - What {@link Segments.sync} resolved for is on disk (unsynced-files.ts). After a write or sync has failed nothing is taken in, and reading
 *   goes on.
 * - Ids only rise, in the order in which bodies became known; so everything before a reserved end was reserved before it.
 */
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Refused } from '../../errors.ts';
import type { BodyAddress } from '../types.ts';
import { Descriptors } from './descriptors.ts';
import { type FileSystem, isFull, nodeFiles } from './files.ts';
import { type LargeBody, LargeBodyFile, type LargeBodyHost } from './large-body.ts';
import { BodyReader } from './reader.ts';
import { CODEC_NONE, encodeHeader, HEADER_BYTES } from './record.ts';
import { encodeFileHeader, FILE_HEADER_BYTES, isPart, partPath, segmentIdOf, segmentPath } from './segment-file.ts';
import { storeFailed, UnsyncedFiles } from './unsynced-files.ts';
import { type FoundRecord, walkRecords } from './walk.ts';
import { FileWriter } from './writer.ts';

export type { FoundRecord, LargeBody };

const SEGMENT_BYTES = 64 << 20;
/** Files looked at together at start: each large body has one. */
const OPEN_LANES = 16;

export interface SegmentOptions {
  /** Where the segment files stand; made if missing. */
  readonly directory: string;
  /** A segment is sealed before it grows beyond this. */
  readonly segmentBytes?: number;
  /** No new segment gets an id below this: for ids that are still known elsewhere though their files are gone. */
  readonly firstId?: number;
  readonly files?: FileSystem;
  /** Asked when the disk is full and bytes must be written that have been promised a place. */
  readonly makeRoom?: () => Promise<void>;
}

export interface SegmentInfo {
  readonly id: number;
  /** Of the file, with what is queued for it. */
  readonly bytes: number;
  /** Nothing will be appended to it any more. */
  readonly sealed: boolean;
}

export class Segments {
  readonly #files: FileSystem;
  readonly #makeRoom: (() => Promise<void>) | undefined;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #descriptors: Descriptors;
  readonly #reader: BodyReader;
  readonly #host: LargeBodyHost;

  /** Sizes of all segments but the active one. */
  readonly #sealed = new Map<number, number>();
  #nextId: number;
  #nextPart = 1;
  #active: { readonly id: number; readonly writer: FileWriter } | undefined;
  readonly #unsynced: UnsyncedFiles;
  #closed = false;
  /** Ids of large bodies that are becoming segments. */
  readonly #publishing = new Set<number>();
  /** Who needs every segment as it is, and segments to remove once nobody does. */
  #holds = 0;
  readonly #condemned = new Set<number>();

  private constructor(options: SegmentOptions, sealed: Map<number, number>) {
    this.#files = options.files ?? nodeFiles;
    this.#makeRoom = options.makeRoom;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#sealed = sealed;
    this.#nextId = options.firstId ?? 1;
    for (const id of sealed.keys()) this.#nextId = Math.max(this.#nextId, id + 1);
    this.#unsynced = new UnsyncedFiles(this.#files, this.#directory, (id) => this.#active?.id === id);
    this.#descriptors = new Descriptors(this.#files, this.#directory);
    this.#reader = new BodyReader(this.#files, this.#descriptors, (address) => this.#settled(address));
    this.#host = {
      files: this.#files,
      publish: (writer, path, header) => this.#publish(writer, path, header),
      discard: (writer, path) => this.#unsynced.closeLater(writer, path),
      refusal: (error) => this.#refusal(error),
    };
  }

  /** Finds the segments of earlier runs and removes what large bodies left unfinished. */
  static async open(options: SegmentOptions): Promise<Segments> {
    const { directory, files = nodeFiles } = options;
    await files.makeDirectory(directory);
    await files.syncDirectory(dirname(directory));
    const sealed = new Map<number, number>();
    const names = (await files.list(directory)).values(); // shared: each lane takes the next
    const lane = async (): Promise<void> => {
      for (const name of names) {
        const id = segmentIdOf(name);
        if (id !== null) sealed.set(id, await files.size(segmentPath(directory, id)));
        else if (isPart(name)) await files.unlink(join(directory, name));
      }
    };
    await Promise.all(Array.from({ length: OPEN_LANES }, lane));
    return new Segments(options, sealed);
  }

  /** Why nothing can be written any more. */
  get failed(): Error | undefined {
    return this.#unsynced.failed;
  }

  /** Bytes appended that are not in a file yet; whoever appends waits (for a sync) when there are many. */
  get queuedBytes(): number {
    return this.#unsynced.queuedBytes;
  }

  /**
   * Appends a body to the active segment. Its address is known at once; it is durable after the next {@link sync}.
   *
   * @param parts  the body; the buffers must not change afterwards
   * @param length  bytes of all parts
   * @param hash  SHA-256 of the body
   * @throws Refused `store.failed`
   */
  append(parts: readonly Buffer[], length: number, hash: Uint8Array): BodyAddress {
    this.#assertUsable();
    let stored = 0;
    let checksum = 0;
    for (const part of parts) {
      stored += part.length;
      checksum = crc32(part, checksum);
    }
    if (stored !== length) throw new Error(`a body of ${length} bytes came with ${stored}`);
    const header = encodeHeader({ codec: CODEC_NONE, storedLength: stored, length, checksum, hash });
    const { id, writer } = this.#activeFor(HEADER_BYTES + stored);
    const offset = writer.end;
    writer.push([header], HEADER_BYTES);
    writer.push(parts, stored);
    this.#unsynced.touch(id);
    return { segment: id, offset, length, storedLength: stored, codec: CODEC_NONE, hash };
  }

  /** Takes in a body of unknown size; it gets a segment of its own. @throws Refused `store.failed` */
  large(): LargeBody {
    this.#assertUsable();
    return new LargeBodyFile(this.#host, partPath(this.#directory, this.#nextPart++));
  }

  /**
   * Resolves when everything appended, and every large body finished, before the call is on disk. Calls group: one
   * sync runs at a time, and those who come meanwhile share the next.
   * @throws Refused `store.failed`, with the cause
   */
  sync(): Promise<void> {
    return this.#unsynced.sync();
  }

  /**
   * Where the next body would go at the earliest: whatever gets an address from now on stands at or behind it (compare segment,
   * then offset). Take it before a sync; once that resolves, everything before it is durable.
   */
  end(): { segment: number; offset: number } {
    const active = this.#active;
    const [publishing] = this.#publishing; // the oldest: a set keeps its order
    if (publishing !== undefined && publishing < (active?.id ?? this.#nextId))
      return { segment: publishing, offset: 0 };
    if (active === undefined) return { segment: this.#nextId, offset: 0 };
    return { segment: active.id, offset: active.writer.end };
  }

  /** A whole body. @throws Refused `message.damaged`, `message.gone` */
  read(address: BodyAddress): Promise<Buffer> {
    return this.#reader.read(address);
  }

  /**
   * Bodies in the order given: null for one above STREAM_ABOVE, a Refused for one that is damaged or gone. Neighbours on disk are
   * read together, and one read ahead; about 4 MB are in memory at most. A body is a view of what was read with it: copy a small
   * one that is kept for long.
   */
  readMany(addresses: readonly BodyAddress[]): AsyncIterable<Buffer | null | Refused> {
    return this.#reader.readMany(addresses);
  }

  /**
   * A body, or part of it, in chunks of 64 KB, one read ahead. The checksum can be checked only when all of it was read.
   * @param reuse  a chunk's bytes are valid only until the next one is asked for: memory stays flat instead of growing till
   *   garbage is collected. Not for chunks that still wait in a socket.
   * @throws Refused `message.damaged` (at the end, when the checksum is wrong), `message.gone`
   */
  readChunks(address: BodyAddress, from?: number, to?: number, reuse?: boolean): AsyncIterable<Buffer> {
    return this.#reader.readChunks(address, from, to, reuse);
  }

  /** All segments, by id. */
  list(): readonly SegmentInfo[] {
    const infos = [...this.#sealed].map(([id, bytes]) => ({ id, bytes, sealed: true }));
    if (this.#active !== undefined) {
      infos.push({ id: this.#active.id, bytes: this.#active.writer.end, sealed: false });
    }
    return infos.sort((a, b) => a.id - b.id);
  }

  /** Ends the active segment, durably. The next append begins another. */
  async seal(): Promise<void> {
    this.#sealActive();
    await this.sync();
  }

  /**
   * Keeps the files of all segments until the returned function is called: a backup reads them by their names. What is removed meanwhile
   * goes then. A crash before it leaves segments that no row points at; the next start removes them.
   */
  hold(): () => Promise<void> {
    this.#holds++;
    let held = true;
    return async () => {
      if (!held) return;
      held = false;
      this.#holds--;
      if (this.#holds > 0) return;
      const condemned = [...this.#condemned];
      this.#condemned.clear();
      for (const id of condemned) await this.remove(id);
    };
  }

  /**
   * Removes a sealed segment, durably; while somebody holds them ({@link hold}), later. Reads that have its file open go on to their end;
   * later ones find it gone. Removing one that is not there does nothing.
   * @returns false when its file goes later
   */
  async remove(id: number): Promise<boolean> {
    if (this.#active?.id === id) throw new Error('the active segment can not be removed');
    if (this.#unsynced.writer(id) !== undefined) await this.sync();
    if (this.#holds > 0) {
      this.#condemned.add(id);
      return false;
    }
    const bytes = this.#sealed.get(id);
    if (bytes === undefined) return true;
    this.#sealed.delete(id); // first: whoever holds from now on finds in the list what will stay
    try {
      await this.#files.unlink(segmentPath(this.#directory, id));
    } catch (error) {
      this.#sealed.set(id, bytes);
      throw error;
    }
    this.#descriptors.drop(id);
    await this.#files.syncDirectory(this.#directory);
    return true;
  }

  /**
   * The records of a segment in order of offset, for verifying and recovery. Where no header can be read the walk ends with an item
   * that is `torn`.
   * @param from  offset of a record to begin with
   * @throws Refused `message.gone` when there is no such segment
   */
  async *records(id: number, from = 0): AsyncGenerator<FoundRecord, void, void> {
    const writer = this.#unsynced.writer(id);
    const end = writer?.end ?? this.#sealed.get(id);
    if (end === undefined) throw new Refused('message.gone', `There is no segment ${id}.`);
    if (writer !== undefined) await this.#written(writer, end);
    const descriptor = await this.#descriptors.lease(id);
    try {
      yield* walkRecords(this.#files, descriptor.file, id, from, end);
    } finally {
      this.#descriptors.release(descriptor);
    }
  }

  /** Makes everything durable, if that is still possible, and closes all files. Reads end before, or fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sealActive();
    await this.#unsynced.close().finally(() => this.#descriptors.close());
  }

  #assertUsable(): void {
    if (this.failed !== undefined) throw storeFailed(this.failed);
    if (this.#closed) throw new Error('the segments are closed');
  }

  /** The active segment, after it made room for a record. */
  #activeFor(bytes: number): { readonly id: number; readonly writer: FileWriter } {
    if (this.#active !== undefined) {
      if (this.#active.writer.end + bytes <= this.#segmentBytes) return this.#active;
      this.#sealActive();
      // Nobody may ask for a sync for long; without one the file would stay open. A failure is kept: see failed.
      this.sync().catch(() => undefined);
    }
    const id = this.#nextId++;
    const path = segmentPath(this.#directory, id);
    const writer = new FileWriter(this.#files, path, 0, (error) => this.#unsynced.fail(error), this.#makeRoom);
    writer.push([encodeFileHeader(id)], FILE_HEADER_BYTES);
    this.#unsynced.add(id, writer);
    this.#active = { id, writer };
    return this.#active;
  }

  #sealActive(): void {
    if (this.#active === undefined) return;
    const { id, writer } = this.#active;
    this.#active = undefined;
    this.#sealed.set(id, writer.end);
    // If all of it is durable already, the next sync has nothing to do but to close it.
    this.#unsynced.touch(id);
  }

  /** A large body becomes a segment. Its id is taken only now, so that ids follow the order in which bodies became known. */
  async #publish(writer: FileWriter, path: string, header: Buffer): Promise<number> {
    const id = this.#nextId++;
    this.#publishing.add(id);
    try {
      await writer.writeAt([encodeFileHeader(id), header], 0);
      // Dies here: a .part file, removed at the next start.
      await this.#files.rename(path, segmentPath(this.#directory, id));
      // Dies here: perhaps a segment, perhaps torn, to which no acknowledged row points.
    } finally {
      this.#publishing.delete(id);
    }
    this.#sealed.set(id, writer.end);
    this.#unsynced.add(id, writer);
    return id;
  }

  /** Resolves when the bytes of an address are in their file; undefined when they are. */
  #settled(address: BodyAddress): Promise<void> | undefined {
    const writer = this.#unsynced.writer(address.segment);
    if (writer === undefined) return undefined;
    const end = Math.min(address.offset + HEADER_BYTES + address.storedLength, writer.end);
    return writer.hasWritten(end) ? undefined : this.#written(writer, end);
  }

  async #written(writer: FileWriter, end: number): Promise<void> {
    try {
      await writer.written(end);
    } catch (error) {
      throw storeFailed(error);
    }
  }

  /** A large body that finds the disk full fails alone: it gives back what it took, and nothing else was touched. */
  #refusal(error: unknown): Refused {
    if (isFull(error)) {
      return new Refused('store.full', 'The mail server has no room for this message now. Please try again later.', {
        cause: error,
      });
    }
    return this.#unsynced.fail(error);
  }
}
