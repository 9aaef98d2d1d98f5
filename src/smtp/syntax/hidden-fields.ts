/**
 * Takes the fields out of a submitted message that name who gets it without the others knowing (RFC 5322 3.6.3, RFC 6409 8): Bcc and Resent-Bcc,
 * with their continuation lines. Data comes in chunks of any size that never cut a CRLF.
 *
 * Invariant: but for these fields every byte comes out as it went in, and at most the beginning of a line is held back.
 */
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const NAMES = ['bcc', 'resent-bcc'];
const NOTHING = Buffer.alloc(0);

export class HiddenFields {
  /** The beginning of a line that may still become one of the fields. */
  #held: Buffer = NOTHING;
  #atLineStart = true;
  /** The current line belongs to one of the fields. */
  #dropping = false;
  #ended = false;

  /** Takes the next bytes. @returns those that stay */
  push(data: Buffer): Buffer {
    if (this.#ended) return data;
    const all = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    this.#held = NOTHING;
    const kept: Buffer[] = [];
    for (let at = 0; at < all.length; ) {
      if (this.#atLineStart) {
        if (all[at] === CR) {
          this.#ended = true;
          kept.push(all.subarray(at));
          break;
        }
        const named = beginsField(all, at);
        if (named === undefined) {
          this.#held = all.subarray(at);
          break;
        }
        // A folded line belongs to the field before it (RFC 5322 2.2.3).
        if (all[at] !== SPACE && all[at] !== TAB) this.#dropping = named;
      }
      const lf = all.indexOf(LF, at);
      const end = lf === -1 ? all.length : lf + 1;
      if (!this.#dropping) kept.push(all.subarray(at, end));
      this.#atLineStart = lf !== -1;
      at = end;
    }
    return kept.length === 1 && kept[0]!.length === data.length ? kept[0]! : Buffer.concat(kept);
  }

  /** The message is whole. @returns what was held back */
  finish(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    return held;
  }
}

/** Does the line that begins here begin with one of the fields? Undefined: what there is of it does not tell. */
function beginsField(data: Buffer, from: number): boolean | undefined {
  for (const name of NAMES) {
    let at = 0;
    while (at < name.length && from + at < data.length && isLetter(data[from + at]!, name.charCodeAt(at))) at += 1;
    if (from + at === data.length) return undefined;
    if (at < name.length) continue;
    // RFC 5322 4.5: white space may stand before the colon.
    while (data[from + at] === SPACE || data[from + at] === TAB) at += 1;
    if (from + at === data.length) return undefined;
    if (data[from + at] === COLON) return true;
  }
  return false;
}

/** Compares with a character of a name, without regard to case. */
function isLetter(byte: number, lower: number): boolean {
  return byte === lower || (lower >= 97 && byte === lower - 32);
}
