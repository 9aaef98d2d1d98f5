/**
 * The framing of DATA (RFC 5321 4.1.1.4, 4.5.2): takes the dots off that the client put on and finds the end of the data.
 *
 * Invariant: nothing but CRLF.CRLF ends the data. A dot after a bare CR or a bare LF begins no line and ends nothing, however
 * the bytes are cut into chunks: what another server would take for the end of one message and the beginning of the next
 * ("smuggling") stays inside this one.
 */
const CR = 13;
const LF = 10;
const DOT = 46;
const DOT_AT_LINE_START = Buffer.from('\r\n.');
const HELD_CR = Buffer.from('\r');
const NOTHING = Buffer.alloc(0);

/** How much of CRLF.CRLF the data so far ends with. The dot and what follows it are held back until it is clear what they are. */
const TEXT = 0;
const AFTER_CR = 1;
const LINE_START = 2;
const AFTER_DOT = 3;
const AFTER_DOT_CR = 4;

/** Reads one message's data, chunk by chunk. */
export class DotReader {
  /** The end was found: {@link consumed} bytes of the last chunk belonged to it. */
  ended = false;
  consumed = 0;
  // "." CRLF right after DATA's own line is an empty message (RFC 5321 4.1.1.4).
  #state = LINE_START;

  /** Takes the next bytes. @returns what they add to the message; usually a part of the chunk itself, not a copy */
  push(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let from = this.#resume(chunk, pieces);
    let at = from;
    while (!this.ended && this.#state === TEXT) {
      const end = chunk.indexOf(DOT_AT_LINE_START, at);
      if (end === -1) {
        this.#state = stateAfter(chunk, at);
        break;
      }
      keep(pieces, chunk, from, end + 2);
      from = at = end + 3;
      if (at === chunk.length) this.#state = AFTER_DOT;
      else if (chunk[at] === CR && at + 1 === chunk.length) this.#state = AFTER_DOT_CR;
      else if (chunk[at] === CR && chunk[at + 1] === LF) this.#end(at + 2);
    }
    if (!this.ended) {
      keep(pieces, chunk, from, this.#state === AFTER_DOT_CR ? from : chunk.length);
      this.consumed = chunk.length;
    }
    return pieces.length === 1 ? pieces[0]! : pieces.length === 0 ? NOTHING : Buffer.concat(pieces);
  }

  /** Goes on where the last chunk was cut. @returns index of the first byte that is neither dropped nor in `pieces` yet */
  #resume(chunk: Buffer, pieces: Buffer[]): number {
    let from = 0;
    for (let i = 0; i < chunk.length && this.#state !== TEXT; i += 1) {
      const byte = chunk[i];
      if (this.#state === AFTER_DOT_CR) {
        if (byte === LF) {
          this.#end(i + 1);
          return from;
        }
        pieces.push(HELD_CR); // It was data: only the dot before it goes.
        this.#state = byte === CR ? AFTER_CR : TEXT;
      } else if (this.#state === AFTER_DOT) {
        if (byte === CR) from = i + 1;
        this.#state = byte === CR ? AFTER_DOT_CR : TEXT;
      } else if (this.#state === LINE_START && byte === DOT) {
        keep(pieces, chunk, from, i);
        from = i + 1;
        this.#state = AFTER_DOT;
      } else if (byte === CR) {
        this.#state = AFTER_CR;
      } else {
        this.#state = this.#state === AFTER_CR && byte === LF ? LINE_START : TEXT;
      }
    }
    return from;
  }

  #end(consumed: number): void {
    this.ended = true;
    this.consumed = consumed;
  }
}

function keep(pieces: Buffer[], chunk: Buffer, from: number, to: number): void {
  if (to > from) pieces.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
}

/** The state at the end of a chunk without a dot at a line start from `from` on. */
function stateAfter(chunk: Buffer, from: number): number {
  const last = chunk.length - 1;
  if (last < from) return TEXT;
  if (chunk[last] === CR) return AFTER_CR;
  return chunk[last] === LF && last > from && chunk[last - 1] === CR ? LINE_START : TEXT;
}
