/**
 * Replies (RFC 5321 4.2) with enhanced status codes (RFC 2034, RFC 3463), as they go over the wire.
 */
import { replyToRefusal } from '../delivery/replies.ts';
import { BadCommand, Refused } from '../errors.ts';

/** One reply or several, each ended by CRLF. Empty: nothing to say. */
export type Reply = string;

/**
 * @param status enhanced status code; it stands on every line of the reply (RFC 2034 4)
 * @param text   for people; a line break in it makes a reply of several lines
 */
export function reply(code: number, status: string, text: string): Reply {
  if (!text.includes('\n')) return `${code} ${status} ${oneLine(text)}\r\n`;
  const lines = text.split('\n');
  return lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${status} ${oneLine(line)}\r\n`).join('');
}

/** Texts may quote what the client sent: nothing of it may break the line. */
function oneLine(text: string): string {
  return Buffer.from(text.replace(/[\x00-\x1f\x7f]/g, '?'), 'utf8').toString('latin1');
}

/** Replies that never differ. */
export const OK = reply(250, '2.0.0', 'Ok');
export const SENDER_OK = reply(250, '2.1.0', 'Sender ok');
export const RECIPIENT_OK = reply(250, '2.1.5', 'Recipient ok');
export const START_DATA = '354 Send the message; end it with a line that holds a single dot\r\n';
export const NEEDS_SENDER = reply(503, '5.5.1', 'MAIL comes first');
export const NEEDS_RECIPIENT = reply(503, '5.5.1', 'No valid recipient was given');
export const NO_ARGUMENTS = reply(501, '5.5.4', 'This command takes no arguments');
export const INTERNAL_ERROR = reply(451, '4.3.0', 'The server has a problem; please try again later');

/** A reply as people read it. */
export function replyText(said: Reply): string {
  return Buffer.from(said, 'latin1').toString('utf8').trimEnd();
}

/** Code and status of a client's mistake. */
export type Malformed = readonly [code: number, status: string];

/** The reply to an error that is not our fault; undefined for one that is. `malformed` tells what a BadCommand means here. */
export function replyToError(error: unknown, malformed: Malformed): Reply | undefined {
  if (error instanceof BadCommand) return reply(malformed[0], malformed[1], error.message);
  if (!(error instanceof Refused)) return undefined;
  const [code, status] = replyToRefusal(error.code);
  return reply(code, status, error.message);
}
