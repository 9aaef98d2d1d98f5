/** What CAPA announces (RFC 2449), as data. Both states see the same, unless said otherwise. */
import { expireLine, expiryDays } from './expiry.ts';
import type { Pop3Session } from './session.ts';

interface Capability {
  readonly rfc: string;
  /** The line; undefined when it isn't offered now. */
  readonly line: (session: Pop3Session) => string | undefined | Promise<string>;
}

const capabilities: readonly Capability[] = [
  { rfc: 'RFC 2449 6.1', line: () => 'TOP' },
  { rfc: 'RFC 2449 6.8', line: () => 'UIDL' },
  { rfc: 'RFC 2449 6.4', line: () => 'RESP-CODES' },
  { rfc: 'RFC 3206 4', line: () => 'AUTH-RESP-CODE' },
  { rfc: 'RFC 2449 6.6', line: () => 'PIPELINING' },
  { rfc: 'RFC 2449 6.7', line: expiry },
  { rfc: 'RFC 2449 6.5', line: loginDelayLine },
  { rfc: 'RFC 2449 6.2', line: (session) => (session.peer.mayUsePassword ? 'USER' : undefined) },
  { rfc: 'RFC 6856 2.2', line: () => 'UTF8 USER' },
  { rfc: 'RFC 6856 3.2', line: () => 'LANG' },
  { rfc: 'RFC 5034 3', line: saslLine },
  { rfc: 'RFC 2595 4', line: stlsLine },
  // Only to those who have signed in: strangers need not know.
  { rfc: 'RFC 2449 6.9', line: (session) => (session.maildrop === null ? undefined : 'IMPLEMENTATION Rainmail') },
];

/** Nothing is removed unless a client removes it, or the office has said when. Before sign-in: the least of all, and that it is not everybody's. */
async function expiry({ context, maildrop }: Pop3Session): Promise<string> {
  if (maildrop !== null) return expireLine(expiryDays(maildrop.rules.letGo));
  const { days, varies } = await context.leastExpiry();
  return expireLine(days, !varies);
}

function loginDelayLine({ context }: Pop3Session): string | undefined {
  const { loginDelayTime } = context;
  return loginDelayTime === 0 ? undefined : `LOGIN-DELAY ${Math.ceil(loginDelayTime / 1_000)}`;
}

function saslLine(session: Pop3Session): string | undefined {
  const mechanisms = session.context.authenticator.mechanisms(session.peer);
  return mechanisms.length === 0 ? undefined : `SASL ${mechanisms.join(' ')}`;
}

function stlsLine({ context, connection, maildrop }: Pop3Session): string | undefined {
  return context.startTls && !connection.secure && maildrop === null ? 'STLS' : undefined;
}

/** The lines for this connection as it is now. */
export async function announced(session: Pop3Session): Promise<string[]> {
  const lines = await Promise.all(capabilities.map(({ line }) => line(session)));
  return lines.filter((line) => line !== undefined);
}
