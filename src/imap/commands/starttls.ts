/** STARTTLS (RFC 9051 6.2.1): what came in plain text before the handshake is forgotten by the connection. */
import { BadCommand } from '../../errors.ts';
import { beforeSignIn, type Command } from '../command.ts';

export const startTls: Command = {
  name: 'STARTTLS',
  states: beforeSignIn,
  syntax: () => {},

  run(_, session) {
    if (session.connection.secure) throw new BadCommand('TLS is on already');
    if (!session.context.startTls) throw new BadCommand('TLS is not available here');
    return { status: 'OK', code: null, text: 'Begin TLS now', afterwards: () => session.connection.startTls() };
  },
};
