/** CLOSE: removes the \Deleted messages without telling, and leaves the mailbox (RFC 9051 6.4.1). */
import { type Command, ok, selected } from '../command.ts';
import { expungeDeleted } from './expunge.ts';

export const close: Command = {
  name: 'CLOSE',
  states: selected,
  syntax: () => {},
  async run(_, session) {
    // Opened by EXAMINE: nothing is removed, and that is no error (RFC 9051 6.4.1).
    if (!session.mailbox.readOnly) await expungeDeleted(session);
    session.unselect();
    return ok('CLOSE completed');
  },
};
