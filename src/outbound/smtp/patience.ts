/**
 * How long a peer may keep us waiting: for a sign of life, and in all.
 *
 * One timer serves every wait: it is armed for the first, and anew only where it goes off too early, or would go off too late. A wait that is over
 * in time costs nothing.
 */
import type { Milliseconds } from '../../store/ids.ts';

export class Patience {
  readonly #silence: Milliseconds;
  readonly #onLost: (why: string) => void;
  #deadline = Number.POSITIVE_INFINITY;
  #alive = performance.now();
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;
  #timerEnds = 0;

  /**
   * @param silence  so long a wait may go on without a sign of life
   * @param onLost  told once a wait took too long, and what of it
   */
  constructor(silence: Milliseconds, onLost: (why: string) => void) {
    this.#silence = silence;
    this.#onLost = onLost;
  }

  /** All waits from now on have so long together. */
  within(time: Milliseconds): void {
    this.#deadline = performance.now() + time;
  }

  showLife(): void {
    this.#alive = performance.now();
  }

  /** A wait begins, or goes on. */
  begin(): void {
    this.#waiting = true;
    const ends = this.#ends();
    if (this.#timer !== undefined) {
      if (this.#timerEnds <= ends) return;
      clearTimeout(this.#timer);
    }
    this.#timerEnds = ends;
    this.#timer = setTimeout(this.#look, Math.max(1, ends - performance.now()));
  }

  /** The wait is over; the timer may go off meanwhile, for nobody. */
  end(): void {
    this.#waiting = false;
  }

  /** There will be no wait any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #ends(): number {
    return Math.min(this.#deadline, this.#alive + this.#silence);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#waiting) return;
    const ends = this.#ends();
    if (performance.now() < ends) this.begin();
    else this.#onLost(ends === this.#deadline ? 'the peer takes too long' : 'the peer says nothing any more');
  };
}
