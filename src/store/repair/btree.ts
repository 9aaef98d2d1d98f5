/**
 * One page of a SQLite tree, taken apart (https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1). Pure. Nothing is believed: what does not
 * fit the page is left out, so a damaged page gives what of it can be read.
 */
import { FILE_HEADER_BYTES, PAGE_BYTES } from './database-file.ts';

export type Value = number | bigint | string | Buffer | null;

export interface Cell {
  /** Key of a table with one; undefined in trees of the other kind. */
  readonly rowid: number | undefined;
  /** Bytes of the record that stand on this page, and how many it has in all. */
  readonly local: Buffer;
  readonly bytes: number;
  /** The page where the rest of it begins; 0: there is none. */
  readonly overflow: number;
}

export interface TreePage {
  /** Of a table with one integer as its key; else of an index, or a table without rowid. */
  readonly isTable: boolean;
  readonly isLeaf: boolean;
  /** Pages below, in order. */
  readonly children: readonly number[];
  readonly cells: readonly Cell[];
  /** Something on the page could not be read. */
  readonly damaged: boolean;
}

const INTERIOR_INDEX = 2;
const INTERIOR_TABLE = 5;
const LEAF_INDEX = 10;
const LEAF_TABLE = 13;
/** No record of ours is larger: what says so is damaged. */
const MOST_BYTES = 64 << 20;

/** @returns undefined when the bytes are no page of a tree */
export function readTreePage(page: Buffer, number: number): TreePage | undefined {
  const start = number === 1 ? FILE_HEADER_BYTES : 0;
  const kind = page[start]!;
  const isLeaf = kind === LEAF_INDEX || kind === LEAF_TABLE;
  if (!isLeaf && kind !== INTERIOR_INDEX && kind !== INTERIOR_TABLE) return undefined;
  const isTable = kind === LEAF_TABLE || kind === INTERIOR_TABLE;
  const count = page.readUInt16BE(start + 3);
  const pointers = start + (isLeaf ? 8 : 12);
  if (pointers + count * 2 > PAGE_BYTES) return undefined;
  const children: number[] = [];
  const cells: Cell[] = [];
  let damaged = false;
  for (let index = 0; index < count; index++) {
    let at = page.readUInt16BE(pointers + index * 2);
    if (at < pointers + count * 2 || at > PAGE_BYTES - 4) {
      damaged = true;
      continue;
    }
    if (!isLeaf) {
      children.push(page.readUInt32BE(at));
      at += 4;
    }
    if (isTable && !isLeaf) continue; // only a key follows
    const cell = readCell(page, at, isTable);
    if (cell === undefined) damaged = true;
    else cells.push(cell);
  }
  if (!isLeaf) children.push(page.readUInt32BE(start + 8));
  return { isTable, isLeaf, children, cells, damaged };
}

function readCell(page: Buffer, start: number, isTable: boolean): Cell | undefined {
  const size = varint(page, start);
  if (size === undefined || size.value > MOST_BYTES) return undefined;
  const bytes = Number(size.value);
  let at = size.end;
  let rowid: number | undefined;
  if (isTable) {
    const key = varint(page, at);
    if (key === undefined || key.value > Number.MAX_SAFE_INTEGER) return undefined;
    rowid = Number(key.value);
    at = key.end;
  }
  const most = isTable ? PAGE_BYTES - 35 : Math.floor(((PAGE_BYTES - 12) * 64) / 255) - 23;
  const least = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
  const spread = least + ((bytes - least) % (PAGE_BYTES - 4));
  const local = bytes <= most ? bytes : spread <= most ? spread : least;
  const end = at + local;
  if (end + (local < bytes ? 4 : 0) > PAGE_BYTES) return undefined;
  return { rowid, bytes, local: page.subarray(at, end), overflow: local < bytes ? page.readUInt32BE(end) : 0 };
}

/** The values of a record; undefined when its bytes are none. */
export function readRecord(record: Buffer): Value[] | undefined {
  const header = varint(record, 0);
  if (header === undefined || header.value > record.length) return undefined;
  const headerEnd = Number(header.value);
  const values: Value[] = [];
  let at = headerEnd;
  for (let next = header.end; next < headerEnd; ) {
    const serial = varint(record, next);
    if (serial === undefined || serial.end > headerEnd) return undefined;
    next = serial.end;
    const value = readValue(record, at, serial.value);
    if (value === undefined) return undefined;
    values.push(value.value);
    at = value.end;
  }
  return at === record.length ? values : undefined;
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];

function readValue(record: Buffer, at: number, serial: bigint): { value: Value; end: number } | undefined {
  if (serial === 0n) return { value: null, end: at };
  if (serial === 8n || serial === 9n) return { value: Number(serial - 8n), end: at };
  if (serial < 7n) {
    const end = at + INTEGER_BYTES[Number(serial)]!;
    if (end > record.length) return undefined;
    if (serial === 6n) {
      const value = record.readBigInt64BE(at);
      return { value: BigInt.asIntN(53, value) === value ? Number(value) : value, end };
    }
    return { value: record.readIntBE(at, end - at), end };
  }
  if (serial === 7n || serial < 12n || serial > MOST_BYTES) return undefined; // we keep no fractions
  const length = Number((serial - 12n) >> 1n);
  const end = at + length;
  if (end > record.length) return undefined;
  return { value: serial % 2n === 1n ? record.toString('utf8', at, end) : record.subarray(at, end), end };
}

/** A number of one to nine bytes, seven bits each but for the ninth. */
function varint(bytes: Buffer, start: number): { value: bigint; end: number } | undefined {
  let small = 0;
  for (let index = 0; index < 4; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    small = (small << 7) | (byte & 0x7f);
    if (byte < 0x80) return { value: BigInt(small), end: start + index + 1 };
  }
  let value = BigInt(small);
  for (let index = 4; index < 9; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    if (index === 8) return { value: (value << 8n) | BigInt(byte), end: start + 9 };
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return { value, end: start + index + 1 };
  }
  return undefined;
}
