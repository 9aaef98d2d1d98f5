/** USER (RFC 1939 7): names who signs in. Says nothing of whether there is such a person. */
import { BadCommand, Refused } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const user: Pop3Command = {
  name: 'USER',
  states: ['authorization'],
  run(session, args) {
    if (!session.peer.mayUsePassword) {
      throw new Refused('auth.tls-required', 'Signing in needs a secure connection: turn on TLS (STLS) first.');
    }
    const name = args.trim();
    if (name === '') throw new BadCommand('USER needs a name');
    session.user = Buffer.from(name, 'latin1').toString('utf8');
    return ok('Now the password');
  },
};
