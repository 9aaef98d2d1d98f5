/** DELE (RFC 1939 5): marks a message as deleted; QUIT removes it. */
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';
import { parseNumbers } from '../syntax/command.ts';

const MARKED = ok('Marked as deleted');

export const dele: Pop3Command = {
  name: 'DELE',
  states: ['transaction'],
  run({ drop }, args) {
    const [number] = parseNumbers(args, 1);
    drop.mark(drop.indexOf(number!));
    return MARKED;
  },
};
