/** UIDL (RFC 1939 7): ids of the messages that never change and are never used again. */
import type { Pop3Command } from '../command.ts';
import { listing } from '../listing.ts';
import { ok } from '../responses.ts';
import { parseNumbers } from '../syntax/command.ts';

export const uidl: Pop3Command = {
  name: 'UIDL',
  states: ['transaction'],
  run(session, args) {
    const { drop } = session;
    if (args.trim() === '') return listing(session, 'Unique ids follow', (index) => drop.list.uidl(index));
    const [number] = parseNumbers(args, 1);
    return ok(`${number} ${drop.list.uidl(drop.indexOf(number!))}`);
  },
};
