/**
 * Text from bytes. TextDecoder (the Encoding Standard: what browsers and mail clients do) first, iconv-lite for what it lacks
 * (UTF-7, code pages), and for labels nobody knows the bytes as UTF-8 if they are that, else as windows-1252: something to read
 * rather than nothing.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/** Decodes text that comes in pieces. */
export interface TextReader {
  push(bytes: Uint8Array): string;
  finish(): string;
}

/** Labels seen in mail that neither library knows by this name. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
  ['cp-850', 'cp850'],
  ['utf8mb4', 'utf-8'],
  ['unicode-1-1-utf-7', 'utf-7'], // RFC 2152
  ['x-utf-7', 'utf-7'],
  ['iso-8859-8-e', 'iso-8859-8'],
  ['koi8-ru', 'koi8-u'],
]);

/** Bounded: labels come from strangers. */
const MAX_LABEL = 60;
const MAX_DECODERS = 60;
const decoders = new Map<string, TextDecoder>();

/** True when text in this charset can be decoded (RFC 9051 6.4.4: else BADCHARSET). */
export function isKnownCharset(charset: string): boolean {
  const label = normalise(charset);
  return isAsciiLabel(label) || webDecoder(label) !== undefined || iconvKnows(label);
}

/** Decodes bytes; never fails. An empty or unknown charset means: UTF-8 if the bytes are that, else windows-1252. */
export function decodeText(bytes: Uint8Array, charset: string): string {
  const label = normalise(charset);
  if (!isAsciiLabel(label)) {
    const decoder = webDecoder(label);
    if (decoder !== undefined) return decoder.decode(bytes);
    if (iconvKnows(label)) return iconv.decode(Buffer.from(bytes), label);
  }
  return guessText(bytes);
}

/** Decodes text in pieces; the same text as {@link decodeText} gives for the whole, except that UTF-8 is assumed where that guesses. */
export function textReader(charset: string): TextReader {
  const label = normalise(charset);
  if (webDecoder(label) === undefined && !isAsciiLabel(label) && iconvKnows(label)) {
    return label === 'utf-7' ? new Utf7Reader() : iconvReader(label);
  }
  const decoder = new TextDecoder(webDecoder(label) !== undefined && !isAsciiLabel(label) ? label : 'utf-8');
  return { push: (bytes) => decoder.decode(bytes, { stream: true }), finish: () => decoder.decode() };
}

function iconvReader(label: string): TextReader {
  const decoder = iconv.getDecoder(label);
  return { push: (bytes) => decoder.write(Buffer.from(bytes)), finish: () => decoder.end() ?? '' };
}

const LF = 10;
/** A line of UTF-7 longer than this is cut where it stands. */
const MAX_UTF7_LINE = 64 * 1024;

/** iconv-lite misreads a shifted sequence (RFC 2152) that is cut in two; none goes beyond a line end, so it gets whole lines. */
class Utf7Reader implements TextReader {
  #held: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): string {
    const all = Buffer.concat([this.#held, bytes]);
    const end = all.length > MAX_UTF7_LINE ? all.length : all.lastIndexOf(LF) + 1;
    this.#held = all.subarray(end);
    return iconv.decode(all.subarray(0, end), 'utf-7');
  }

  finish(): string {
    return iconv.decode(this.#held, 'utf-7');
  }
}

/** Text of unknown charset: UTF-8 if it is that, else windows-1252. */
function guessText(bytes: Uint8Array): string {
  if (isAscii(bytes)) return asBuffer(bytes).toString('latin1');
  return isUtf8(bytes) ? asBuffer(bytes).toString('utf8') : decodeText(bytes, 'windows-1252');
}

/** A header's raw text (one character a byte) as people read it: UTF-8 (RFC 6532), else windows-1252. */
export function rawText(raw: string): string {
  return /[\x80-\xff]/.test(raw) ? guessText(Buffer.from(raw, 'latin1')) : raw;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function normalise(charset: string): string {
  const label = charset.trim().toLowerCase().slice(0, MAX_LABEL);
  return ALIASES.get(label) ?? label;
}

/** Text labelled US-ASCII that has 8-bit bytes is mislabelled: its real charset is guessed. */
function isAsciiLabel(label: string): boolean {
  return label === '' || label === 'us-ascii' || label === 'ascii' || label === 'ansi_x3.4-1968';
}

/** iconv-lite counts some encodings of bytes as text among its charsets. */
function iconvKnows(label: string): boolean {
  return iconv.encodingExists(label) && !/^\W*(?:base64|hex|binary|internal)\W*$/.test(label);
}

function webDecoder(label: string): TextDecoder | undefined {
  if (label.startsWith('utf-16') || label.startsWith('utf-32')) return undefined; // RFC 2781 4.3: the byte order mark decides; iconv-lite heeds it
  const known = decoders.get(label);
  if (known !== undefined) return known;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(label);
  } catch {
    return undefined; // The only way to learn that a label is unknown: RangeError.
  }
  if (decoders.size < MAX_DECODERS) decoders.set(label, decoder);
  return decoder;
}
