/**
 * Whether the machine's clock can be believed: it is set by hand, by a server that was wrong, or not at all since the battery is empty; and machines sleep. What
 * waits may be years old by it at once, or put off for years.
 */
import type { Milliseconds } from '../store/ids.ts';

/** A clock is put right by less all the time. */
const JUMP: Milliseconds = 60_000;

export class ClockWatch {
  readonly #steadyAfter: Milliseconds;
  /** By the clock less the machine's own time, which never goes back. */
  #offset = Number.NaN;
  #jumpedAt = 0;

  /** @param steadyAfter  so long after a jump the new time is believed */
  constructor(steadyAfter: Milliseconds) {
    this.#steadyAfter = steadyAfter;
  }

  /** Looks at it. @returns true when it has jumped since it was last looked at; the first time, too, since nobody knows what it was before */
  hasJumped(): boolean {
    const offset = Date.now() - performance.now();
    if (Math.abs(offset - this.#offset) <= JUMP) return false;
    this.#offset = offset;
    this.#jumpedAt = performance.now();
    return true;
  }

  /** It has not jumped for some time: what is over by it is over. */
  get isSteady(): boolean {
    return performance.now() - this.#jumpedAt >= this.#steadyAfter;
  }
}
