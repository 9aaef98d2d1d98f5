/** Lets some run at a time and a bounded number wait, in order. */
export class Gate {
  readonly #places: number;
  readonly #seats: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @param places  how many run at a time
   * @param seats  how many may wait
   */
  constructor(places: number, seats: number) {
    this.#places = places;
    this.#seats = seats;
  }

  /** True when one more would find neither a place nor a seat. */
  get full(): boolean {
    return this.#running === this.#places && this.#waiting.length >= this.#seats;
  }

  /** Somebody waits. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Runs the work when its turn comes. Look at {@link full} first where turning away is an answer. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running === this.#places) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next(); // the place goes on to the next
    }
  }
}
