/** IMAP's strings in text of one character a byte (RFC 9051 4.3). */

/** No quote, backslash, CR, LF, NUL or 8-bit byte. */
const PLAIN = /^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*$/;

/** A quoted string where possible, a literal for what quoting can't carry: CR, LF and 8-bit bytes. NUL can't be sent at all and is dropped. */
export function imapString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  const text = value.replaceAll('\0', '');
  if (/[\r\n\x80-\xff]/.test(text)) return `{${text.length}}\r\n${text}`;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** As {@link imapString}; NIL for what is absent. */
export function imapNstring(value: string | null): string {
  return value === null ? 'NIL' : imapString(value);
}
