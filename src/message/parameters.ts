/**
 * Values with parameters: Content-Type (RFC 2045 5.1) and Content-Disposition (RFC 2183), as senders write them.
 *
 * Parameters exist twice. Raw, as they stand, for BODYSTRUCTURE: IMAP clients decode RFC 2231 and encoded words themselves (every
 * server has always sent them so), and anything else would have to be 8-bit text, which older clients can't read. Decoded, for us.
 */
import { decodeText, rawText } from './charsets.ts';
import { decodeWords } from './encoded-words.ts';

/** Name in lower case, value without quoting. */
export type Parameter = readonly [name: string, value: string];

export interface ValueWithParameters {
  /** What stands before the first semicolon, without comments, trimmed, lower case. */
  readonly value: string;
  /** As they stand: RFC 2231 not decoded, one character a byte. */
  readonly raw: readonly Parameter[];
}

/** More than any sender needs. */
const MAX_PARAMETERS = 100;

const BLANK = ' \t\r\n';

/** Reads an unfolded value with its parameters. Lenient: what is broken is left out, an unquoted value may hold blanks. */
export function readParameters(field: string): ValueWithParameters {
  const end = field.indexOf(';');
  const value = withoutComments(end < 0 ? field : field.slice(0, end))
    .trim()
    .toLowerCase();
  if (end < 0) return { value, raw: [] };

  const raw: Parameter[] = [];
  let at = end;
  while (at < field.length && raw.length < MAX_PARAMETERS) {
    at = skip(field, at, `;${BLANK}`);
    if (field[at] === '(') {
      at = commentEnd(field, at);
      continue;
    }
    let nameEnd = at;
    while (nameEnd < field.length && !'=;'.includes(field[nameEnd]!)) nameEnd++;
    if (field[nameEnd] !== '=') {
      at = nameEnd;
      continue;
    }
    const name = field.slice(at, nameEnd).trim().toLowerCase();
    at = skip(field, nameEnd + 1, BLANK);
    let text: string;
    if (field[at] === '"') {
      const close = quotedEnd(field, at);
      text = unquote(field.slice(at, close));
      at = close;
      while (at < field.length && field[at] !== ';') at = field[at] === '(' ? commentEnd(field, at) : at + 1;
    } else {
      let close = at;
      while (close < field.length && field[close] !== ';' && !opensComment(field, close)) close++;
      text = field.slice(at, close).trimEnd();
      at = close;
    }
    if (name !== '') raw.push([name, text]);
  }
  return { value, raw };
}

/**
 * Parameters with RFC 2231 continuations joined and everything decoded to Unicode; encoded words within values too (against RFC 2047 5,
 * but common). An RFC 2231 value wins over a plain one of the same name. Names are unique.
 */
export function decodeParameters(raw: readonly Parameter[]): readonly Parameter[] {
  if (raw.every(isPlain) && new Set(raw.map(([name]) => name)).size === raw.length) return raw;
  const values = new Map<string, string>();
  const pieces = new Map<string, Map<number, { text: string; extended: boolean }>>();
  for (const [name, value] of raw) {
    const match = /^([^*]+)\*(?:(\d{1,3})(\*)?)?$/.exec(name);
    if (match === null) {
      if (!values.has(name)) values.set(name, decodeWords(value));
      continue;
    }
    const base = match[1]!;
    const index = match[2] === undefined ? 0 : Number(match[2]);
    const extended = match[2] === undefined || match[3] !== undefined;
    const ofName = pieces.get(base) ?? new Map<number, { text: string; extended: boolean }>();
    pieces.set(base, ofName);
    if (!ofName.has(index)) ofName.set(index, { text: value, extended });
  }
  for (const [name, ofName] of pieces) values.set(name, joinPieces(ofName));
  return [...values];
}

/** The value of a (decoded) parameter, or null. */
export function parameter(params: readonly Parameter[] | undefined, name: string): string | null {
  return params?.find(([key]) => key === name)?.[1] ?? null;
}

/** Takes quotes and backslashes off a quoted string (RFC 5322 3.2.4); it may lack its closing quote. */
export function unquote(quoted: string): string {
  const closed = quoted.length > 1 && quoted.endsWith('"');
  const inner = quoted.slice(1, closed ? -1 : undefined);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** Where the quoted string that opens here ends, its closing quote included. */
export function quotedEnd(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return at + 1;
    if (char === '\\') at++;
  }
  return text.length;
}

/** Where the comment that opens here ends (RFC 5322 3.2.2: comments nest), its closing parenthesis included. */
export function commentEnd(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at + 1;
  }
  return text.length;
}

/** The text with comments taken out; quoted strings are left alone. */
export function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let result = '';
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '(') {
      at = commentEnd(text, at);
      result += ' ';
    } else if (char === '"') {
      const end = quotedEnd(text, at);
      result += text.slice(at, end);
      at = end;
    } else {
      result += char;
      at++;
    }
  }
  return result;
}

/** RFC 2231 3 and 4: pieces in order from 0; the charset stands in the first; each piece says whether it is percent-encoded. */
function joinPieces(pieces: ReadonlyMap<number, { text: string; extended: boolean }>): string {
  let charset = '';
  let bytes = '';
  for (let index = 0; pieces.has(index); index++) {
    let { text, extended } = pieces.get(index)!;
    if (index === 0 && extended) {
      const match = /^([^']*)'[^']*'([\s\S]*)$/.exec(text);
      if (match !== null) {
        charset = match[1]!;
        text = match[2]!;
      }
    }
    bytes += extended ? percentDecoded(text) : text;
  }
  return charset === '' ? decodeWords(bytes) : decodeText(Buffer.from(bytes, 'latin1'), charset);
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function isPlain([name, value]: Parameter): boolean {
  return !name.includes('*') && !value.includes('=?') && rawText(value) === value;
}

function skip(text: string, from: number, chars: string): number {
  let at = from;
  while (at < text.length && chars.includes(text[at]!)) at++;
  return at;
}

/** A parenthesis begins a comment after a blank only: file names may hold one. */
function opensComment(text: string, at: number): boolean {
  return text[at] === '(' && BLANK.includes(text[at - 1]!);
}
