/**
 * Reads the arguments of one command (RFC 9051 9, RFC 3501 9). Pure: the whole command is here, its literals in place.
 *
 * The text has one character a byte. Each method reads one element where the reader stands and moves behind it, or throws
 * BadCommand with what was expected. Strict in what separates elements, kind in letter case.
 */
import { BadCommand } from '../../errors.ts';
import { type Flags, flagsFrom, MAX_KEYWORDS } from '../../store/flags.ts';
import type { Modseq } from '../../store/ids.ts';
import { mailboxName } from './mailbox-name.ts';
import { type SequenceSet, STAR, type UidSet } from './types.ts';

/** Lists and search keys within each other. */
export const MAX_DEPTH = 50;
/** Ranges of one set. */
const MAX_RANGES = 20_000;
const MAX_KEYWORD_LENGTH = 100;

// ATOM-CHAR is any CHAR but ( ) { SP CTL % * " \ ]; ASTRING-CHAR adds ].
const ATOM = /[^\x00-\x20\x7f-\xff(){%*"\\\]]+/y;
const ASTRING = /[^\x00-\x20\x7f-\xff(){%*"\\]+/y;
// 8-bit is kindly let through in mailbox names: UTF-8 (RFC 6855).
const MAILBOX = /[^\x00-\x20\x7f(){%*"\\]+/y;
// list-char adds the wildcards.
const LIST_MAILBOX = /[^\x00-\x20\x7f(){"\\]+/y;
const WORD = /[A-Za-z][A-Za-z0-9.-]*/y;
// One character at a time: a repetition in a repetition could be matched in endlessly many ways.
const QUOTED = /"((?:[^"\\\r\n\0]|\\["\\])*)"/y;
const LITERAL = /~?\{(\d{1,10})\+?\}\r\n/y;
const DIGITS = /\d{1,20}/y;
const SYSTEM_FLAG = /\\[A-Za-z]+/y;
const SYSTEM_FLAGS = new Set(['\\seen', '\\answered', '\\flagged', '\\deleted', '\\draft', '\\recent']);

const SPACE = 0x20;
const QUOTE = 0x22;
const DOLLAR = 0x24;
const STAR_SIGN = 0x2a;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const TILDE = 0x7e;

export class CommandReader {
  readonly text: string;
  /** Mailbox names are in UTF-8: IMAP4rev2 is enabled. */
  readonly utf8: boolean;
  #at: number;

  constructor(text: string, at = 0, utf8 = false) {
    this.text = text;
    this.utf8 = utf8;
    this.#at = at;
  }

  // ---- structure -----------------------------------------------------------------------------------------------------

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  /** Nothing may follow; white space at the end is forgiven. */
  end(): void {
    while (this.#code() === SPACE) this.#at++;
    if (!this.atEnd) throw this.expected('the end of the command');
  }

  /** One space. @returns this, so that elements read as a sentence */
  space(): this {
    if (this.#code() !== SPACE) throw this.expected('a space');
    this.#at++;
    return this;
  }

  /** The one character, which must stand here. */
  sign(sign: string): this {
    if (!this.skip(sign)) throw this.expected(sign);
    return this;
  }

  /** Moves behind `sign` when it stands here. */
  skip(sign: string): boolean {
    if (!this.text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  /** True when `sign` stands here; moves nothing. */
  sees(sign: string): boolean {
    return this.text.startsWith(sign, this.#at);
  }

  /** True when a digit stands here. */
  seesDigit(): boolean {
    const code = this.#code();
    return code >= 0x30 && code <= 0x39;
  }

  /** True when a set of message numbers begins here. */
  seesSet(): boolean {
    const code = this.#code();
    return code === STAR_SIGN || code === DOLLAR || this.seesDigit();
  }

  /** All that is left. */
  rest(): string {
    const rest = this.text.slice(this.#at);
    this.#at = this.text.length;
    return rest;
  }

  /** Moves behind this word when it stands here, in any case, with no other letter behind it. */
  skipWord(word: string): boolean {
    const end = this.#at + word.length;
    if (this.text.slice(this.#at, end).toUpperCase() !== word) return false;
    if (/^[A-Za-z0-9.]/.test(this.text.charAt(end))) return false;
    this.#at = end;
    return true;
  }

  /** `(element element ...)`, at least one element unless `maybeEmpty`. */
  list<T>(element: (reader: this) => T, maybeEmpty = false): T[] {
    this.sign('(');
    const elements: T[] = [];
    if (maybeEmpty && this.skip(')')) return elements;
    do elements.push(element(this));
    while (this.skip(' '));
    this.sign(')');
    return elements;
  }

  /** The error for what stands here: BadCommand that names what should. */
  expected(what: string): BadCommand {
    return new BadCommand(`expected ${what} at byte ${this.#at + 1}`);
  }

  // ---- words and strings -----------------------------------------------------------------------------------------------

  /** A word of the protocol in upper case: letters, digits, `.` and `-`. */
  word(): string {
    return this.#match(WORD, 'a word').toUpperCase();
  }

  atom(): string {
    return this.#match(ATOM, 'an atom');
  }

  /** Atom or string, as bytes. */
  astring(): string {
    return this.#atString() ? this.string() : this.#match(ASTRING, 'a word or a string');
  }

  /** Quoted or literal, as bytes. */
  string(): string {
    const code = this.#code();
    if (code === QUOTE) return this.#quoted();
    if (code === BRACE || code === TILDE) return this.#literal();
    throw this.expected('a string');
  }

  /** A string, or NIL, which is null. */
  nstring(): string | null {
    return this.#atString() ? this.string() : this.#nil();
  }

  /** A mailbox name, in Unicode. @throws BadCommand for one that is malformed */
  mailbox(): string {
    return mailboxName(this.#atString() ? this.string() : this.#match(MAILBOX, 'a mailbox name'), this.utf8);
  }

  /** The reference of LIST and LSUB, in Unicode; empty allowed. */
  mailboxOrEmpty(): string {
    return this.skip('""') ? '' : this.mailbox();
  }

  /** A mailbox name with wildcards, in bytes as it was sent. */
  listMailbox(): string {
    return this.#atString() ? this.string() : this.#match(LIST_MAILBOX, 'a mailbox pattern');
  }

  // ---- numbers ---------------------------------------------------------------------------------------------------------

  /** 0 to 2^32 - 1. */
  number(): number {
    return this.#number(0xffffffff);
  }

  /** 1 to 2^32 - 1. */
  nzNumber(): number {
    const number = this.number();
    if (number === 0) throw new BadCommand('0 is not allowed here');
    return number;
  }

  /** 0 to 2^63 - 1; what is beyond 2^53 is beyond anything of ours and comes as 2^53 - 1. */
  number64(): number {
    return this.#number(Number.MAX_SAFE_INTEGER, true);
  }

  /** mod-sequence-valzer (RFC 7162 7). */
  modseq(): Modseq {
    return this.number64() as Modseq;
  }

  sequenceSet(): SequenceSet {
    if (this.#code() === DOLLAR) {
      this.#at++;
      return { kind: 'saved' };
    }
    const bounds: number[] = [];
    do {
      if (bounds.length >= 2 * MAX_RANGES) throw new BadCommand('the set has too many ranges');
      const first = this.#setNumber();
      bounds.push(first, this.#skipCode(COLON) ? this.#setNumber() : first);
    } while (this.#skipCode(COMMA));
    return { kind: 'ranges', bounds };
  }

  uidSet(): UidSet {
    return this.sequenceSet();
  }

  // ---- flags -----------------------------------------------------------------------------------------------------------

  /** A flag's name: a system flag or a keyword. `\Recent` is read, and means nothing (RFC 3501 2.3.2). */
  flag(): string {
    if (this.#code() !== BACKSLASH) return this.keyword();
    const name = this.#match(SYSTEM_FLAG, 'a flag');
    if (!SYSTEM_FLAGS.has(name.toLowerCase())) throw new BadCommand(`${name} is not a flag we know`);
    return name;
  }

  /** `\Sent`: a backslash and an atom. */
  attribute(): string {
    return `\\${this.sign('\\').atom()}`;
  }

  keyword(): string {
    const name = this.atom();
    if (name.length > MAX_KEYWORD_LENGTH)
      throw new BadCommand(`a keyword has at most ${MAX_KEYWORD_LENGTH} characters`);
    return name;
  }

  /** `(\Seen $Forwarded)`. */
  flagList(): Flags {
    const flags = flagsFrom(this.list((reader) => reader.flag(), true));
    if (flags.keywords.length > MAX_KEYWORDS) throw new BadCommand(`a message has at most ${MAX_KEYWORDS} keywords`);
    return flags;
  }

  // ---- inside ------------------------------------------------------------------------------------------------------------

  #code(): number {
    return this.#at < this.text.length ? this.text.charCodeAt(this.#at) : -1;
  }

  #skipCode(code: number): boolean {
    if (this.#code() !== code) return false;
    this.#at++;
    return true;
  }

  #atString(): boolean {
    const code = this.#code();
    return code === QUOTE || code === BRACE || (code === TILDE && this.text.charCodeAt(this.#at + 1) === BRACE);
  }

  /** What the sticky pattern matches here. */
  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found === null) throw this.expected(what);
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #quoted(): string {
    QUOTED.lastIndex = this.#at;
    const found = QUOTED.exec(this.text);
    if (found === null) throw this.expected('a quoted string');
    this.#at = QUOTED.lastIndex;
    const inner = found[1]!;
    return inner.includes('\\') ? inner.replace(/\\(.)/g, '$1') : inner;
  }

  #literal(): string {
    LITERAL.lastIndex = this.#at;
    const found = LITERAL.exec(this.text);
    if (found === null) throw this.expected('a literal');
    const from = LITERAL.lastIndex;
    const end = from + Number(found[1]);
    if (end > this.text.length) throw this.expected('the whole of a literal');
    this.#at = end;
    const bytes = this.text.slice(from, end);
    if (bytes.includes('\0')) throw new BadCommand('a string has no NUL'); // RFC 9051 9, CHAR8
    return bytes;
  }

  #nil(): null {
    if (!this.skipWord('NIL')) throw this.expected('a string or NIL');
    return null;
  }

  #number(most: number, cut = false): number {
    const digits = this.#match(DIGITS, 'a number');
    const number = Number(digits);
    if (number <= most) return number;
    if (cut && BigInt(digits) < 2n ** 63n) return most;
    throw new BadCommand(`${digits} is too large a number`);
  }

  /** seq-number: by hand, since sets may be long. */
  #setNumber(): number {
    if (this.#skipCode(STAR_SIGN)) return STAR;
    const { text } = this;
    let at = this.#at;
    let number = 0;
    for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48) {
      number = number * 10 + digit;
      if (number > 0xffffffff) throw new BadCommand('a message number is below 4294967296');
    }
    if (number === 0) throw this.expected('a message number from 1');
    this.#at = at;
    return number;
  }
}
