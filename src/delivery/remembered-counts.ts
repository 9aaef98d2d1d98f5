/**
 * Counts that no restart begins anew: kept in memory, and read from the trace when they are first asked for.
 *
 * Invariant: what happened is counted once. What was before the start is in the trace alone, and what is after it is counted by who has asked.
 */
import { Lru } from '../lru.ts';
import type { EpochSeconds } from '../store/ids.ts';

/** Kept at a time; of what is forgotten the trace is asked again. */
const MOST_KEPT = 20_000;

/** What the trace says of somebody or something until then. */
export type ReadCounts<Key, Counts> = (key: Key, now: EpochSeconds, until: EpochSeconds) => Promise<Counts>;

export class RememberedCounts<Key, Counts> {
  readonly #read: ReadCounts<Key, Counts>;
  readonly #clock: () => EpochSeconds;
  readonly #started: EpochSeconds;
  readonly #kept = new Lru<Key, Counts>(MOST_KEPT);
  readonly #reading = new Map<Key, Promise<Counts>>();

  constructor(read: ReadCounts<Key, Counts>, clock: () => EpochSeconds) {
    this.#read = read;
    this.#clock = clock;
    this.#started = clock();
  }

  /** Undefined: nobody has asked yet, or it is forgotten; what happens then is in the trace. */
  kept(key: Key): Counts | undefined {
    return this.#kept.get(key);
  }

  async of(key: Key): Promise<Counts> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#remember(key).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return reading;
  }

  async #remember(key: Key): Promise<Counts> {
    const now = this.#clock();
    // Nothing of what is not kept happened since the start, unless some were forgotten.
    const until = this.#kept.size < MOST_KEPT ? this.#started : now;
    const counts = await this.#read(key, now, until);
    this.#kept.set(key, counts);
    return counts;
  }
}
