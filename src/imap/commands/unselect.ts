/** UNSELECT: leaves the mailbox and removes nothing from it (RFC 9051 6.4.2, RFC 3691). */
import { type Command, ok, selected } from '../command.ts';

export const unselect: Command = {
  name: 'UNSELECT',
  states: selected,
  syntax: () => {},
  run(_, session) {
    session.unselect();
    return ok('UNSELECT completed');
  },
};
