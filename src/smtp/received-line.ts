/** The Received line that goes before each message: trace information (RFC 5321 4.4). */
import { mailDate } from './mail-date.ts';
import type { SmtpSession } from './session.ts';
import type { Transaction } from './transaction.ts';

/** The Received line of a transaction, ended by CRLF. */
export function receivedLine(session: SmtpSession, { utf8, recipients, id }: Transaction): Buffer {
  const { connection, context, helo } = session;
  // Only a single recipient is named: several would learn of each other (RFC 5321 7.2).
  const forOne = recipients.length === 1 ? `\r\n\tfor <${recipients[0]!.address}>` : '';
  return Buffer.from(
    `Received: from ${printable(helo)} (${addressLiteral(connection.remoteAddress)})\r\n` +
      `\tby ${context.hostname} (Rainmail) with ${protocolName(session, utf8)} id ${id}${forOne};\r\n` +
      `\t${mailDate()}\r\n`,
  );
}

/** The `with` clause: RFC 3848, with UTF8 by RFC 6531 4.3. */
function protocolName({ dialect, extended, connection, signedIn }: SmtpSession, utf8: boolean): string {
  if (!extended) return 'SMTP';
  const base = dialect.service === 'LMTP' ? (utf8 ? 'UTF8LMTP' : 'LMTP') : utf8 ? 'UTF8SMTP' : 'ESMTP';
  return `${base}${connection.secure ? 'S' : ''}${signedIn === null ? '' : 'A'}`;
}

/** RFC 5321 4.1.3 */
function addressLiteral(address: string): string {
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

const MOST_NAME_CHARACTERS = 255;

/** What the client calls itself, without what could be taken for something else than a name in a Received line. */
function printable(helo: string): string {
  const name = helo.slice(0, MOST_NAME_CHARACTERS).replace(/[^A-Za-z0-9.:_[\]-]/g, '?');
  return name === '' ? 'unknown' : name;
}
