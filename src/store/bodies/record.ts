/**
 * A record of a segment: a header of 64 bytes, then the stored bytes of one body. Numbers are little-endian.
 *
 *    0  magic, `RMB1`         4      16  length of the body         8
 *    4  version               1      24  CRC-32 of the stored bytes 4
 *    5  codec                 1      28  SHA-256 of the body       32
 *    6  zero                  2      60  CRC-32 of bytes 0 to 59    4
 *    8  length as stored      8
 *
 * Invariant: bytes are given out only when the header is sound, its hash is the one asked for, and the stored bytes
 * have the checksum it names. So a wrong address gives an error, never another message.
 */
import { crc32 } from 'node:zlib';
import type { BodyAddress } from '../types.ts';

export const HEADER_BYTES = 64;
/** The body is stored as it is. */
export const CODEC_NONE = 0;
const HASH_BYTES = 32;

const MAGIC = 0x31424d52;
const VERSION = 1;
const HASH_AT = 28;
const HEADER_CRC_AT = 60;
const UINT32 = 2 ** 32;

export interface RecordHeader {
  readonly codec: number;
  /** Bytes that follow the header. */
  readonly storedLength: number;
  /** Bytes of the body as clients see it. */
  readonly length: number;
  /** CRC-32 of the stored bytes. */
  readonly checksum: number;
  /** SHA-256 of the body. */
  readonly hash: Uint8Array;
}

export function encodeHeader(header: RecordHeader): Buffer {
  if (header.hash.length !== HASH_BYTES) throw new Error(`a body's hash has ${HASH_BYTES} bytes`);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[4] = VERSION;
  bytes[5] = header.codec;
  bytes.writeUInt16LE(0, 6);
  writeLength(bytes, header.storedLength, 8);
  writeLength(bytes, header.length, 16);
  bytes.writeUInt32LE(header.checksum, 24);
  bytes.set(header.hash, HASH_AT);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
  return bytes;
}

/** The header at `at`, or null when none stands there whole and sound. Its hash is a view of `bytes`. */
export function decodeHeader(bytes: Buffer, at = 0): RecordHeader | null {
  if (bytes.length < at + HEADER_BYTES || bytes.readUInt32LE(at) !== MAGIC || bytes[at + 4] !== VERSION) return null;
  if (crc32(bytes.subarray(at, at + HEADER_CRC_AT)) !== bytes.readUInt32LE(at + HEADER_CRC_AT)) return null;
  return {
    codec: bytes[at + 5]!,
    storedLength: readLength(bytes, at + 8),
    length: readLength(bytes, at + 16),
    checksum: bytes.readUInt32LE(at + 24),
    hash: bytes.subarray(at + HASH_AT, at + HASH_AT + HASH_BYTES),
  };
}

/** True when the header is that of the body which is asked for. */
export function isHeaderOf(header: RecordHeader, address: BodyAddress): boolean {
  return (
    header.codec === address.codec &&
    header.storedLength === address.storedLength &&
    header.length === address.length &&
    Buffer.compare(header.hash, address.hash) === 0
  );
}

/** The body whose record stands at `at` whole, as a view of `bytes`; null when it is not there or damaged. */
export function bodyOf(bytes: Buffer, at: number, address: BodyAddress): Buffer | null {
  const header = decodeHeader(bytes, at);
  if (header === null || !isHeaderOf(header, address)) return null;
  const stored = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + header.storedLength);
  return stored.length === header.storedLength && crc32(stored) === header.checksum ? stored : null;
}

function writeLength(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % UINT32, at);
  bytes.writeUInt32LE(Math.floor(value / UINT32), at + 4);
}

function readLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * UINT32 + bytes.readUInt32LE(at);
}
