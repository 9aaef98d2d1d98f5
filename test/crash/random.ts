/** Chance that can be repeated: the same seed draws the same lots. */
import { SEED } from '../helpers/seed.ts';

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** Up to `count` of them, in their order; never none while there are any. */
  some<T>(list: readonly T[], count: number): T[] {
    const wanted = this.between(1, count);
    const lots = list.map((item, index) => ({ item, index, lot: this.next() }));
    lots.sort((a, b) => a.lot - b.lot);
    return lots
      .slice(0, wanted)
      .sort((a, b) => a.index - b.index)
      .map(({ item }) => item);
  }

  /** Another source of chance, for someone who draws at a pace of his own. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}

/** Tells the {@link SEED}, for a test whose failure does not. */
export function seed(t: { diagnostic(message: string): void }): number {
  t.diagnostic(`RAINMAIL_TEST_SEED=${SEED}`);
  return SEED;
}
