/** CHECK: a checkpoint of the mailbox. All of ours is durable already, so it does what NOOP does (RFC 3501 6.4.1). */
import { type Command, ok, selected } from '../command.ts';

export const check: Command = {
  name: 'CHECK',
  states: selected,
  syntax: () => {},
  run: () => ok('CHECK completed'),
};
