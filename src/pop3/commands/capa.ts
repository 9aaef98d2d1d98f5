/** CAPA (RFC 2449 5): lists the capabilities. */
import { announced } from '../capabilities.ts';
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const capa: Pop3Command = {
  name: 'CAPA',
  states: ['authorization', 'transaction'],
  bare: true,
  run: async (session) => `${ok('Capabilities follow')}${(await announced(session)).join('\r\n')}\r\n.\r\n`,
};
