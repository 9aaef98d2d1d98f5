/** Walks the records of a segment file from its front, for verifying and recovery; reads about 1 MB at a time. */
import { crc32 } from 'node:zlib';
import { type File, type FileSystem, readUpTo } from './files.ts';
import { decodeHeader, HEADER_BYTES, type RecordHeader } from './record.ts';
import { decodeFileHeader, FILE_HEADER_BYTES } from './segment-file.ts';

const BLOCK_BYTES = 1 << 20;

export interface FoundRecord {
  /** Of the record's header. */
  readonly offset: number;
  readonly length: number;
  readonly storedLength: number;
  readonly codec: number;
  readonly hash: Uint8Array;
  /** The stored bytes are all there and have their checksum. */
  readonly sound: boolean;
  /** No header can be read at this offset, so nothing behind it can be found: the last item, its other fields empty. */
  readonly torn: boolean;
}

/**
 * @param from  offset of a record to begin with; 0: the first, after the file's own header has been checked
 * @param end  size of the file
 */
export async function* walkRecords(
  files: FileSystem,
  file: File,
  id: number,
  from: number,
  end: number,
): AsyncGenerator<FoundRecord, void, void> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let at = from;
  if (from < FILE_HEADER_BYTES) {
    const header = block.subarray(0, FILE_HEADER_BYTES);
    const got = await readUpTo(files, file, header, 0);
    if (decodeFileHeader(header.subarray(0, got)) !== id) return yield tornAt(0);
    at = FILE_HEADER_BYTES;
  }
  let blockAt = at;
  let blockEnd = at;
  while (at < end) {
    if (blockEnd - at < HEADER_BYTES) await fill();
    const header = decodeHeader(block.subarray(0, blockEnd - blockAt), at - blockAt);
    if (header === null) return yield tornAt(at);
    const recordEnd = at + HEADER_BYTES + header.storedLength;
    const found = { ...lengthsOf(header), hash: Uint8Array.from(header.hash), offset: at, torn: false };
    if (recordEnd > blockEnd && HEADER_BYTES + header.storedLength <= BLOCK_BYTES) await fill();
    const stored = at + HEADER_BYTES;
    const checksum =
      recordEnd <= blockEnd
        ? crc32(block.subarray(stored - blockAt, recordEnd - blockAt))
        : await checksumOf(stored, recordEnd);
    yield { ...found, sound: checksum === header.checksum };
    at = recordEnd;
  }

  /** Reads the block that begins at `at`. */
  async function fill(): Promise<void> {
    blockAt = at;
    blockEnd = at + (await readUpTo(files, file, block, at));
  }

  /** The checksum of a stretch that does not fit the block; what was in the block stood before its end and is done with. */
  async function checksumOf(start: number, stop: number): Promise<number> {
    let checksum = 0;
    for (let position = start; position < stop; ) {
      const got = await readUpTo(files, file, block.subarray(0, Math.min(BLOCK_BYTES, stop - position)), position);
      if (got === 0) break;
      checksum = crc32(block.subarray(0, got), checksum);
      position += got;
    }
    return checksum;
  }
}

function lengthsOf({
  length,
  storedLength,
  codec,
}: RecordHeader): Pick<FoundRecord, 'length' | 'storedLength' | 'codec'> {
  return { length, storedLength, codec };
}

function tornAt(offset: number): FoundRecord {
  return { offset, length: 0, storedLength: 0, codec: 0, hash: new Uint8Array(0), sound: false, torn: true };
}
