/** Writing files so that each is whole or not there: to a temporary name, synced, renamed, the directory synced. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nodeFiles } from '../store/bodies/files.ts';
import type { EpochSeconds } from '../store/ids.ts';

/** Bytes collected before they are written. */
const BUFFERED = 1 << 20;

/** A file on its way: nothing has its name before {@link FileOnTheWay.done}. */
export class FileOnTheWay {
  readonly #temporary: string;
  readonly #file: FileHandle;
  #parts: Buffer[] = [];
  #buffered = 0;
  bytes = 0;

  /** @param temporary on the same file system; what an interrupted run left there is written over */
  static async begin(temporary: string): Promise<FileOnTheWay> {
    return new FileOnTheWay(temporary, await open(temporary, 'w', 0o600));
  }

  private constructor(temporary: string, file: FileHandle) {
    this.#temporary = temporary;
    this.#file = file;
  }

  async write(part: Buffer | string): Promise<void> {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    this.#parts.push(bytes);
    this.#buffered += bytes.length;
    this.bytes += bytes.length;
    if (this.#buffered >= BUFFERED) await this.#flush();
  }

  /** Its time is that of the message in it, by the custom of Maildir. The directory is synced by the caller. */
  async done(path: string, modified?: EpochSeconds): Promise<void> {
    try {
      await this.#flush();
      if (modified !== undefined) await this.#file.utimes(modified, modified);
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
    // Dies here: the temporary file is written over, or left alone, by the next run.
    await rename(this.#temporary, path);
  }

  /** Gives it up. */
  async abandon(): Promise<void> {
    await this.#file.close();
    await rm(this.#temporary, { force: true });
  }

  async #flush(): Promise<void> {
    const parts = this.#parts;
    this.#parts = [];
    this.#buffered = 0;
    if (parts.length > 0) await this.#file.writeFile(Buffer.concat(parts)); // from where the file stands
  }
}

/** Writes a file of a few parts. */
export async function writeWhole(
  path: string,
  temporary: string,
  parts: Iterable<Buffer | string> | AsyncIterable<Buffer | string>,
): Promise<number> {
  const file = await FileOnTheWay.begin(temporary);
  try {
    for await (const part of parts) await file.write(part);
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.done(path);
  await nodeFiles.syncDirectory(dirname(path));
  return file.bytes;
}
