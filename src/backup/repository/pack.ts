/**
 * A pack: chunks of some 8 MB one after the other, then what they are, sealed. Numbers are little-endian.
 *
 *   chunks             sealed (chunk.ts), without gaps
 *   index, sealed      48 bytes a chunk: id 32, offset 4, stored length 4, length 4, codec 1, zero 3
 *   index length       4
 *   magic `KCAP`       4
 *
 * So every byte is authenticated. The index is sealed with the pack's name as its label, so a pack under another's name is found.
 */
import { randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChunkId, type Codec, encodeChunk, ID_BYTES, idBytes, idOf, type Location, mostStored } from './chunk.ts';
import type { DerivedKeys } from './key.ts';
import { isUnreadable, type Layout, namesIn, packsIn, writeWhole } from './layout.ts';
import { seal, unseal } from './seal.ts';

const END_MAGIC = Buffer.from('KCAP');
const END_BYTES = 8;
const ENTRY_BYTES = 48;
export const PACK_BYTES: number = 8 << 20;
const SUFFIX = '.pack';
/** An index is read with one read when it is not longer than this. */
const TAIL_BYTES = 64 << 10;

export function packPath(directory: string, pack: string): string {
  return join(packsIn(directory), pack + SUFFIX);
}

/** Names of all packs. */
export async function listPacks(directory: string): Promise<string[]> {
  const names = await namesIn(packsIn(directory));
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
}

/** A pack in memory that is being filled. */
export class PackBuilder {
  readonly name: string = randomBytes(16).toString('hex');
  readonly entries: [id: ChunkId, location: Location][] = [];
  readonly #buffer: Buffer;
  #end = 0;

  /** @param buffer to fill: {@link PACK_BYTES} or more, not to be used by others until it is written */
  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  hasRoomFor(length: number): boolean {
    return this.#end + mostStored(length) <= this.#buffer.length;
  }

  /** Compresses, seals and adds a chunk. */
  add(keys: DerivedKeys, id: ChunkId, plain: Uint8Array): Location {
    const { stored, codec } = encodeChunk(this.#buffer.subarray(this.#end), keys, id, plain);
    return this.#added(id, { pack: this.name, offset: this.#end, stored, length: plain.length, codec });
  }

  /** Adds a chunk as it stands in another pack. */
  addStored(id: ChunkId, from: Location, stored: Uint8Array): Location {
    this.#buffer.set(stored, this.#end);
    return this.#added(id, { ...from, pack: this.name, offset: this.#end });
  }

  /** Writes it; its name is durable when the folder was synced. @returns its size */
  async write({ directory, keys }: Layout): Promise<number> {
    const index = seal(keys.content, packLabel(this.name), encodeIndex(this.entries));
    const end = Buffer.alloc(END_BYTES);
    end.writeUInt32LE(index.length, 0);
    END_MAGIC.copy(end, 4);
    await writeWhole(packsIn(directory), this.name + SUFFIX, [this.#buffer.subarray(0, this.#end), index, end]);
    return this.#end + index.length + end.length;
  }

  #added(id: ChunkId, location: Location): Location {
    this.entries.push([id, location]);
    this.#end += location.stored;
    return location;
  }
}

export interface PackIndex {
  readonly bytes: number;
  readonly entries: readonly (readonly [id: ChunkId, location: Location])[];
}

/** Reads what a pack holds. @returns undefined when the pack is cut, damaged or another's */
export async function readPackIndex({ directory, keys }: Layout, pack: string): Promise<PackIndex | undefined> {
  const file = await open(packPath(directory, pack), 'r');
  try {
    const { size: bytes } = await file.stat();
    const read = async (position: number, length: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const tail = await read(Math.max(0, bytes - TAIL_BYTES), Math.min(bytes, TAIL_BYTES));
    if (tail.length < END_BYTES || !tail.subarray(-4).equals(END_MAGIC)) return undefined;
    const length = tail.readUInt32LE(tail.length - END_BYTES);
    const start = bytes - END_BYTES - length;
    if (start < 0) return undefined;
    const inTail = tail.length - END_BYTES - length;
    const sealed = inTail >= 0 ? tail.subarray(inTail, inTail + length) : await read(start, length);
    const index = unseal(keys.content, packLabel(pack), sealed);
    return index === undefined ? undefined : { bytes, entries: decodeIndex(pack, index) };
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

/** Reads into the beginning of `into`, synchronously: in a worker. @returns fewer bytes than asked for when the file ends before */
export function readAt(file: number, position: number, length: number, into: Buffer): Buffer {
  const bytes = into.subarray(0, length);
  let got = 0;
  while (got < length) {
    const more = readSync(file, bytes, got, length - got, position + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
}

/** Reads a chunk as it stands in its pack, into the beginning of `into`. @returns fewer bytes than it has when the disk fails, or the pack is cut */
export function readStored(file: number, { offset, stored }: Location, into: Buffer): Buffer {
  try {
    return readAt(file, offset, stored, into);
  } catch (error) {
    if (isUnreadable(error)) return into.subarray(0, 0);
    throw error;
  }
}

function packLabel(pack: string): Buffer {
  return Buffer.from(`pack ${pack}`);
}

function encodeIndex(entries: PackIndex['entries']): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES);
  for (const [number, [id, { offset, stored, length, codec }]] of entries.entries()) {
    const at = number * ENTRY_BYTES;
    idBytes(id).copy(bytes, at);
    bytes.writeUInt32LE(offset, at + ID_BYTES);
    bytes.writeUInt32LE(stored, at + ID_BYTES + 4);
    bytes.writeUInt32LE(length, at + ID_BYTES + 8);
    bytes[at + ID_BYTES + 12] = codec;
  }
  return bytes;
}

function decodeIndex(pack: string, bytes: Buffer): [ChunkId, Location][] {
  const entries: [ChunkId, Location][] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    entries.push([
      idOf(bytes.subarray(at, at + ID_BYTES)),
      {
        pack,
        offset: bytes.readUInt32LE(at + ID_BYTES),
        stored: bytes.readUInt32LE(at + ID_BYTES + 4),
        length: bytes.readUInt32LE(at + ID_BYTES + 8),
        codec: bytes[at + ID_BYTES + 12] as Codec,
      },
    ]);
  }
  return entries;
}
