/** The service extensions that EHLO and LHLO announce, as data. */
import type { SmtpSession } from './session.ts';

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
  { rfc: 'RFC 5321 4.1.1.8', keyword: () => 'HELP' },
];

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
