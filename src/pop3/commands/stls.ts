/** STLS (RFC 2595 4): turns TLS on. */
import { BadCommand } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const stls: Pop3Command = {
  name: 'STLS',
  states: ['authorization'],
  async run(session, args) {
    if (args !== '') throw new BadCommand('STLS takes no arguments');
    if (session.connection.secure) throw new BadCommand('TLS is on already');
    if (!session.context.startTls) throw new BadCommand('There is no TLS here');
    session.connection.write(ok('Begin TLS'));
    await session.connection.startTls();
    session.startAfresh();
    return '';
  },
};
