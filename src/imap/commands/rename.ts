/** RENAME: a mailbox and all below it; of INBOX it moves the messages (RFC 9051 6.3.6). */
import { type Command, ok, signedIn } from '../command.ts';
import { mailboxNamed } from '../mailbox-lookup.ts';
import { renameRequest } from '../syntax/mailboxes.ts';

export const rename: Command<{ readonly from: string; readonly to: string }> = {
  name: 'RENAME',
  states: signedIn,
  syntax: renameRequest,

  async run({ from, to }, session) {
    const mailbox = await mailboxNamed(session, from);
    await session.store.mailboxes.rename(session.accountId, mailbox.id, to, session.by);
    return ok('RENAME completed');
  },
};
