/** Reading files of mail: many small ones at once, a large one in parts. */
import type { FileHandle } from 'node:fs/promises';
import { open, readFile } from 'node:fs/promises';
import { CrlfLines } from './line-ends.ts';
import { CHUNK, isFileError, WHOLE_UP_TO } from './source.ts';

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

/** A message's file. What is larger than {@link WHOLE_UP_TO} is opened again when it is read. */
export async function loadMessage(path: string, exact: boolean): Promise<LoadedFile> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    const modified = Math.floor(mtimeMs / 1_000);
    if (size > WHOLE_UP_TO) return { content: parts(path, exact), modified };
    const bytes = await readWhole(file, size);
    return { content: exact ? bytes : new CrlfLines().push(bytes), modified };
  } finally {
    await file.close();
  }
}

/** All of a small file, also when it is longer or shorter than it said. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

async function* parts(path: string, exact: boolean): AsyncGenerator<Buffer, void> {
  const lines = new CrlfLines();
  for await (const { bytes } of chunksOf(path)) yield exact ? bytes : lines.push(bytes);
}

/** The bytes of a file, and where they stand. */
export async function* chunksOf(path: string): AsyncGenerator<{ bytes: Buffer; end: number }, void> {
  const file = await open(path, 'r');
  try {
    for (let at = 0; ; ) {
      // A buffer of its own each time: what was given may be kept.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
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
