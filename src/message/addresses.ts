/**
 * Address lists (RFC 5322 3.4) with the obsolete syntax of 4.4 and what senders really write: comments as names, routes, groups,
 * dots in names, raw 8-bit text, missing domains. Text is one character a byte; encoded words stay as they are.
 *
 * Nothing is refused: what can't be understood becomes the best guess at an address, and reading is linear in the text.
 */
import { commentEnd, quotedEnd, unquote } from './parameters.ts';

export interface MailboxAddress {
  readonly kind: 'mailbox';
  /** The name without quoting, encoded words as they stand; from a comment when there is no other; or null. */
  readonly name: string | null;
  /** The obsolete source route `@a,@b` (RFC 5322 4.4), or null. */
  readonly route: string | null;
  /** Without quoting. */
  readonly local: string;
  /** Empty when missing. */
  readonly domain: string;
}

export interface GroupAddress {
  readonly kind: 'group';
  readonly name: string;
  readonly members: readonly MailboxAddress[];
}

export type Address = MailboxAddress | GroupAddress;

/** Reads the addresses of an unfolded field. */
export function readAddresses(text: string): Address[] {
  return new AddressReader(text).list();
}

/** All mailboxes, those in groups included. */
export function mailboxesOf(addresses: readonly Address[]): MailboxAddress[] {
  return addresses.flatMap((address) => (address.kind === 'group' ? address.members : [address]));
}

/** What stands after the last `@` of an address; all of it where there is none. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const OPEN = 40;
const CLOSE = 41;
const COMMA = 44;
const COLON = 58;
const SEMICOLON = 59;
const LESS = 60;
const EQUALS = 61;
const GREATER = 62;
const AT = 64;
const OPEN_SQUARE = 91;

/** Ends of text read as one word: blanks and the specials that mean something in a list. */
const STOPS: readonly boolean[] = Array.from({ length: 256 }, (_, code) =>
  [TAB, LF, CR, SPACE, QUOTE, OPEN, CLOSE, COMMA, COLON, SEMICOLON, LESS, GREATER, AT].includes(code),
);

/** An encoded word may hold specials, against RFC 2047 5 (3). */
const ENCODED_WORD = /=\?[^?\s]{1,60}\?[bq]\?[^?\s]*\?=/iy;

class AddressReader {
  readonly #text: string;
  #at = 0;
  /** The last comment since the address began. */
  #comment: string | null = null;
  /** The end of the last words, if they turn out to be a local part: blanks are skipped only beside a dot (RFC 5322 4.4). */
  #local = '';
  /** Blanks or a comment stood before what comes next. */
  #spaced = false;

  constructor(text: string) {
    this.#text = text;
  }

  list(): Address[] {
    const addresses: Address[] = [];
    while (this.#at < this.#text.length) {
      this.#comment = null;
      const phrase = this.#words(' ');
      if (this.#next() === COLON) {
        this.#at++;
        addresses.push({ kind: 'group', name: phrase ?? '', members: this.#members() });
      } else {
        const address = this.#mailbox(phrase);
        if (address !== null) addresses.push(address);
      }
      if (!this.#isAtAddress()) this.#at++; // The comma; a stray semicolon
    }
    return addresses;
  }

  /** What stands between the colon of a group and its semicolon. */
  #members(): MailboxAddress[] {
    const members: MailboxAddress[] = [];
    while (this.#at < this.#text.length && this.#next() !== SEMICOLON) {
      this.#comment = null;
      const phrase = this.#words(' ');
      if (this.#next() === COLON) {
        this.#at++; // A group within a group is none
        continue;
      }
      const member = this.#mailbox(phrase);
      if (member !== null) members.push(member);
      if (this.#next() === COMMA) this.#at++;
    }
    this.#at++; // The semicolon
    this.#skipRest();
    return members;
  }

  /** The mailbox that goes on after this phrase, or null for an empty place (RFC 5322 4.4). Stops before a comma, a semicolon or the end. */
  #mailbox(phrase: string | null): MailboxAddress | null {
    let address: MailboxAddress | null = null;
    if (this.#next() === LESS) address = this.#angle(phrase);
    else if (this.#next() === AT) {
      const local = this.#local;
      this.#at++;
      const domain = this.#domain();
      // `a@b <a@b>`: an address as the name, unquoted
      if (this.#next() === LESS) address = this.#angle(`${phrase ?? ''}@${domain}`);
      else address = { kind: 'mailbox', name: this.#named(null), route: null, local, domain };
    } else if (phrase !== null) {
      address = { kind: 'mailbox', name: this.#named(null), route: null, local: phrase, domain: '' };
    }
    this.#skipRest();
    // The comment may stand after the address: `a@b (Name)`
    return address === null || address.name !== null || this.#comment === null
      ? address
      : { ...address, name: this.#named(null) };
  }

  /** `<` [route `:`] local `@` domain `>` */
  #angle(phrase: string | null): MailboxAddress | null {
    this.#at++;
    let route: string | null = null;
    let local = this.#words('');
    if (local === null && this.#next() === AT) {
      route = this.#route();
      local = this.#words('');
    }
    let domain = '';
    if (this.#next() === AT) {
      this.#at++;
      domain = this.#domain();
    }
    while (this.#at < this.#text.length && ![GREATER, COMMA, AT].includes(this.#next())) this.#at++;
    if (this.#next() === GREATER) this.#at++;
    if (phrase === null && local === null && domain === '') return null;
    return { kind: 'mailbox', name: this.#named(phrase), route, local: local ?? '', domain };
  }

  #named(phrase: string | null): string | null {
    return phrase || this.#comment || null;
  }

  /** RFC 5322 4.4 obs-route: `@a,@b:` */
  #route(): string | null {
    const hops: string[] = [];
    while (this.#next() === AT || this.#next() === COMMA) {
      const separator = this.#next();
      this.#at++;
      if (separator === AT) hops.push(`@${this.#domain()}`);
      else this.#blanks();
    }
    if (this.#next() === COLON) this.#at++;
    return hops.length === 0 ? null : hops.join(',');
  }

  /** A domain or a domain literal, blanks and comments left out (RFC 5322 4.4 obs-domain). */
  #domain(): string {
    this.#blanks();
    if (this.#next() !== OPEN_SQUARE) return this.#words('') ?? '';
    const close = this.#text.indexOf(']', this.#at);
    const end = close < 0 ? this.#text.length : close + 1;
    const literal = this.#text.slice(this.#at, end);
    this.#at = end;
    this.#blanks();
    return literal;
  }

  /** Words up to a special, with `blank` where blanks or comments stood between them; null when there are none. */
  #words(blank: ' ' | ''): string | null {
    let words: string | null = null;
    this.#local = '';
    let dotted = false;
    for (;;) {
      this.#blanks();
      const spaced = this.#spaced;
      const word = this.#word();
      if (word === null) return words;
      words = words === null ? word : words + (spaced ? blank : '') + word;
      const apart = spaced && !dotted && !word.startsWith('.');
      this.#local = apart ? word : this.#local + word;
      dotted = word.endsWith('.');
    }
  }

  #word(): string | null {
    const from = this.#at;
    const code = this.#next();
    if (code === QUOTE) {
      this.#at = quotedEnd(this.#text, from);
      return unquote(this.#text.slice(from, this.#at));
    }
    if (code === EQUALS) {
      ENCODED_WORD.lastIndex = from;
      if (ENCODED_WORD.test(this.#text)) {
        this.#at = ENCODED_WORD.lastIndex;
        return this.#text.slice(from, this.#at);
      }
    }
    while (this.#at < this.#text.length && STOPS[this.#next()] !== true) this.#at++;
    return this.#at === from ? null : this.#text.slice(from, this.#at);
  }

  /** Skips blanks and comments (RFC 5322 3.2.2 CFWS) and stray closing parentheses, remembering the last comment. */
  #blanks(): void {
    const from = this.#at;
    for (;;) {
      const code = this.#next();
      if (code === OPEN) {
        const end = commentEnd(this.#text, this.#at);
        this.#comment = this.#text
          .slice(this.#at + 1, end - 1)
          .replace(/\\([\s\S])/g, '$1')
          .trim();
        this.#at = end;
      } else if (code === SPACE || code === TAB || code === CR || code === LF || code === CLOSE) this.#at++;
      else break;
    }
    this.#spaced = this.#at > from;
  }

  /** Skips what may follow an address, up to the next comma or semicolon; or up to another address without one before it, which somebody might see. */
  #skipRest(): void {
    let word = this.#at;
    for (;;) {
      this.#blanks();
      const code = this.#next();
      if (code === AT) this.#at = word; // with what stands before it
      if (Number.isNaN(code) || code === COMMA || code === SEMICOLON || code === LESS || code === AT) return;
      word = this.#at;
      if (this.#word() === null) word = ++this.#at;
    }
  }

  #isAtAddress(): boolean {
    const code = this.#next();
    return !Number.isNaN(code) && code !== COMMA && code !== SEMICOLON;
  }

  /** NaN at the end. */
  #next(): number {
    return this.#text.charCodeAt(this.#at);
  }
}
