/** RSET (RFC 5321 4.1.1.5): forgets the transaction. */
import type { SmtpCommand } from '../command.ts';
import { NO_ARGUMENTS, OK } from '../reply.ts';

export const rset: SmtpCommand = {
  name: 'RSET',
  help: 'RSET: forgets the message begun',
  run(session, args) {
    if (args !== '') return NO_ARGUMENTS;
    session.abandonTransaction();
    return OK;
  },
};
