/**
 * Header blocks (RFC 5322 2.2), as strings of one character a byte (latin1), so that nothing is lost whatever their bytes.
 *
 * Reading is lenient and linear: a line that is no field (an mbox `From ` line, rubbish) is kept in its place without a name.
 */
import { decodeWords } from './encoded-words.ts';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const DELETE = 127;

/** The fields of one header block in order. Names are lower case; values are sliced only when they are asked for. */
export class Header {
  readonly #block: string;
  /** Lower case; empty for lines that are no field. */
  readonly #names: string[] = [];
  readonly #starts: number[] = [];
  readonly #colons: number[] = [];
  /** Where the blank line stands, or the block's length when there is none. */
  readonly #blank: number;

  /**
   * @param block from the first field on, with or without its blank line
   * @param most  fields that are read; what follows them counts as part of the last
   */
  constructor(block: string, most = Number.POSITIVE_INFINITY) {
    this.#block = block;
    let at = 0;
    while (at < block.length && !isLineEnd(block, at) && this.#names.length < most) {
      const colon = colonOf(block, at);
      this.#names.push(colon < 0 ? '' : block.slice(at, nameEnd(block, at)).toLowerCase());
      this.#starts.push(at);
      this.#colons.push(colon);
      at = nextLine(block, at);
      while (isBlankChar(block.charCodeAt(at))) at = nextLine(block, at); // RFC 5322 2.2.3: folded
    }
    this.#blank = at;
  }

  /** How many fields, lines that are no field included. */
  get length(): number {
    return this.#names.length;
  }

  /** Lower case; empty for a line that is no field. */
  name(index: number): string {
    return this.#names[index] ?? '';
  }

  /** The value as it stands, unfolded and trimmed. */
  value(index: number): string {
    const colon = this.#colons[index];
    if (colon === undefined) return '';
    return unfold(this.#block.slice(colon + 1, this.end(index))).trim();
  }

  /** Where the field begins and ends in the block, its line end included. */
  start(index: number): number {
    return this.#starts[index] ?? this.#blank;
  }

  end(index: number): number {
    return this.#starts[index + 1] ?? this.#blank;
  }

  /** Where the blank line stands that ends the block; the block's length when it has none. */
  get blank(): number {
    return this.#blank;
  }

  /** The value of the first field of this (lower case) name, unfolded and trimmed, or null when there is none. */
  first(name: string): string | null {
    const index = this.#names.indexOf(name);
    return index < 0 ? null : this.value(index);
  }

  /** The values of all fields of this name. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let index = this.#names.indexOf(name); index >= 0; index = this.#names.indexOf(name, index + 1)) {
      values.push(this.value(index));
    }
    return values;
  }
}

/** Takes the line ends out of a folded value (RFC 5322 2.2.3). */
function unfold(value: string): string {
  return value.includes('\n') ? value.replace(/\r?\n/g, '') : value;
}

/** A field's value for people: unfolded, encoded words decoded (RFC 2047), 8-bit bytes read as UTF-8 (RFC 6532), no control characters. */
export function decodedHeader(raw: string): string {
  const text = decodeWords(unfold(raw));
  return /[\x00-\x1f\x7f]/.test(text) ? text.replace(/[\x00-\x1f\x7f]+/g, ' ') : text;
}

/**
 * HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 9051 6.4.5.1): the named fields, or all the others, in order and byte for byte. The
 * blank line stays, unless the header never had one. Lines that are no field count among "all the others".
 */
export function filterHeader(header: Buffer, names: readonly string[], not: boolean): Buffer {
  const fields = new Header(header.toString('latin1'));
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const kept: Buffer[] = [];
  for (let index = 0; index < fields.length; index++) {
    if (wanted.has(fields.name(index)) !== not) kept.push(header.subarray(fields.start(index), fields.end(index)));
  }
  kept.push(header.subarray(fields.blank));
  return Buffer.concat(kept);
}

function isBlankChar(code: number): boolean {
  return code === SPACE || code === TAB;
}

function isLineEnd(block: string, at: number): boolean {
  const code = block.charCodeAt(at);
  return code === LF || (code === CR && block.charCodeAt(at + 1) === LF);
}

function nextLine(block: string, at: number): number {
  const end = block.indexOf('\n', at);
  return end < 0 ? block.length : end + 1;
}

/** Where a field name ends: at the first character that can't be in one (RFC 5322 3.6.8). */
function nameEnd(block: string, at: number): number {
  let end = at;
  for (;;) {
    const code = block.charCodeAt(end);
    if (!(code > SPACE && code < DELETE && code !== COLON)) return end;
    end++;
  }
}

/** The colon after the field name that begins here, or -1. Blanks before it are obsolete syntax (RFC 5322 4.5.8). */
function colonOf(block: string, at: number): number {
  const end = nameEnd(block, at);
  if (end === at) return -1;
  let colon = end;
  while (isBlankChar(block.charCodeAt(colon))) colon++;
  return block.charCodeAt(colon) === COLON ? colon : -1;
}
