/**
 * When each credential was last used, written late and together: a sign-in only leaves a note in memory, and a note is written at most
 * {@link EVERY} later, the newest of each credential, all in a few transactions. A crash loses the last minute of notes, and nothing else.
 */
import { CHUNK_ROWS, type Engine } from '../store/engine/engine.ts';
import type { Milliseconds } from '../store/ids.ts';
import { recordUses } from './credentials.ts';
import type { CredentialUse } from './types.ts';

const EVERY: Milliseconds = 60_000;
/** Notes kept, beyond which they are written at once. */
const CAPACITY = 10_000;

export class CredentialUses {
  readonly #engine: Engine;
  readonly #onTrouble: (error: unknown) => void;
  #notes = new Map<string, CredentialUse>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param onTrouble  hears why notes could not be written; they are dropped */
  constructor(engine: Engine, onTrouble: (error: unknown) => void) {
    this.#engine = engine;
    this.#onTrouble = onTrouble;
  }

  note(use: CredentialUse): void {
    this.#notes.set(`${use.account}/${use.credential}`, use);
    if (this.#notes.size >= CAPACITY) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), EVERY).unref();
  }

  /** Writes what was noted so far; resolves when it is durable, or was dropped. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const notes = [...this.#notes.values()];
    this.#notes = new Map();
    if (notes.length > 0) this.#writing = this.#writing.then(() => this.#write(notes));
    return this.#writing;
  }

  async #write(notes: readonly CredentialUse[]): Promise<void> {
    try {
      for (let start = 0; start < notes.length; start += CHUNK_ROWS) {
        const chunk = notes.slice(start, start + CHUNK_ROWS);
        await this.#engine.write((tx) => recordUses(tx, chunk));
      }
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}
