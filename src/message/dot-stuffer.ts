/**
 * The framing of messages sent (RFC 1939 3, RFC 5321 4.5.2): a line that begins with a dot gets another one; a line with a single dot ends.
 *
 * A dot after a bare LF is doubled too: who takes LF for the end of a line, as most clients do, must not be shown the end of
 * a message by its sender.
 */
const DOT = 46;
const CR = 13;
const LF = 10;
const DOT_AFTER_LF = Buffer.from('\n.');
const DOT_AFTER_CR = Buffer.from('\r.');
const EXTRA_DOT = Buffer.from('.');
const END = Buffer.from('.\r\n');
const END_AFTER_CUT_LINE = Buffer.from('\r\n.\r\n');

/** Frames one message, in chunks of any size. */
export class DotStuffer {
  readonly #alsoAfterCr: boolean;
  #last = LF;
  #lastButOne = CR;

  /** @param alsoAfterCr  for those of whom some take a bare CR for the end of a line, too: other servers */
  constructor(alsoAfterCr = false) {
    this.#alsoAfterCr = alsoAfterCr;
  }

  /** @returns the chunk with its dots doubled; the chunk itself, mostly */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const atLineStart = this.#last === LF || (this.#alsoAfterCr && this.#last === CR);
    const doubled = withDotsDoubled(chunk, DOT_AFTER_LF, atLineStart && chunk[0] === DOT);
    this.#lastButOne = chunk.length > 1 ? chunk[chunk.length - 2]! : this.#last;
    this.#last = chunk[chunk.length - 1]!;
    return this.#alsoAfterCr ? withDotsDoubled(doubled, DOT_AFTER_CR, false) : doubled;
  }

  /** @returns what ends the message; a last line without CRLF gets one first */
  finish(): Buffer {
    return this.#last === LF && this.#lastButOne === CR ? END : END_AFTER_CUT_LINE;
  }
}

/** @param place  ends in a dot, which gets another one before it @param first  so does the first byte */
function withDotsDoubled(chunk: Buffer, place: Buffer, first: boolean): Buffer {
  const pieces: Buffer[] = first ? [EXTRA_DOT] : [];
  let from = 0;
  for (let at = chunk.indexOf(place); at !== -1; at = chunk.indexOf(place, from)) {
    pieces.push(chunk.subarray(from, at + 1), EXTRA_DOT);
    from = at + 1;
  }
  if (pieces.length === 0) return chunk;
  pieces.push(chunk.subarray(from));
  return Buffer.concat(pieces);
}
