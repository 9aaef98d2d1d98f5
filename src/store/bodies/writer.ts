/**
 * Writes one file from front to back: ranges are reserved at once, bytes follow in groups.
 *
 * Invariants: at most one write is in flight; everything that was pushed meanwhile goes out in the next, so writes group
 * themselves under load. After an error nothing more is written: what failed is never tried again, but for a write that found
 * the disk full, once, when room could be made (nothing of it is lost: it names its position; a failed sync is another matter).
 */
import { type File, type FileSystem, isFull, writeAll } from './files.ts';

/** Bounds of one write: beyond them the thread that writes holds its buffers too long; the second is IOV_MAX. */
const GROUP_BYTES = 1 << 20;
const GROUP_BUFFERS = 1_024;

export class FileWriter {
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #makeRoom: (() => Promise<void>) | undefined;
  #file: File | undefined;
  #state: 'idle' | 'scheduled' | 'writing' | 'failed' = 'idle';
  #error: unknown;
  /** What stands between #written and #reserved, less the group in flight. */
  #queue: Buffer[] = [];
  #reserved: number;
  #written: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> = Promise.resolve();

  /**
   * @param start  where the first byte goes; the file is made with the first write
   * @param onError  hears of a failed write at once, whether or not anyone waits for it
   * @param makeRoom  is asked when the disk is full, before the write is tried once more
   */
  constructor(
    files: FileSystem,
    path: string,
    start: number,
    onError?: (error: unknown) => void,
    makeRoom?: () => Promise<void>,
  ) {
    this.#files = files;
    this.#path = path;
    this.#onError = onError;
    this.#makeRoom = makeRoom;
    this.#reserved = start;
    this.#written = start;
  }

  /** Where the next byte goes. */
  get end(): number {
    return this.#reserved;
  }

  /** Bytes pushed that are not in the file yet. */
  get queuedBytes(): number {
    return this.#reserved - this.#written;
  }

  /** Reserves the next range and queues the buffers, which must not change any more. @param bytes  their length together */
  push(buffers: readonly Buffer[], bytes: number): void {
    this.#reserved += bytes;
    if (this.#state === 'failed') return;
    for (const buffer of buffers) if (buffer.length > 0) this.#queue.push(buffer);
    if (this.#state !== 'idle') return;
    // What else this turn of the loop brings goes out in the same write.
    this.#state = 'scheduled';
    setImmediate(this.#startScheduled);
  }

  /** True when everything before this position is in the file. */
  hasWritten(position: number): boolean {
    return position <= this.#written;
  }

  /** Resolves when everything before the position is in the file (not yet durable); rejects when it can't be written. */
  written(position = this.#reserved): Promise<void> {
    if (position <= this.#written) return Promise.resolve();
    if (this.#state === 'failed') return Promise.reject(this.#error);
    this.#startScheduled();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ position, resolve, reject });
    });
  }

  /** Makes durable what was pushed before the call. Must not be called again while it runs, nor after it failed. */
  async sync(): Promise<void> {
    await this.written();
    // fdatasync works on the inode: it covers every write that ended before it started, and the size needed to read it.
    if (this.#file !== undefined) await this.#files.fdatasync(this.#file);
  }

  /** Writes outside the queue: for the header of a file whose body went first. Await {@link written} before. */
  async writeAt(buffers: Buffer[], position: number): Promise<void> {
    this.#file ??= await this.#files.open(this.#path, 'create');
    await writeAll(this.#files, this.#file, buffers, position);
  }

  /** Drops what is queued, waits for the write in flight and closes the file. */
  async close(): Promise<void> {
    if (this.#state === 'writing') {
      this.#queue = [];
      await this.#running;
    }
    this.#state = 'failed';
    this.#error ??= new Error('the file was closed');
    this.#rejectWaiting();
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await this.#files.close(file);
  }

  readonly #startScheduled = (): void => {
    if (this.#state !== 'scheduled') return;
    this.#state = 'writing';
    this.#running = this.#run();
  };

  async #run(): Promise<void> {
    try {
      this.#file ??= await this.#files.open(this.#path, 'create');
      while (this.#queue.length > 0) {
        const { buffers, bytes } = this.#nextGroup();
        await this.#write(this.#file, buffers);
        this.#written += bytes;
        this.#resolveWaiting();
      }
      this.#state = 'idle';
    } catch (error) {
      this.#state = 'failed';
      this.#error = error;
      this.#queue = [];
      this.#onError?.(error);
      this.#rejectWaiting();
    }
  }

  async #write(file: File, buffers: Buffer[]): Promise<void> {
    try {
      await writeAll(this.#files, file, buffers, this.#written);
    } catch (error) {
      if (this.#makeRoom === undefined || !isFull(error)) throw error;
      await this.#makeRoom();
      await writeAll(this.#files, file, buffers, this.#written);
    }
  }

  #nextGroup(): { buffers: Buffer[]; bytes: number } {
    let bytes = 0;
    let count = 0;
    for (; count < this.#queue.length && count < GROUP_BUFFERS; count++) {
      const length = this.#queue[count]!.length;
      if (count > 0 && bytes + length > GROUP_BYTES) break;
      bytes += length;
    }
    if (count < this.#queue.length) return { buffers: this.#queue.splice(0, count), bytes };
    const buffers = this.#queue;
    this.#queue = [];
    return { buffers, bytes };
  }

  #resolveWaiting(): void {
    const still: Waiting[] = [];
    for (const waiting of this.#waiting) {
      if (waiting.position <= this.#written) waiting.resolve();
      else still.push(waiting);
    }
    this.#waiting = still;
  }

  #rejectWaiting(): void {
    for (const waiting of this.#waiting) waiting.reject(this.#error);
    this.#waiting = [];
  }
}

interface Waiting {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
