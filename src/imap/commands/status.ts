/** STATUS: counts of a mailbox without selecting it (RFC 9051 6.3.11). */
import { type Command, ok, signedIn } from '../command.ts';
import { selectableNamed } from '../mailbox-lookup.ts';
import { statusLine } from '../mailbox-status.ts';
import { type StatusRequest, statusRequest } from '../syntax/status.ts';

export const status: Command<StatusRequest> = {
  name: 'STATUS',
  states: signedIn,
  syntax: statusRequest,

  async run({ mailbox, items }, session) {
    session.write(await statusLine(session, await selectableNamed(session, mailbox), items));
    return ok('STATUS completed');
  },
};
