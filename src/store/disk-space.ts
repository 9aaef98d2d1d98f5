/**
 * Watches the room on the store's disk. Below the watermark nothing new is taken in, with a temporary error, while reading and deleting go
 * on; a reserve file is given up when even deleting finds no room.
 */
import { open, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import type { Milliseconds } from './ids.ts';

const LOOK_EVERY: Milliseconds = 2_000;
const RESERVE = 'reserve';
const RESERVE_BYTES = 16 << 20;

/** How much room there is, when that begins or ceases to be too little. */
export interface Room {
  readonly low: boolean;
  readonly freeBytes: number;
  /** Below it nothing new is taken in. */
  readonly reserveBytes: number;
}

interface Listeners {
  readonly onError: (error: unknown) => void;
  readonly onChange: (room: Room) => void;
}

export class DiskSpace {
  readonly #directory: string;
  readonly #watermark: number;
  readonly #onChange: (room: Room) => void;
  readonly #timer: NodeJS.Timeout;
  #low = false;

  private constructor(directory: string, watermark: number, { onError, onChange }: Listeners) {
    this.#directory = directory;
    this.#watermark = watermark;
    this.#onChange = onChange;
    this.#timer = setInterval(() => void this.look().catch(onError), LOOK_EVERY).unref();
  }

  static async watch(directory: string, watermark: number, listeners: Listeners): Promise<DiskSpace> {
    const space = new DiskSpace(directory, watermark, listeners);
    await space.look();
    if (!space.#low) await makeReserve(join(directory, RESERVE));
    return space;
  }

  get low(): boolean {
    return this.#low;
  }

  /** @throws Refused `store.full` when nothing new may come in */
  assertRoom(): void {
    if (this.#low) {
      throw new Refused(
        'store.full',
        'The disk of the mail server is nearly full. Mail is safe; try again later and tell your administrator.',
      );
    }
  }

  async look(): Promise<void> {
    const freeBytes = await freeBytesIn(this.#directory);
    this.#note(freeBytes < this.#watermark, freeBytes);
  }

  /** Gives the reserve up, so that deleting works on a disk that is really full. */
  async useReserve(): Promise<void> {
    this.#note(true, await freeBytesIn(this.#directory));
    await giveUpReserve(this.#directory);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #note(low: boolean, freeBytes: number): void {
    if (low === this.#low) return;
    this.#low = low;
    this.#onChange({ low, freeBytes, reserveBytes: this.#watermark });
  }
}

/** Room for what must be written on a disk that is full. @returns false when it was given up before */
export async function giveUpReserve(directory: string): Promise<boolean> {
  try {
    await rm(join(directory, RESERVE));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Of the disk that holds a directory, for those who are not root. */
export async function freeBytesIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Written, not only sized: a hole would reserve nothing. */
async function makeReserve(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return 0;
      throw error;
    },
  );
  if (size === RESERVE_BYTES) return;
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(Buffer.alloc(RESERVE_BYTES));
  } finally {
    await file.close();
  }
}
