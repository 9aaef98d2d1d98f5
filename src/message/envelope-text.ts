/** An ENVELOPE in IMAP syntax, as rows keep it (envelope.ts makes it), read again: whom a message is from and to. */
import { imapString } from './imap-string.ts';

type Value = string | null | Value[];

/** The lists of addresses, by their place in an ENVELOPE (RFC 9051 7.5.2). */
const PLACES = { from: 2, sender: 3, to: 5, cc: 6, bcc: 7 } as const;
type List = keyof typeof PLACES;

/** What stands before and after the `@`, in Unicode, without quotes. */
export interface NamedMailbox {
  readonly local: string;
  readonly domain: string;
}

/** The mailboxes of one list; groups by their members. A Sender that is missing is From (RFC 9051 7.5.2). */
export function mailboxesIn(envelope: string, list: List): NamedMailbox[] {
  const value = valueAt(envelope, PLACES[list]);
  if (!Array.isArray(value)) return [];
  return value.flatMap((address) => {
    const [, , local, domain] = Array.isArray(address) ? address : [];
    // A NIL domain begins or ends a group.
    return typeof local === 'string' && typeof domain === 'string'
      ? [{ local: unicode(local), domain: unicode(domain) }]
      : [];
  });
}

/** Addresses of one list, `local@domain` in lower case; groups by their members. */
export function addressesIn(envelope: string, list: List): string[] {
  return mailboxesIn(envelope, list).map(({ local, domain }) => `${local}@${domain}`.toLowerCase());
}

/** Envelopes have one character a byte. */
function unicode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const BCC = 'Bcc: ';
const BETWEEN = ',\r\n ';

/** The line that tells the sender of a message, and nobody else, whom the header hides: a prefix of their own copy. */
export function bccLine(addresses: readonly string[]): Buffer {
  return Buffer.from(addresses.length === 0 ? '' : `${BCC}${addresses.join(BETWEEN)}\r\n`);
}

/** The envelope of a message behind its prefix: that of its body, and who is named by the prefix ({@link bccLine}). */
export function envelopeBehind(prefix: Uint8Array, envelope: string): string {
  if (prefix[0] !== BCC.charCodeAt(0)) return envelope;
  const line = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('utf8').trimEnd();
  return line.startsWith(BCC) ? withBcc(envelope, line.slice(BCC.length).split(BETWEEN)) : envelope;
}

/** The same envelope with these addresses as its Bcc, added to those it has. */
export function withBcc(envelope: string, addresses: readonly string[]): string {
  const place = [...items(envelope)][PLACES.bcc];
  if (place === undefined || addresses.length === 0) return envelope;
  const had = place.value === null ? '' : envelope.slice(place.start + 1, place.end - 1);
  const added = addresses.map((address) => {
    const at = address.lastIndexOf('@');
    const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    return `(NIL NIL ${imapString(bytes(address.slice(0, at)))} ${imapString(bytes(address.slice(at + 1)))})`;
  });
  return `${envelope.slice(0, place.start)}(${had}${added.join('')})${envelope.slice(place.end)}`;
}

/** One of the ten values; what stands behind it is not read. */
function valueAt(envelope: string, place: number): Value | undefined {
  let at = 0;
  for (const { value } of items(envelope)) if (at++ === place) return value;
  return undefined;
}

/** The ten values of an envelope, and where they stand. */
function* items(envelope: string): Generator<{ readonly value: Value; readonly start: number; readonly end: number }> {
  for (let at = 1; at < envelope.length && envelope[at] !== ')'; ) {
    if (envelope[at] === ' ') at += 1;
    else {
      const [value, end] = read(envelope, at);
      yield { value, start: at, end };
      at = end;
    }
  }
}

/** One value: NIL, a quoted string, a literal, or a list of values. @returns it and where it ends */
function read(text: string, start: number): [value: Value, end: number] {
  switch (text[start]) {
    case '(': {
      const values: Value[] = [];
      let at = start + 1;
      while (at < text.length && text[at] !== ')') {
        if (text[at] === ' ') at += 1;
        else {
          const [value, end] = read(text, at);
          values.push(value);
          at = end;
        }
      }
      return [values, at + 1];
    }
    case '"': {
      let end = start + 1;
      while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
      return [text.slice(start + 1, end).replace(/\\([\s\S])/g, '$1'), end + 1];
    }
    case '{': {
      const brace = text.indexOf('}', start);
      const from = brace + 3; // behind its CRLF
      const end = from + Number(text.slice(start + 1, brace));
      return [text.slice(from, end), end];
    }
    default:
      return [null, start + 'NIL'.length];
  }
}
