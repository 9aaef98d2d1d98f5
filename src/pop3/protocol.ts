/** POP3 (RFC 1939). */
import type { LineConnection, LineProtocol } from '../net/connection-types.ts';
import { isSignedOut, SIGNED_OUT } from '../net/farewell.ts';
import type { Pop3Context } from './context.ts';
import { err } from './responses.ts';
import { Pop3Session } from './session.ts';

const farewells = {
  busy: err('[SYS/TEMP] Too many connections; please try again later'),
  timeout: '', // RFC 1939 3: without a word
  shutdown: err('[SYS/TEMP] The server is stopping; please try again later'),
} as const;

export function pop3Protocol(context: Pop3Context): LineProtocol {
  return {
    name: 'pop3',
    idleTimeout: context.limits.idleTimeout,
    strictLines: false,
    serve: (connection: LineConnection) => new Pop3Session(connection, context).serve(),
    farewell: (why) => (isSignedOut(why) ? err(`[SYS/PERM] ${SIGNED_OUT[why]}`) : farewells[why]), // RFC 3206 4
  };
}
