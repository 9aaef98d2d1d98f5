/** Writes messages into a file each, some at once. */
import type { ExportFolder } from './export-folder.ts';
import { type OutgoingMessage, outgoing } from './export-messages.ts';

/** Files written at once. */
const AT_ONCE = 16;

/** @param indexes  in the folder's view, ascending; after an abort the rest is left */
export async function writeEach(
  folder: ExportFolder,
  indexes: readonly number[],
  write: (message: OutgoingMessage) => Promise<void>,
): Promise<void> {
  const pool = new Pool(AT_ONCE);
  try {
    for await (const message of outgoing(folder.store, folder.view, indexes)) {
      if (folder.signal.aborted) break;
      if ('refusal' in message) folder.lost(message);
      else await pool.add(() => write(message));
    }
    await pool.end();
  } finally {
    await pool.settled();
  }
}

/** Several things at once, but not too many. The first that fails is thrown when the next is added, or at the end. */
class Pool {
  readonly #width: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(width: number) {
    this.#width = width;
  }

  async add(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#width) await Promise.race(this.#running);
    this.#check();
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async end(): Promise<void> {
    await this.settled();
    this.#check();
  }

  /** Waits until nothing runs any more; never throws. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
