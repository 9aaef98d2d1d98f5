/** What could not be brought or written, for the report. */
import type { LeftOut } from './source.ts';

const MOST_REPORTED = 100;

export interface LeftOutReport {
  /** What was left out, and why; the first {@link MOST_REPORTED}. */
  readonly skipped: readonly LeftOut[];
  readonly skippedCount: number;
}

export class LeftOutList {
  readonly #first: LeftOut[] = [];
  #count = 0;

  add(what: LeftOut): void {
    this.#count++;
    if (this.#first.length < MOST_REPORTED) this.#first.push(what);
  }

  report(): LeftOutReport {
    return { skipped: this.#first, skippedCount: this.#count };
  }
}
