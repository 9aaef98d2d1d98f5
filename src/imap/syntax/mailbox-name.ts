/**
 * Mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3) until IMAP4rev2 is enabled, then UTF-8 (RFC 9051 5.1).
 * Inside they are Unicode in normal form C (RFC 5198), with `/` between their parts and INBOX in capitals.
 */
import { BadCommand } from '../../errors.ts';

const MOST_BYTES = 1000;
const ASCII = /^[\x20-\x7e]*$/;

/** The Unicode text of modified UTF-7, or null when it is malformed. */
export function decodeModifiedUtf7(text: string): string | null {
  if (!text.includes('&')) return ASCII.test(text) ? text : null;
  let decoded = '';
  for (let at = 0; at < text.length; ) {
    const shift = text.indexOf('&', at);
    if (shift < 0) {
      decoded += text.slice(at);
      break;
    }
    const end = text.indexOf('-', shift);
    if (end < 0) return null;
    decoded += text.slice(at, shift);
    if (end === shift + 1) decoded += '&';
    else {
      const run = decodeRun(text.slice(shift + 1, end));
      if (run === null) return null;
      decoded += run;
    }
    at = end + 1;
  }
  // One name has one spelling (RFC 3501 5.1.3): superfluous shifts and printable ASCII in Base64 are malformed.
  return encodeModifiedUtf7(decoded) === text ? decoded : null;
}

/** Text as modified UTF-7. */
export function encodeModifiedUtf7(text: string): string {
  if (ASCII.test(text) && !text.includes('&')) return text;
  return text.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const units = Buffer.from(run, 'utf16le').swap16();
    return `&${units.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

function decodeRun(base64: string): string | null {
  if (!/^[A-Za-z0-9+,]+$/.test(base64)) return null;
  const units = Buffer.from(base64.replaceAll(',', '/'), 'base64');
  if (units.length % 2 !== 0) return null;
  const text = units.swap16().toString('utf16le');
  return text.isWellFormed() ? text : null;
}

/** UTF-8 bytes, one a character, as text; null when they are not UTF-8. */
export function decodeUtf8(bytes: string): string | null {
  if (ASCII.test(bytes)) return bytes;
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text.includes('\ufffd') && !bytes.includes('\xef\xbf\xbd') ? null : text;
}

/**
 * The name a client means.
 *
 * @param bytes  as it was sent, one character a byte
 * @param utf8   IMAP4rev2 is enabled; else 8-bit bytes are still taken for UTF-8, as many clients send it
 * @throws BadCommand for what no mailbox could be called
 */
export function mailboxName(bytes: string, utf8: boolean): string {
  const text = ASCII.test(bytes) && !utf8 ? decodeModifiedUtf7(bytes) : decodeUtf8(bytes);
  if (text === null) throw new BadCommand(`a mailbox name is in ${utf8 ? 'UTF-8' : 'modified UTF-7'}`);
  if (bytes.length > MOST_BYTES) throw new BadCommand(`a mailbox name has at most ${MOST_BYTES} bytes`);
  if (/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text)) throw new BadCommand('a mailbox name has no control characters');
  return canonical(text.normalize('NFC'));
}

/** INBOX is the same in any case, alone or as the first part (RFC 9051 5.1). */
function canonical(path: string): string {
  return /^inbox(?=\/|$)/i.test(path) ? `INBOX${path.slice(5)}` : path;
}

/** A name as it is written to the client: an atom where that is enough, else quoted. One character a byte. */
export function writtenMailboxName(path: string, utf8: boolean): string {
  const bytes = utf8 ? (ASCII.test(path) ? path : Buffer.from(path).toString('latin1')) : encodeModifiedUtf7(path);
  return /^(?!nil$)[A-Za-z0-9_./&,+=-]+$/i.test(bytes) ? bytes : `"${bytes.replace(/["\\]/g, '\\$&')}"`;
}
