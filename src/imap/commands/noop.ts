/** NOOP: nothing but a chance to hear of changes (RFC 9051 6.1.2). */
import { anyState, type Command, ok } from '../command.ts';

export const noop: Command = {
  name: 'NOOP',
  states: anyState,
  syntax: () => {},
  run: () => ok('NOOP completed'),
};
