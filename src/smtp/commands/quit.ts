/** QUIT (RFC 5321 4.1.1.10): ends the connection. */
import type { SmtpCommand } from '../command.ts';
import { NO_ARGUMENTS, reply } from '../reply.ts';

const GOODBYE = reply(221, '2.0.0', 'Goodbye');

export const quit: SmtpCommand = {
  name: 'QUIT',
  help: 'QUIT: ends the connection',
  run(session, args) {
    if (args !== '') return NO_ARGUMENTS;
    session.end();
    return GOODBYE;
  },
};
