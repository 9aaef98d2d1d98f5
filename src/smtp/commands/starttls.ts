/** STARTTLS (RFC 3207). */
import { BadCommand } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { NO_ARGUMENTS, reply } from '../reply.ts';

const ALREADY_ON = reply(503, '5.5.1', 'TLS is on already');
const GO_AHEAD = reply(220, '2.0.0', 'Begin TLS');

export const starttls: SmtpCommand = {
  name: 'STARTTLS',
  help: 'STARTTLS: turns TLS on',
  async run(session, args) {
    if (args !== '') return NO_ARGUMENTS;
    if (session.connection.secure) return ALREADY_ON;
    session.connection.write(GO_AHEAD);
    try {
      await session.connection.startTls();
    } catch (error) {
      // The connection is closed by now: nobody is there to hear of it.
      if (!(error instanceof BadCommand)) throw error;
      session.end();
    }
    session.startAfresh();
    return '';
  },
};
