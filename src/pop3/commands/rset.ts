/** RSET (RFC 1939 5): takes all marks of deletion away. */
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const rset: Pop3Command = {
  name: 'RSET',
  states: ['transaction'],
  bare: true,
  run({ drop }) {
    drop.unmarkAll();
    return ok(`${drop.count} messages (${drop.sizeBytes} octets)`);
  },
};
