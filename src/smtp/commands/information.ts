/** NOOP, HELP, VRFY and EXPN (RFC 5321 4.1.1.6 to 4.1.1.9): change nothing and tell no secrets. */
import { BadCommand } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { OK, reply } from '../reply.ts';

export const noop: SmtpCommand = { name: 'NOOP', help: 'NOOP: does nothing', run: () => OK };

// RFC 5321 7.3: whether an address exists is for those to learn who send it mail.
const CANNOT_VERIFY = reply(252, '2.1.5', 'Addresses are checked when mail is sent to them');

export const vrfy: SmtpCommand = {
  name: 'VRFY',
  help: 'VRFY address: not answered here',
  run(_session, args) {
    if (args === '') throw new BadCommand('VRFY needs an address');
    return CANNOT_VERIFY;
  },
};

const NO_EXPN = reply(502, '5.5.1', 'Lists are not shown here');

export const expn: SmtpCommand = { name: 'EXPN', help: 'EXPN list: not answered here', run: () => NO_EXPN };

export const help: SmtpCommand = {
  name: 'HELP',
  help: 'HELP: this text',
  run(session) {
    const lines = [...session.dialect.commands.values()].map((command) => command.help);
    return reply(214, '2.0.0', lines.join('\n'));
  },
};
