/**
 * The replies of a server, read as they come (RFC 5321 4.2). Pure.
 *
 * Invariants
 * - A reply is given out whole or not at all: what stands before something that is none is not lost.
 * - What is kept is bounded: a reply without an end is none.
 */

/** One reply. */
export interface Reply {
  /** Three digits. */
  readonly code: number;
  /** What stands behind the code, line by line: one character a byte. */
  readonly lines: readonly string[];
}

/** What came is no reply: nobody knows where the next one begins. */
export class NotAReply extends Error {
  override readonly name = 'NotAReply';
}

/** Bytes of one reply, its line ends with it. RFC 5321 4.5.3.1.5 allows 512 for a line; some servers tell stories. */
const MOST_BYTES = 16_384;
const ZERO = 48;

export class ReplyReader {
  /** Not read yet: from {@link #at} on. */
  #text = '';
  #at = 0;
  /** Of the reply that goes on. */
  #lines: string[] = [];
  #code = 0;
  #bytes = 0;

  /** Takes the next bytes; {@link next} tells what they are. */
  push(bytes: Buffer): void {
    this.#text = this.#text.slice(this.#at) + bytes.toString('latin1');
    this.#at = 0;
  }

  /** @returns undefined until another one is whole @throws NotAReply */
  next(): Reply | undefined {
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at);
      const bytes = (end === -1 ? this.#text.length : end + 1) - this.#at;
      if (this.#bytes + bytes > MOST_BYTES) throw new NotAReply('its answer has no end');
      if (end === -1) return undefined;
      const line = this.#text.slice(this.#at, this.#text[end - 1] === '\r' && end > this.#at ? end - 1 : end);
      this.#at = end + 1;
      this.#bytes += bytes;
      if (this.#take(line)) {
        const reply = { code: this.#code, lines: this.#lines };
        this.#lines = [];
        this.#bytes = 0;
        return reply;
      }
    }
  }

  /** @returns it was the last line of a reply */
  #take(line: string): boolean {
    const code = codeOf(line);
    const goesOn = line[3] === '-';
    // RFC 5321 4.2.1: the space may be missing where no text follows.
    if (code === undefined || !(goesOn || line[3] === ' ' || line.length === 3)) {
      throw new NotAReply('it does not answer in the way of SMTP');
    }
    // RFC 5321 4.2.1: every line has the same code. The last one counts; but nothing is both done and refused.
    if (this.#lines.length > 0 && hundreds(code) !== hundreds(this.#code)) {
      throw new NotAReply('its answer contradicts itself');
    }
    this.#code = code;
    this.#lines.push(line.slice(4));
    return !goesOn;
  }
}

/** RFC 5321 4.2: the first digit is one of 2 to 5. */
function codeOf(line: string): number | undefined {
  const [first, second, third] = [line.charCodeAt(0) - ZERO, line.charCodeAt(1) - ZERO, line.charCodeAt(2) - ZERO];
  const isCode = first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9;
  return isCode ? 100 * first + 10 * second + third : undefined;
}

/** The first digit of a code. */
export function hundreds(code: number): number {
  return Math.floor(code / 100);
}

/** The peer has done what it was asked. */
export function isDone({ code }: Reply): boolean {
  return hundreds(code) === 2;
}

/** The peer does not do what it was asked, now or ever. */
export function isRefusal({ code }: Reply): boolean {
  return code >= 400;
}
