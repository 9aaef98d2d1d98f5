/**
 * The framing of messages sent (RFC 1939 3): a line that begins with a dot gets another one; a line with a single dot ends.
 *
 * A dot after a bare LF is doubled too: a client that takes LF for the end of a line, as most do, must not be shown the end of
 * a message by its sender.
 */
const DOT = 46;
const CR = 13;
const LF = 10;
const DOT_AT_LINE_START = Buffer.from('\n.');
const EXTRA_DOT = Buffer.from('.');
const END = Buffer.from('.\r\n');
const END_AFTER_CUT_LINE = Buffer.from('\r\n.\r\n');

/** Frames one message, in chunks of any size. */
export class DotStuffer {
  #last = LF;
  #lastButOne = CR;

  /** @returns the chunk with its dots doubled; the chunk itself, mostly */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const pieces: Buffer[] = [];
    let from = 0;
    if (this.#last === LF && chunk[0] === DOT) pieces.push(EXTRA_DOT);
    for (let at = chunk.indexOf(DOT_AT_LINE_START); at !== -1; at = chunk.indexOf(DOT_AT_LINE_START, from)) {
      pieces.push(chunk.subarray(from, at + 1), EXTRA_DOT);
      from = at + 1;
    }
    this.#lastButOne = chunk.length > 1 ? chunk[chunk.length - 2]! : this.#last;
    this.#last = chunk[chunk.length - 1]!;
    if (pieces.length === 0) return chunk;
    pieces.push(chunk.subarray(from));
    return Buffer.concat(pieces);
  }

  /** @returns what ends the message; a last line without CRLF gets one first */
  finish(): Buffer {
    return this.#last === LF && this.#lastButOne === CR ? END : END_AFTER_CUT_LINE;
  }
}
