/** AUTH (RFC 5034): signs in by SASL. Without a mechanism it lists them, as old clients expect. */
import { runSasl } from '../../auth/line-sasl.ts';
import { BadCommand, Refused } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';
import { ok, type Response } from '../responses.ts';
import type { Pop3Session } from '../session.ts';

export const auth: Pop3Command = {
  name: 'AUTH',
  states: ['authorization'],
  run(session, args) {
    const [mechanism = '', initial, ...more] = args.trim().split(/ +/);
    if (mechanism === '') return listed(session);
    if (more.length > 0) throw new BadCommand('AUTH needs a mechanism, and at most one response');
    if (!session.peer.mayUsePassword) {
      throw new Refused('auth.tls-required', 'Signing in needs a secure connection: turn on TLS (STLS) first.');
    }
    return signIn(session, mechanism.toUpperCase(), initial);
  },
};

function listed(session: Pop3Session): Response {
  const mechanisms = session.context.authenticator.mechanisms(session.peer);
  return `${ok('Mechanisms follow')}${mechanisms.map((name) => `${name}\r\n`).join('')}.\r\n`;
}

async function signIn(session: Pop3Session, mechanism: string, initial: string | undefined): Promise<Response> {
  const exchange = session.context.authenticator.sasl(mechanism, session.peer);
  const signedIn = await runSasl(exchange, initial, '+ ', session);
  return signedIn === null ? '' : session.open(signedIn);
}
