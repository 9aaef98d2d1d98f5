/** CAPABILITY: what this session can do now (RFC 9051 6.1.1). */
import { capabilities } from '../capabilities.ts';
import { anyState, type Command, ok } from '../command.ts';

export const capability: Command = {
  name: 'CAPABILITY',
  states: anyState,
  syntax: () => {},
  run(_, session) {
    session.write(`* CAPABILITY ${capabilities(session)}\r\n`);
    return ok('CAPABILITY completed');
  },
};
