/** DELETE: the mailbox and its messages; what is below it stays (RFC 9051 6.3.5). */
import { type Command, ok, signedIn } from '../command.ts';
import { mailboxNamed } from '../mailbox-lookup.ts';
import { mailboxArgument } from '../syntax/mailboxes.ts';

export const deleteMailbox: Command<string> = {
  name: 'DELETE',
  states: signedIn,
  syntax: mailboxArgument,

  async run(path, session) {
    const mailbox = await mailboxNamed(session, path);
    await session.store.mailboxes.delete(session.accountId, mailbox.id, session.by);
    if (session.selected?.key.mailbox === mailbox.id) {
      session.unselect();
      session.write('* OK [CLOSED] The selected mailbox was deleted\r\n'); // RFC 9051 7.1
    }
    return ok('DELETE completed');
  },
};
