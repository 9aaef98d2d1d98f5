/** Response codes of refusals (RFC 5530, RFC 9051 7.1), and the greeting and farewells. */
import type { ProtocolCode, RefusalCode, Refused } from '../errors.ts';
import { type Farewell, isSignedOut, SIGNED_OUT } from '../net/farewell.ts';
import { DestinationMissing } from './destination.ts';

const CODES: Readonly<Record<ProtocolCode, string> & Partial<Record<RefusalCode, string>>> = {
  'auth.failed': 'AUTHENTICATIONFAILED',
  'auth.not-allowed': 'CONTACTADMIN', // RFC 5530 3: not AUTHORIZATIONFAILED, on which clients ask for the password again
  'auth.unavailable': 'UNAVAILABLE',
  'auth.tls-required': 'PRIVACYREQUIRED',
  'auth.mechanism': 'CANNOT',
  'auth.too-soon': 'LIMIT',
  'mailbox.missing': 'NONEXISTENT',
  'mailbox.exists': 'ALREADYEXISTS',
  'mailbox.forbidden': 'CANNOT',
  'mailbox.has-children': 'HASCHILDREN', // RFC 9051 6.3.5
  'mailbox.read-only': 'READ-ONLY',
  'message.gone': 'EXPUNGEISSUED',
  'message.damaged': 'SERVERBUG',
  'message.too-large': 'TOOBIG', // RFC 7889 4
  'quota.exceeded': 'OVERQUOTA',
  'store.full': 'UNAVAILABLE',
  'store.failed': 'UNAVAILABLE',
  'store.locked': 'UNAVAILABLE',
  'store.newer': 'UNAVAILABLE',
  'recipient.unknown': 'NONEXISTENT',
  'recipient.closed': 'CANNOT',
  'group.posting': 'CANNOT',
  'recipient.unavailable': 'UNAVAILABLE',
  'relay.forbidden': 'NOPERM',
  'sender.forbidden': 'NOPERM',
  'recipient.invalid': 'CANNOT',
  'sending.limit': 'LIMIT',
  'sender.unproven': 'NOPERM',
  'sender.not-permitted': 'NOPERM',
  'limit.rate': 'LIMIT',
  'dns.unavailable': 'UNAVAILABLE',
  'check.failed': 'UNAVAILABLE',
  'loop.detected': 'CANNOT',
  'limit.reached': 'LIMIT',
  'directory.exists': 'ALREADYEXISTS',
  'directory.missing': 'NONEXISTENT',
  'directory.invalid': 'CANNOT',
  'directory.outside': 'CANNOT',
  'search.charset': 'BADCHARSET',
  'binary.unknown-encoding': 'UNKNOWN-CTE', // RFC 3516 4.3
};

/** The response code for a refusal, without brackets. */
export function responseCode(refusal: Refused): string | null {
  return refusal instanceof DestinationMissing ? 'TRYCREATE' : (CODES[refusal.code] ?? null);
}

/**
 * Text as it may stand in a response line, one character a byte: on one line, and in ASCII until the client has said, by
 * IMAP4rev2, that it takes UTF-8 (RFC 9051 9, text).
 */
export function responseText(text: string, utf8: boolean): string {
  const line = text.replace(/[\x00-\x1f\x7f]+/g, ' ');
  if (utf8) return Buffer.from(line).toString('latin1');
  return line
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/[^\x20-\x7e]/g, '?');
}

export function farewell(why: Farewell): string {
  if (isSignedOut(why)) return `* BYE [CONTACTADMIN] ${SIGNED_OUT[why]}\r\n`; // RFC 5530 3
  switch (why) {
    case 'busy':
      return '* BYE [UNAVAILABLE] Too many connections; try again later\r\n'; // RFC 5530 3
    case 'timeout':
      return '* BYE Nothing was heard for too long\r\n';
    case 'shutdown':
      return '* BYE [UNAVAILABLE] The server is going down; connect again later\r\n';
  }
}
