/**
 * The pages of a SQLite database as they were at the last whole commit: those of the file, overlaid by those of its write-ahead log
 * (https://www.sqlite.org/fileformat2.html, sections 1.2 and 4). Read without SQLite, which gives up on a file whose first page is damaged.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** The size SQLite has given new files since 2016, and ours. */
export const PAGE_BYTES = 4_096;
/** Where the tree begins on the first page, behind the file's header. */
export const FILE_HEADER_BYTES = 100;

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;

export class DatabaseFile {
  readonly #file: number;
  readonly #log: number | undefined;
  /** Where the log has the newest version of a page. */
  readonly #inLog: ReadonlyMap<number, number>;
  readonly #pages: number;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    const log = `${path}-wal`;
    this.#log = existsSync(log) ? openSync(log, 'r') : undefined;
    const overlay = this.#log === undefined ? NO_LOG : readLog(this.#log);
    this.#inLog = overlay.pages;
    this.#pages = Math.max(Math.ceil(fstatSync(this.#file).size / PAGE_BYTES), overlay.size);
  }

  /** Pages are numbered from 1 to this. */
  get pages(): number {
    return this.#pages;
  }

  /** A page; undefined when the file ends before its end, or the disk can't read it. */
  page(number: number): Buffer | undefined {
    if (number < 1 || number > this.#pages) return undefined;
    const offset = this.#inLog.get(number);
    return offset === undefined
      ? readBytes(this.#file, (number - 1) * PAGE_BYTES, PAGE_BYTES)
      : readBytes(this.#log!, offset, PAGE_BYTES);
  }

  close(): void {
    closeSync(this.#file);
    if (this.#log !== undefined) closeSync(this.#log);
  }
}

/**
 * Frames at the log's end that SQLite will not read, because one before them, or they themselves, are not whole. After a power cut that is as it
 * should be: nothing in them was acknowledged. When only the process had died, all that it wrote is there, so something else damaged them.
 */
export function framesNotRead(databasePath: string): number {
  if (!existsSync(`${databasePath}-wal`)) return 0;
  const file = openSync(`${databasePath}-wal`, 'r');
  try {
    return readLog(file).notRead;
  } finally {
    closeSync(file);
  }
}

interface Log {
  /** Where the committed frames stand, by page: up to the last commit before the first frame that is not whole, as SQLite reads it. */
  readonly pages: ReadonlyMap<number, number>;
  /** Of the database in pages, after the last commit. */
  readonly size: number;
  readonly notRead: number;
}

const NO_LOG: Log = { pages: new Map(), size: 0, notRead: 0 };

function readLog(file: number): Log {
  const header = readBytes(file, 0, WAL_HEADER_BYTES);
  if (header === undefined) return NO_LOG;
  const magic = header.readUInt32BE(0);
  const bigEndian = (magic & 1) === 1;
  let sum = checksum(header.subarray(0, 24), [0, 0], bigEndian);
  const isWhole = (magic & ~1) >>> 0 === WAL_MAGIC && header.readUInt32BE(8) === PAGE_BYTES && isSum(header, 24, sum);
  if (!isWhole) return { ...NO_LOG, notRead: framesFrom(file, 0, undefined) };
  const salt = header.subarray(16, 24);
  const pages = new Map<number, number>();
  let size = 0;
  let pending: (readonly [page: number, offset: number])[] = [];
  for (let number = 0; ; number++) {
    const frame = readBytes(file, frameAt(number), FRAME_HEADER_BYTES + PAGE_BYTES);
    // Frames with another salt are of an earlier use of the file.
    if (frame === undefined || !frame.subarray(8, 16).equals(salt))
      return { pages, size, notRead: framesFrom(file, number, salt) };
    sum = checksum(frame.subarray(0, 8), sum, bigEndian);
    sum = checksum(frame.subarray(FRAME_HEADER_BYTES), sum, bigEndian);
    if (!isSum(frame, 16, sum)) return { pages, size, notRead: framesFrom(file, number, salt) };
    pending.push([frame.readUInt32BE(0), frameAt(number) + FRAME_HEADER_BYTES]);
    const sizeAfter = frame.readUInt32BE(4);
    if (sizeAfter === 0) continue;
    for (const [page, offset] of pending) pages.set(page, offset);
    pending = [];
    size = sizeAfter;
  }
}

/** How many frames there are from one on; with a salt, of those that have it. */
function framesFrom(file: number, first: number, salt: Buffer | undefined): number {
  let count = 0;
  for (let number = first; ; number++) {
    const header = readBytes(file, frameAt(number), FRAME_HEADER_BYTES);
    if (header === undefined) return count;
    if (salt === undefined || header.subarray(8, 16).equals(salt)) count++;
  }
}

function frameAt(number: number): number {
  return WAL_HEADER_BYTES + number * (FRAME_HEADER_BYTES + PAGE_BYTES);
}

type Sum = readonly [number, number];

function checksum(bytes: Buffer, [first, second]: Sum, bigEndian: boolean): Sum {
  let s0 = first;
  let s1 = second;
  for (let at = 0; at < bytes.length; at += 8) {
    s0 = (s0 + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + s1) >>> 0;
    s1 = (s1 + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + s0) >>> 0;
  }
  return [s0, s1];
}

function isSum(bytes: Buffer, at: number, [s0, s1]: Sum): boolean {
  return bytes.readUInt32BE(at) === s0 && bytes.readUInt32BE(at + 4) === s1;
}

/** Undefined when the file ends before, or the disk refuses. */
function readBytes(file: number, position: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  try {
    let got = 0;
    while (got < length) {
      const more = readSync(file, bytes, got, length - got, position + got);
      if (more === 0) return undefined;
      got += more;
    }
    return bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return undefined;
    throw error;
  }
}
