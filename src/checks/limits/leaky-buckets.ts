/**
 * Leaky buckets: so many events in a time, for each of many keys. An event fills its key's bucket by one; all leak steadily, a full one in that time.
 *
 * Invariant: bounded; the bucket unused for longest goes first. Somebody with very many addresses can make us forget his own and others' counts,
 * never fill the memory.
 */
import { Lru } from '../../lru.ts';
import type { Milliseconds } from '../../store/ids.ts';

const CAPACITY = 50_000;

interface Bucket {
  level: number;
  /** When `level` was right. */
  at: Milliseconds;
}

export interface Rate {
  readonly most: number;
  readonly per: Milliseconds;
}

export class LeakyBuckets {
  readonly #rate: Rate;
  readonly #clock: () => Milliseconds;
  readonly #buckets: Lru<string, Bucket>;

  /** @param clock monotonic */
  constructor(rate: Rate, clock: () => Milliseconds, capacity = CAPACITY) {
    this.#rate = rate;
    this.#clock = clock;
    this.#buckets = new Lru(capacity);
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Is there room for one more event? */
  hasRoom(key: string): boolean {
    return this.level(key) + 1 <= this.#rate.most;
  }

  /** Counts an event, room or not. */
  add(key: string): void {
    const level = this.level(key) + 1;
    this.#buckets.set(key, { level, at: this.#clock() });
  }

  /** What is in the bucket now: whole events, and what has not leaked yet of earlier ones. */
  level(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    const leaked = ((this.#clock() - bucket.at) / this.#rate.per) * this.#rate.most;
    return Math.max(0, bucket.level - leaked);
  }
}
