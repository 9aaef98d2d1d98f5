/** STARTTLS (RFC 3207). */
import type { SmtpCommand } from '../command.ts';
import { NO_ARGUMENTS, reply } from '../reply.ts';

const ALREADY_ON = reply(503, '5.5.1', 'TLS is on already');
const NO_TLS = reply(502, '5.5.1', 'There is no TLS here');
const GO_AHEAD = reply(220, '2.0.0', 'Begin TLS');

export const starttls: SmtpCommand = {
  name: 'STARTTLS',
  help: 'STARTTLS: turns TLS on',
  async run(session, args) {
    if (args !== '') return NO_ARGUMENTS;
    if (session.connection.secure) return ALREADY_ON;
    if (!session.context.startTls) return NO_TLS;
    session.connection.write(GO_AHEAD);
    await session.connection.startTls();
    session.startAfresh();
    return '';
  },
};
