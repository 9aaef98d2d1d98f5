/** Long work in small steps: nothing may keep the other connections of the event loop waiting (at most some 10 ms). */
import { setImmediate } from 'node:timers/promises';
import type { Milliseconds } from './store/ids.ts';

const STEP: Milliseconds = 5;

export class Pace {
  #since = performance.now();

  /** Undefined while the work may go on; else a promise to await first. Ask often: it costs next to nothing. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#since < STEP ? undefined : this.#pause();
  }

  async #pause(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
