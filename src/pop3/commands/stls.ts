/** STLS (RFC 2595 4): turns TLS on. */
import { BadCommand } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const stls: Pop3Command = {
  name: 'STLS',
  states: ['authorization'],
  bare: true,
  async run(session) {
    if (session.utf8) throw new BadCommand('STLS comes before UTF8'); // RFC 6856 2.1
    if (session.connection.secure) throw new BadCommand('TLS is on already');
    if (!session.context.startTls) throw new BadCommand('There is no TLS here');
    session.connection.write(ok('Begin TLS'));
    await session.connection.startTls();
    session.startAfresh();
    return '';
  },
};
