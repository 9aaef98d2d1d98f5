/** Responses (RFC 1939 3), with the response codes of RFC 2449 8 and RFC 3206. */
import { BadCommand, type RefusalCode, Refused } from '../errors.ts';

/** One response line, ended by CRLF. Empty: all was written already. */
export type Response = string;

export const ok = (text: string): Response => `+OK ${text}\r\n`;
export const err = (text: string): Response => `-ERR ${printable(text)}\r\n`;

export const INTERNAL_ERROR = err('[SYS/TEMP] The server has a problem; please try again later');

const codes: Partial<Record<RefusalCode, string>> = {
  'auth.failed': '[AUTH] ',
  'auth.not-allowed': '[AUTH] ', // RFC 3206 4: also for what violates a policy
  'auth.tls-required': '[AUTH] ',
  'auth.unavailable': '[SYS/TEMP] ',
  'auth.too-soon': '[LOGIN-DELAY] ', // RFC 2449 8.1.1
  'limit.reached': '[IN-USE] ',
  'message.damaged': '[SYS/PERM] ',
  'store.full': '[SYS/TEMP] ',
  'store.failed': '[SYS/TEMP] ',
};

/** The response to an error that is not our fault; undefined for one that is. */
export function responseToError(error: unknown): Response | undefined {
  if (error instanceof BadCommand) return err(error.message);
  if (error instanceof Refused) return err(`${codes[error.code] ?? ''}${error.message}`);
  return undefined;
}

/** RFC 1939 3: a response is a line of printable ASCII. */
function printable(text: string): string {
  return text.replace(/[’‘]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}
