/** The first part of a message for TOP (RFC 1939 7): its header, the blank line, and some lines of its body. Pure. */
const LF = 10;

/** Cuts one message, in chunks of any size. */
export class TopCutter {
  /** All that is wanted has gone by. */
  done = false;
  #headerLeft: number;
  #linesLeft: number;

  /** @param headerBytes up to and with the blank line */
  constructor(headerBytes: number, lines: number) {
    this.#headerLeft = headerBytes;
    this.#linesLeft = lines;
    this.#check();
  }

  /** @returns what is wanted of the chunk */
  push(chunk: Buffer): Buffer {
    if (this.done) return chunk.subarray(0, 0);
    let end = Math.min(this.#headerLeft, chunk.length);
    this.#headerLeft -= end;
    while (this.#linesLeft > 0 && end < chunk.length) {
      const lf = chunk.indexOf(LF, end);
      end = lf === -1 ? chunk.length : lf + 1;
      if (lf !== -1) this.#linesLeft -= 1;
    }
    this.#check();
    return end === chunk.length ? chunk : chunk.subarray(0, end);
  }

  #check(): void {
    this.done = this.#headerLeft === 0 && this.#linesLeft === 0;
  }
}
