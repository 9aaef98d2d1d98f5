/**
 * Chunks: what a repository keeps of files. A chunk's id is the HMAC-SHA-256 of its plain text, so equal content is stored once, and who
 * has no key can't tell whether a known text is in there.
 */
import { createHmac } from 'node:crypto';
import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { noteBuffer } from '../../passing-buffers.ts';
import type { DerivedKeys } from './key.ts';
import { SEAL_BYTES, sealInto, unseal } from './seal.ts';

/** Of the database: pages change here and there. */
export const DATABASE_CHUNK_BYTES: number = 64 << 10;
/** Of segments, which only grow, and of other files. */
export const FILE_CHUNK_BYTES: number = 1 << 20;

export const ID_BYTES = 32;
/** Stored as it is. */
const CODEC_NONE = 0;
const CODEC_ZSTD = 1;
export type Codec = typeof CODEC_NONE | typeof CODEC_ZSTD;

/** An id as the key of a map: its bytes as letters, half the size of hexadecimal ones. */
export type ChunkId = string & { readonly brand: 'ChunkId' };

export function idOf(bytes: Uint8Array): ChunkId {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ChunkId;
}

export function idBytes(id: ChunkId): Buffer {
  return Buffer.from(id, 'latin1');
}

/** For people, in findings. */
export function idText(id: ChunkId): string {
  return idBytes(id).toString('hex').slice(0, 16);
}

/** Where a chunk is, and how. */
export interface Location {
  readonly pack: string;
  readonly offset: number;
  /** Bytes in the pack. */
  readonly stored: number;
  /** Bytes of the plain text. */
  readonly length: number;
  readonly codec: Codec;
}

export function chunkId(keys: DerivedKeys, plain: Uint8Array): ChunkId {
  return idOf(createHmac('sha256', keys.names).update(plain).digest());
}

/** Compressing is tried on so much of a large chunk first: attachments that are compressed already should cost nothing. */
const SAMPLE_BYTES = 32 << 10;
/** What compresses to more than this part of itself is stored as it is. */
const WORTH_IT = 0.95;
const FAST: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A result comes in pieces. Each call keeps its last one until the whole heap is collected, so a piece is small beside the chunk. */
function pieces(length: number): ZstdOptions {
  return { chunkSize: Math.max(SMALLEST_PIECE, length >> 4) };
}
/** The least that zlib takes. */
const SMALLEST_PIECE = 64;

/** Compresses, if that helps, and seals into the beginning of `target`. @returns how many bytes, and how */
export function encodeChunk(
  target: Buffer,
  keys: DerivedKeys,
  id: ChunkId,
  plain: Uint8Array,
): { readonly stored: number; readonly codec: Codec } {
  const packed = compressed(plain);
  noteBuffer(2 * plain.length); // the packed and the ciphered text
  const stored = sealInto(target, keys.content, idBytes(id), packed ?? plain);
  return { stored, codec: packed === undefined ? CODEC_NONE : CODEC_ZSTD };
}

/** Most bytes that a chunk of this length takes. */
export function mostStored(length: number): number {
  return length + SEAL_BYTES;
}

/** @returns the plain text, or undefined when the stored bytes are damaged or not those of this chunk */
export function decodeChunk(
  keys: DerivedKeys,
  id: ChunkId,
  location: Location,
  stored: Uint8Array,
): Buffer | undefined {
  const packed = unseal(keys.content, idBytes(id), stored);
  if (packed === undefined) return undefined;
  noteBuffer(packed.length + location.length);
  const plain =
    location.codec === CODEC_ZSTD
      ? zstdDecompressSync(packed, { maxOutputLength: location.length, ...pieces(location.length) })
      : packed;
  return plain.length === location.length ? plain : undefined;
}

function compressed(plain: Uint8Array): Buffer | undefined {
  if (plain.length > 4 * SAMPLE_BYTES) {
    const middle = (plain.length - SAMPLE_BYTES) >> 1;
    const sample = plain.subarray(middle, middle + SAMPLE_BYTES);
    if (zstdCompressSync(sample, FAST).length > SAMPLE_BYTES * WORTH_IT) return undefined;
  }
  const packed = zstdCompressSync(plain, { ...FAST, ...pieces(plain.length) });
  return packed.length > plain.length * WORTH_IT ? undefined : packed;
}
