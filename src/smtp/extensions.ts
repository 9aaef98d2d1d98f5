/** The service extensions that EHLO and LHLO announce, as data. */
import { nowSeconds } from '../store/ids.ts';
import type { SmtpSession } from './session.ts';
import { holdKeyword } from './syntax/hold.ts';

interface Extension {
  readonly rfc: string;
  /** The keyword with its parameters; undefined when it isn't offered now. */
  readonly keyword: (session: SmtpSession) => string | undefined;
}

const extensions: readonly Extension[] = [
  { rfc: 'RFC 2920', keyword: () => 'PIPELINING' },
  { rfc: 'RFC 1870', keyword: (session) => `SIZE ${session.context.limits.messageBytes}` },
  { rfc: 'RFC 6152', keyword: () => '8BITMIME' },
  { rfc: 'RFC 6531', keyword: () => 'SMTPUTF8' },
  { rfc: 'RFC 3030', keyword: () => 'CHUNKING' },
  { rfc: 'RFC 2034', keyword: () => 'ENHANCEDSTATUSCODES' },
  { rfc: 'RFC 3207', keyword: starttlsKeyword },
  { rfc: 'RFC 4954', keyword: (session) => authKeyword(session.mechanisms()) },
  { rfc: 'RFC 3461', keyword: (session) => (offersReports(session) ? 'DSN' : undefined) },
  { rfc: 'RFC 4865', keyword: futureReleaseKeyword },
  { rfc: 'RFC 8689', keyword: (session) => (offersRequireTls(session) ? 'REQUIRETLS' : undefined) },
  { rfc: 'RFC 5321 4.1.1.8', keyword: () => 'HELP' },
];

/**
 * The client may say what it wants to hear of. To servers of the Internet that is not offered: nobody knows whether a sender they name is who
 * would get the report, and it would tell strangers who is here. They tell their senders themselves that we have the message (RFC 3461 5.2.2).
 */
export function offersReports({ dialect }: SmtpSession): boolean {
  return dialect.protocol === 'submission';
}

/** Seconds for which the client may have a message wait; 0: that is not offered. */
export function longestHold({ dialect, context }: SmtpSession): number {
  return dialect.protocol === 'submission' ? Math.floor(context.limits.hold / 1_000) : 0;
}

/** RFC 8689 2: only where the message came encrypted itself. By LMTP the neighbour has seen to it. */
export function offersRequireTls({ dialect, connection }: SmtpSession): boolean {
  return connection.secure && dialect.protocol !== 'lmtp';
}

function futureReleaseKeyword(session: SmtpSession): string | undefined {
  const most = longestHold(session);
  return most === 0 ? undefined : holdKeyword(nowSeconds(), most);
}

function starttlsKeyword({ context, connection }: SmtpSession): string | undefined {
  return context.startTls && !connection.secure ? 'STARTTLS' : undefined;
}

function authKeyword(mechanisms: readonly string[]): string | undefined {
  return mechanisms.length === 0 ? undefined : `AUTH ${mechanisms.join(' ')}`;
}

/** Keywords to announce on this connection as it is now. */
export function announced(session: SmtpSession): string[] {
  return extensions.map(({ keyword }) => keyword(session)).filter((keyword) => keyword !== undefined);
}
