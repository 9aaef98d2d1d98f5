/** Reading files of mail: many small ones at once, a large one in parts. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { noteBuffer } from '../passing-buffers.ts';
import { CrlfLines } from './line-ends.ts';
import { CHUNK, DamagedFile, isFileError, WHOLE_UP_TO } from './source.ts';

/**
 * Loads items ahead of who takes them, `width` at once, and gives them in order. `load` must not reject: what can go wrong is a value.
 */
export async function* readAhead<Item, Loaded>(
  items: Iterable<Item>,
  width: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded, void> {
  const loading: Promise<Loaded>[] = [];
  try {
    for (const item of items) {
      loading.push(load(item));
      if (loading.length >= width) yield await loading.shift()!;
    }
    while (loading.length > 0) yield await loading.shift()!;
  } finally {
    await Promise.all(loading);
  }
}

export interface LoadedFile {
  /** With the line ends of the wire, unless they are to stay. */
  readonly content: Buffer | AsyncIterable<Buffer>;
  readonly modified: number;
}

/** A message's file. What is larger than {@link WHOLE_UP_TO}, or compressed, is opened again when it is read. */
export async function loadMessage(path: string, exact: boolean): Promise<LoadedFile> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    const modified = Math.floor(mtimeMs / 1_000);
    const bytes = await readWhole(file, Math.min(size, WHOLE_UP_TO));
    const opening = decompression(bytes);
    if (size > WHOLE_UP_TO || opening !== null) return { content: parts(path, exact, opening), modified };
    return { content: exact ? bytes : new CrlfLines().push(bytes), modified };
  } finally {
    await file.close();
  }
}

/** So many bytes of a file, or fewer where it has become shorter. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = passingBuffer(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

let unnoted = 0;

/** A buffer that is garbage soon (src/passing-buffers.ts), however small. */
function passingBuffer(size: number): Buffer {
  unnoted += size;
  if (unnoted >= NOTED_AT) {
    noteBuffer(unnoted);
    unnoted = 0;
  }
  return Buffer.allocUnsafe(size);
}

/** Bytes after which buffers of any size are noted. */
const NOTED_AT = 1 << 18;

type Opening = () => Transform;

const MAGIC_BYTES = 12;

/** Dovecot can keep messages compressed, in files of the same names. @throws DamagedFile for a way that we can't read */
function decompression(content: Buffer): Opening | null {
  const beginning = content.subarray(0, MAGIC_BYTES);
  const begins = (...bytes: number[]) => beginning.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (begins(0x1f, 0x8b, 0x08)) return createGunzip;
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return createZstdDecompress;
  const text = beginning.toString('latin1');
  if (/^BZh\d1AY/.test(text) || text.startsWith('Dovecot-LZ4') || begins(0xfd, 0x37, 0x7a, 0x58, 0x5a)) {
    throw new DamagedFile(
      'it is compressed in a way that can’t be read here: let the old server write it uncompressed',
    );
  }
  return null;
}

async function* parts(path: string, exact: boolean, opening: Opening | null): AsyncGenerator<Buffer, void> {
  const lines = new CrlfLines();
  const right = (bytes: Buffer) => (exact ? bytes : lines.push(bytes));
  if (opening === null) {
    for await (const { bytes } of chunksOf(path)) yield right(bytes);
    return;
  }
  const plain = pipeline(createReadStream(path), opening(), () => {}); // errors are thrown to who reads
  try {
    for await (const bytes of plain) yield right(bytes as Buffer);
  } catch (error) {
    if (isFileError(error)) throw error;
    throw new DamagedFile('it is compressed, and damaged', { cause: error });
  }
}

/** The bytes of a file, and where they stand. */
export async function* chunksOf(path: string): AsyncGenerator<{ bytes: Buffer; end: number }, void> {
  const file = await open(path, 'r');
  try {
    for (let at = 0; ; ) {
      // A buffer of its own each time: what was given may be kept.
      const { bytesRead, buffer } = await file.read(passingBuffer(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield { bytes: buffer.subarray(0, bytesRead), end: at };
    }
  } finally {
    await file.close();
  }
}

/** A small file of text that may be missing: empty then. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isFileError(error) && (error.code === 'ENOENT' || error.code === 'EISDIR' || error.code === 'ENOTDIR'))
      return '';
    throw error;
  }
}
