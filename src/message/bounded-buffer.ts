/** Collects the first bytes of something and lets the rest go by. Memory: twice what was collected, at most. */
export class BoundedBuffer {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Copies `data` from `from` to `to`, as far as there is room. */
  append(data: Buffer, from: number, to: number): void {
    const end = Math.min(to, from + this.#limit - this.#length);
    if (end <= from) return;
    const length = this.#length + end - from;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    data.copy(this.#bytes, this.#length, from, end);
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  /** What was collected; valid until the next append. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
