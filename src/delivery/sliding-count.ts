/** A count of what happened in the last so many seconds, in bounded memory. */
import type { EpochSeconds } from '../store/ids.ts';

export const HOUR = 3_600;
export const DAY = 24 * HOUR;

/** A time that slides in so many steps: what is older is forgotten a step at a time. */
const STEPS = 24;

export class SlidingCount {
  readonly #step: number;
  readonly #counts = new Int32Array(STEPS);
  /** The step that was counted in last; its place is the remainder. */
  #last = 0;

  constructor(seconds: number) {
    this.#step = seconds / STEPS;
  }

  add(now: EpochSeconds, count: number): void {
    this.#advance(now);
    const at = this.#last % STEPS;
    this.#counts[at] = Math.max(0, this.#counts[at]! + count);
  }

  /** What happened a while ago; what is too old is left out. */
  addEarlier(now: EpochSeconds, at: EpochSeconds, count: number): void {
    this.#advance(now);
    const step = Math.min(Math.floor(at / this.#step), this.#last);
    if (step > this.#last - STEPS) this.#counts[step % STEPS]! += count;
  }

  sum(now: EpochSeconds): number {
    this.#advance(now);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #advance(now: EpochSeconds): void {
    const step = Math.floor(now / this.#step);
    const past = Math.min(STEPS, step - this.#last);
    for (let each = 0; each < past; each++) this.#counts[(step - each) % STEPS] = 0;
    this.#last = Math.max(this.#last, step);
  }
}
