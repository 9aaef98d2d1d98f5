/**
 * Line ends for mail from files: bare CR and bare LF become CRLF (RFC 5322 2.1). Works on a stream: feed it chunk by
 * chunk, then {@link CrlfLines.end}. Pure.
 */
export class CrlfLines {
  /** The last chunk ended in a CR, whose LF may come with the next. */
  #heldCr = false;

  /** The chunk with its line ends put right; the very same buffer when they were. */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const held = this.#heldCr;
    this.#heldCr = chunk[chunk.length - 1] === CR;
    const body = this.#heldCr ? chunk.subarray(0, -1) : chunk;
    if (!held && isRight(body)) return body;
    return Buffer.from(`${held ? '\r' : ''}${body.toString('latin1')}`.replace(LINE_ENDS, '\r\n'), 'latin1');
  }

  /** What is left at the end of the stream. */
  end(): Buffer {
    const held = this.#heldCr;
    this.#heldCr = false;
    return Buffer.from(held ? '\r\n' : '');
  }
}

const CR = 13;
const LF = 10;
const LINE_ENDS = /\r\n|\r|\n/g;

/** True when every CR and LF of it belongs to a CRLF. */
function isRight(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return false;
  }
  for (let at = bytes.indexOf(CR); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] !== LF) return false;
  }
  return true;
}
