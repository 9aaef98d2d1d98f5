/** STAT (RFC 1939 5): how many messages, and their size; without those marked as deleted. */
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

export const stat: Pop3Command = {
  name: 'STAT',
  states: ['transaction'],
  bare: true,
  run: ({ drop }) => ok(`${drop.count} ${drop.sizeBytes}`),
};
