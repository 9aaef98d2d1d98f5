/**
 * Watches the header of a message go by, in chunks of any size that never cut a CRLF: how often the message was received
 * already (RFC 5321 6.3) and where (RFC 9228), whether it has what a submission server must add (RFC 6409 8), whether it comes from a mailing list,
 * whether its sender waives TLS (RFC 8689 3) or says how important it is, and where the header ends.
 */
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const LOWER_A = 97;
const LOWER_E = 101;
const TO_UPPER = 32;
/** Beyond, a message is none that anybody forwards. */
const MOST_DELIVERED = 100;
/** Bytes of an address as it stands there: a path (RFC 5321 4.5.3.1.3), and room for white space. */
const MOST_VALUE = 320;
/** What is looked for, by its first letter; of those with a D `date`, until the second letter says otherwise. */
const FIELDS: ReadonlyMap<number, string> = new Map(
  ['received', 'date', 'from', 'message-id', 'list-id', 'tls-required', 'importance', 'x-priority'].flatMap((name) => [
    [name.charCodeAt(0), name],
    [name.charCodeAt(0) - TO_UPPER, name],
  ]),
);

export class HeaderScan {
  received = 0;
  hasDate = false;
  hasMessageId = false;
  hasFrom = false;
  /** It has a List-Id (RFC 2919). */
  fromList = false;
  /** It says so: Importance, as of X.400, or X-Priority from 1 to 5, where 3 is usual. The first that is not usual counts. */
  importance: 'high' | 'low' | undefined;
  /** It says `TLS-Required: No`. */
  waivesTls = false;
  /** The values of its Delivered-To fields, as far as they stand on one line. */
  readonly deliveredTo: string[] = [];
  /** The blank line was seen; nothing after it is looked at. */
  ended = false;

  /** The field the current line may still be, and how much of its name was seen. */
  #name = '';
  #column = 0;
  /** The rest of the line does not matter. */
  #skipping = false;
  /** What there is of the value that is being read, one character a byte; null: none is. */
  #value: string | null = null;

  /** Still in the header, and all lines so far are whole. */
  get atLineStart(): boolean {
    return !this.ended && !this.#skipping && this.#column === 0;
  }

  /** Takes the next bytes. @returns where the blank line begins in them, or -1 */
  push(data: Buffer): number {
    if (this.ended) return -1;
    for (let at = 0; at < data.length; at += 1) {
      const byte = data[at]!;
      if (this.#value !== null) {
        at = this.#read(data, at);
      } else if (this.#skipping) {
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
    if (this.#column === 0) this.#name = FIELDS.get(byte) ?? '';
    if (this.#column === 1 && this.#name === 'date' && isLetter(byte, LOWER_E)) this.#name = 'delivered-to';
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
    else if (this.#name === 'message-id') this.hasMessageId = true;
    else if (this.#name === 'list-id') this.fromList = true;
    else if (this.#name !== 'delivered-to' || this.deliveredTo.length < MOST_DELIVERED) this.#value = '';
  }

  /** Takes what there is of the value that begins, or goes on, here. @returns the place of its last byte */
  #read(data: Buffer, from: number): number {
    const end = data.indexOf(LF, from);
    const value =
      this.#value! + data.toString('latin1', from, Math.min(end === -1 ? data.length : end, from + MOST_VALUE));
    this.#value = value.slice(0, MOST_VALUE);
    if (end === -1) return data.length - 1;
    const text = Buffer.from(this.#value, 'latin1').toString().trim();
    if (this.#name === 'delivered-to') this.deliveredTo.push(text);
    else if (this.#name === 'tls-required')
      this.waivesTls ||= text.toLowerCase() === 'no'; // its only value
    else this.importance ??= importanceOf(text);
    this.#value = null;
    this.#skipping = false;
    this.#column = 0;
    return end;
  }
}

/** `High` and `low`; `1 (Highest)` to `5 (Lowest)`. Undefined: as usual. */
function importanceOf(text: string): 'high' | 'low' | undefined {
  const [word = ''] = /^[a-z0-9]*/i.exec(text) ?? [];
  if (/^(?:high|1|2)$/i.test(word)) return 'high';
  return /^(?:low|4|5)$/i.test(word) ? 'low' : undefined;
}

/** Compares with a character of a name, without regard to case. */
function isLetter(byte: number, lower: number): boolean {
  return byte === lower || (lower >= LOWER_A && byte === lower - TO_UPPER);
}
