/** LOGOUT: ends the session; nothing is expunged (RFC 9051 6.1.3). */
import { anyState, type Command, ok } from '../command.ts';

export const logout: Command = {
  name: 'LOGOUT',
  states: anyState,
  syntax: () => {},
  run(_, session) {
    session.unselect();
    session.bye('Good-bye');
    return ok('LOGOUT completed');
  },
};
