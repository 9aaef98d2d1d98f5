/** Chance that can be repeated: the same seed draws the same lots. */

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

/** The seed from the environment, so that a run can be repeated, or a new one; it is printed. */
export function seed(t: { diagnostic(message: string): void }): number {
  const given = process.env['RAINMAIL_CRASH_SEED'];
  const number = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  t.diagnostic(`RAINMAIL_CRASH_SEED=${number}`);
  return number;
}
