/**
 * Puts bytes that come in pieces of any size together to pieces that end where a line does: what works line by line and keeps the beginning of
 * a line it has not seen the end of goes through that again with each piece, so that one line of megabytes would take minutes.
 */
const LF = 10;
const NOTHING = Buffer.alloc(0);

export class WholeLines {
  #held: Buffer[] = [];
  /** Bytes of the line that has not ended. */
  length = 0;

  /** Takes the next bytes. @returns those up to the last end of a line, and what was held before them; empty when no line ends in them */
  push(bytes: Buffer): Buffer {
    const end = bytes.lastIndexOf(LF) + 1;
    if (end === 0) {
      this.#hold(bytes);
      return NOTHING;
    }
    const lines = this.#with(bytes.subarray(0, end));
    this.#hold(bytes.subarray(end));
    return lines;
  }

  /** Nothing more comes. @returns the line that has not ended */
  finish(): Buffer {
    return this.#with(NOTHING);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length > 0) this.#held.push(bytes);
    this.length += bytes.length;
  }

  #with(bytes: Buffer): Buffer {
    const held = this.#held;
    this.#held = [];
    this.length = 0;
    return held.length === 0 ? bytes : Buffer.concat([...held, bytes]);
  }
}

/** Whole lines in pieces of this size or a little more, none of which cuts a line. */
export function* piecesOf(lines: Buffer, size: number): Generator<Buffer> {
  for (let from = 0; from < lines.length; ) {
    const lf = lines.indexOf(LF, Math.min(from + size, lines.length) - 1);
    const end = lf === -1 ? lines.length : lf + 1;
    yield lines.subarray(from, end);
    from = end;
  }
}
