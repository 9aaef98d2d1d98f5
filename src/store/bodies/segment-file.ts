/**
 * Names and headers of segment files. A file `00000007.seg` begins with 32 bytes: magic, version, id, zeros and the CRC-32
 * of what stands before it; records follow. `00000007.part` is a large body that is still coming in: nothing points at
 * it, and one that is found at start belongs to nobody.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Where the first record stands. */
export const FILE_HEADER_BYTES = 32;

const MAGIC = Buffer.from('RMSEGMNT', 'latin1');
const VERSION = 1;
const CRC_AT = 28;

/** Ids are unsigned integers of 32 bits. */
export function encodeFileHeader(id: number): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(id, 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** The id in a file's first 32 bytes, or null when they are not the sound header of a segment. */
export function decodeFileHeader(bytes: Buffer): number | null {
  if (bytes.length < FILE_HEADER_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return null;
  if (bytes.readUInt32LE(8) !== VERSION || crc32(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return null;
  return bytes.readUInt32LE(12);
}

export function segmentPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(8, '0')}.seg`);
}

export function partPath(directory: string, number: number): string {
  return join(directory, `${String(number).padStart(8, '0')}.part`);
}

/** The id in a file's name, or null when it is not that of a segment. */
export function segmentIdOf(name: string): number | null {
  return /^\d{8,10}\.seg$/.test(name) ? Number.parseInt(name, 10) : null;
}

export function isPart(name: string): boolean {
  return /^\d{8,}\.part$/.test(name);
}
