/** PASS (RFC 1939 7): the password for the name given by USER. */
import { BadCommand } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';

export const pass: Pop3Command = {
  name: 'PASS',
  states: ['authorization'],
  async run(session, args) {
    const { user, peer, context } = session;
    if (user === null) throw new BadCommand('USER comes first');
    session.user = null; // RFC 1939 7: after a wrong password both are given again
    // The password may have spaces, at its ends too (RFC 1939 7).
    const password = Buffer.from(args, 'latin1').toString('utf8');
    return session.open(await context.authenticator.password(user, password, peer));
  },
};
