/**
 * Content-Transfer-Encodings decoded as a stream (RFC 2045 6), leniently: rubbish is skipped or kept, never refused. What comes out
 * doesn't depend on how the input was cut; what is kept between pieces is less than a line.
 */

export interface TransferDecoder {
  /** The next decoded bytes; may be empty. */
  push(chunk: Buffer): Buffer;
  /** What was still held at the end. */
  finish(): Buffer;
}

const NOTHING = Buffer.alloc(0);

const DECODERS: ReadonlyMap<string, () => TransferDecoder> = new Map<string, () => TransferDecoder>([
  ['base64', () => new Base64Decoder()],
  ['quoted-printable', () => new QuotedPrintableDecoder()],
  ['x-uuencode', () => new UuDecoder()],
  ['x-uue', () => new UuDecoder()],
  ['uuencode', () => new UuDecoder()],
]);

const IDENTITY: TransferDecoder = { push: (chunk) => chunk, finish: () => NOTHING };

/** True when the encoding changes the bytes in a way we know. */
export function isEncoded(encoding: string): boolean {
  return DECODERS.has(encoding);
}

/** A decoder for this (lower case) encoding, or null when nobody knows it (RFC 9051 6.4.5 UNKNOWN-CTE). */
export function decodeTransfer(encoding: string): TransferDecoder | null {
  if (encoding === '7bit' || encoding === '8bit' || encoding === 'binary' || encoding === '') return IDENTITY;
  return DECODERS.get(encoding)?.() ?? null;
}

/** Decodes a whole; an unknown encoding leaves the bytes as they are. */
export function decodedTransfer(bytes: Buffer, encoding: string): Buffer {
  const decoder = decodeTransfer(encoding);
  if (decoder === null || decoder === IDENTITY) return bytes;
  const first = decoder.push(bytes);
  const last = decoder.finish();
  return last.length === 0 ? first : Buffer.concat([first, last]);
}

/** RFC 2045 6.8. Characters outside the alphabet are skipped; padding ends a run, after which another may follow. */
class Base64Decoder implements TransferDecoder {
  /** Up to three characters that wait for the rest of their group. */
  #held = '';

  push(chunk: Buffer): Buffer {
    const runs = (this.#held + chunk.toString('latin1').replace(/[^A-Za-z0-9+/=]+/g, '')).split(/=+/);
    const last = runs.pop()!;
    const whole = last.length - (last.length % 4);
    this.#held = last.slice(whole);
    const decoded = Buffer.from(last.slice(0, whole), 'base64');
    return runs.length === 0 ? decoded : Buffer.concat([...runs.map((run) => Buffer.from(run, 'base64')), decoded]);
  }

  finish(): Buffer {
    return Buffer.from(this.#held, 'base64');
  }
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const EQUALS = 61;

/** A line of quoted-printable is at most 76 characters long; blanks beyond this many are text. */
const MAX_BLANKS = 998;

/** RFC 2045 6.7. Blanks at the end of a line go (rule 3); a broken escape stays as it is. */
class QuotedPrintableDecoder implements TransferDecoder {
  /** What is held, as it came: nothing, blanks, or an escape that is not complete. */
  #state: 'text' | 'blanks' | 'blanks-cr' | 'escape' | 'escape-hex' | 'escape-blanks' | 'escape-cr' = 'text';
  #held: number[] = [];
  #out: Buffer = NOTHING;
  #length = 0;

  push(chunk: Buffer): Buffer {
    this.#out = Buffer.allocUnsafe(this.#held.length + chunk.length);
    this.#length = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]!;
      if (this.#state === 'text' && byte !== EQUALS && byte !== SPACE && byte !== TAB) this.#out[this.#length++] = byte;
      else this.#step(byte);
    }
    return this.#out.subarray(0, this.#length);
  }

  finish(): Buffer {
    return this.#state === 'escape-hex' || this.#state === 'blanks-cr' ? Buffer.from(this.#held) : NOTHING;
  }

  #step(byte: number): void {
    if (this.#continues(byte)) return;
    this.#release();
    if (byte === EQUALS) this.#hold('escape', byte);
    else if (isBlank(byte)) this.#hold('blanks', byte);
    else this.#out[this.#length++] = byte;
  }

  /** True when the byte belongs to what is held, and has been dealt with. */
  #continues(byte: number): boolean {
    switch (this.#state) {
      case 'text':
        return false;
      case 'blanks':
      case 'blanks-cr':
        if (byte === LF) this.#held = this.#state === 'blanks' ? [] : [CR]; // Rule 3
        if (this.#state === 'blanks' && isBlank(byte)) return this.#hold('blanks', byte);
        return this.#state === 'blanks' && byte === CR && this.#hold('blanks-cr', byte);
      case 'escape-hex':
        if (hexValue(byte) < 0) return false;
        this.#out[this.#length++] = hexValue(this.#held[1]!) * 16 + hexValue(byte);
        return this.#drop();
      default:
        if (byte === LF) return this.#drop(); // Rule 5: a soft line break
        if (this.#state === 'escape-cr') return false;
        if (this.#state === 'escape' && hexValue(byte) >= 0) return this.#hold('escape-hex', byte);
        if (isBlank(byte)) return this.#hold('escape-blanks', byte);
        return byte === CR && this.#hold('escape-cr', byte);
    }
  }

  #hold(state: 'blanks' | 'blanks-cr' | 'escape' | 'escape-hex' | 'escape-blanks' | 'escape-cr', byte: number): true {
    this.#state = state;
    this.#held.push(byte);
    if (this.#held.length > MAX_BLANKS) this.#release();
    return true;
  }

  /** What was held is text after all. */
  #release(): void {
    for (const byte of this.#held) this.#out[this.#length++] = byte;
    this.#drop();
  }

  /** What was held stands for nothing (more). */
  #drop(): true {
    this.#held = [];
    this.#state = 'text';
    return true;
  }
}

/** Longer than any line of uuencoded data (61 characters). */
const MAX_UU_LINE = 200;

/** The lines between `begin` and `end`, as uuencode writes them (POSIX); each begins with its length. */
class UuDecoder implements TransferDecoder {
  #line = '';
  #inside = false;

  push(chunk: Buffer): Buffer {
    const lines = chunk.toString('latin1').split('\n');
    const rest = lines.pop()!;
    const decoded: Buffer[] = [];
    for (const line of lines) {
      decoded.push(this.#decode(this.#line + line));
      this.#line = '';
    }
    this.#line = (this.#line + rest).slice(0, MAX_UU_LINE);
    return Buffer.concat(decoded);
  }

  finish(): Buffer {
    return this.#decode(this.#line);
  }

  #decode(whole: string): Buffer {
    const line = whole.slice(0, MAX_UU_LINE).trimEnd();
    if (!this.#inside) {
      this.#inside = /^begin [0-7]{3,4} /.test(line);
      return NOTHING;
    }
    if (line === 'end') {
      this.#inside = false;
      return NOTHING;
    }
    const length = line === '' ? 0 : uuValue(line, 0);
    const bytes = Buffer.alloc(length);
    for (let group = 0; group * 3 < length; group++) {
      const at = 1 + group * 4;
      const bits =
        (uuValue(line, at) << 18) |
        (uuValue(line, at + 1) << 12) |
        (uuValue(line, at + 2) << 6) |
        uuValue(line, at + 3);
      for (let index = 0; index < 3 && group * 3 + index < length; index++) {
        bytes[group * 3 + index] = (bits >> (16 - 8 * index)) & 255;
      }
    }
    return bytes;
  }
}

/** Six bits; blanks at the end of a line may have been lost: they count as zero. */
function uuValue(line: string, at: number): number {
  return at < line.length ? (line.charCodeAt(at) - SPACE) & 63 : 0;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** -1 when it is no hexadecimal digit. Lower case is forgiven. */
function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 65 && byte <= 70) return byte - 55;
  return byte >= 97 && byte <= 102 ? byte - 87 : -1;
}
