/** POP3 (RFC 1939). */
import type { LineConnection, LineProtocol } from '../net/connection-types.ts';
import { isSignedOut, SIGNED_OUT } from '../net/farewell.ts';
import type { Pop3Context, Pop3Options } from './context.ts';
import { DevicesInUse } from './devices-in-use.ts';
import { LoginDelay } from './login-delay.ts';
import { err } from './responses.ts';
import { Pop3Session } from './session.ts';

const farewells = {
  busy: err('[SYS/TEMP] Too many connections; please try again later'),
  timeout: '', // RFC 1939 3: without a word
  shutdown: err('[SYS/TEMP] The server is stopping; please try again later'),
} as const;

export function pop3Protocol({ onSharedDevice, ...options }: Pop3Options): LineProtocol {
  const context: Pop3Context = {
    ...options,
    devicesInUse: new DevicesInUse(onSharedDevice),
    loginDelay: new LoginDelay(options.loginDelayTime),
  };
  return {
    name: 'pop3',
    idleTimeout: context.limits.idleTimeout,
    strictLines: false,
    serve: (connection: LineConnection) => new Pop3Session(connection, context).serve(),
    farewell: (why) => (isSignedOut(why) ? err(`[SYS/PERM] ${SIGNED_OUT[why]}`) : farewells[why]), // RFC 3206 4
  };
}
