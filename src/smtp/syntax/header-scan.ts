/**
 * Watches the header of a message go by, in chunks of any size that never cut a CRLF: how often the message was received
 * already (RFC 5321 6.3), whether it has what a submission server must add (RFC 6409 8), and where the header ends.
 */
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const LOWER_A = 97;
const TO_UPPER = 32;

export class HeaderScan {
  received = 0;
  hasDate = false;
  hasMessageId = false;
  hasFrom = false;
  /** The blank line was seen; nothing after it is looked at. */
  ended = false;

  /** The field the current line may still be, and how much of its name was seen. */
  #name = '';
  #column = 0;
  /** The rest of the line does not matter. */
  #skipping = false;

  /** Still in the header, and all lines so far are whole. */
  get atLineStart(): boolean {
    return !this.ended && !this.#skipping && this.#column === 0;
  }

  /** Takes the next bytes. @returns where the blank line begins in them, or -1 */
  push(data: Buffer): number {
    if (this.ended) return -1;
    for (let at = 0; at < data.length; at += 1) {
      const byte = data[at]!;
      if (this.#skipping) {
        const end = data.indexOf(LF, at);
        if (end === -1) return -1;
        at = end;
        this.#skipping = false;
        this.#column = 0;
      } else if (this.#column === 0 && byte === CR) {
        this.ended = true;
        return at;
      } else {
        this.#skipping = !this.#isField(byte);
      }
    }
    return -1;
  }

  /** True while the line goes on to be one of the fields; counts it once its name is whole. */
  #isField(byte: number): boolean {
    if (this.#column === 0) this.#name = nameFrom(byte);
    const column = this.#column++;
    if (column < this.#name.length) return isLetter(byte, this.#name.charCodeAt(column));
    if (this.#name === '') return false;
    if (byte === COLON) this.#count();
    return byte === SPACE || byte === TAB; // RFC 5322 4.5: white space may stand before the colon
  }

  #count(): void {
    if (this.#name === 'received') this.received += 1;
    else if (this.#name === 'date') this.hasDate = true;
    else if (this.#name === 'from') this.hasFrom = true;
    else this.hasMessageId = true;
  }
}

/** The one field looked for whose name begins with this byte. */
function nameFrom(byte: number): string {
  switch (String.fromCharCode(byte)) {
    case 'r':
    case 'R':
      return 'received';
    case 'd':
    case 'D':
      return 'date';
    case 'f':
    case 'F':
      return 'from';
    case 'm':
    case 'M':
      return 'message-id';
    default:
      return '';
  }
}

/** Compares with a character of a name, without regard to case. */
function isLetter(byte: number, lower: number): boolean {
  return byte === lower || (lower >= LOWER_A && byte === lower - TO_UPPER);
}
