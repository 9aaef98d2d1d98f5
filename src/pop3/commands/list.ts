/** LIST (RFC 1939 5): the sizes of the messages. */
import type { Pop3Command } from '../command.ts';
import { listing } from '../listing.ts';
import { ok } from '../responses.ts';
import { parseNumbers } from '../syntax/command.ts';

export const list: Pop3Command = {
  name: 'LIST',
  states: ['transaction'],
  run(session, args) {
    const { drop } = session;
    if (args.trim() === '') {
      return listing(session, `${drop.count} messages (${drop.sizeBytes} octets)`, (index) => drop.list.size(index));
    }
    const [number] = parseNumbers(args, 1);
    return ok(`${number} ${drop.list.size(drop.indexOf(number!))}`);
  },
};
