/** EXPUNGE: removes the \Deleted messages (RFC 9051 6.4.3). The session tells of them before the tagged OK. */
import { DELETED } from '../../store/flags.ts';
import type { Uid } from '../../store/ids.ts';
import { type Command, ok, selectedReadWrite } from '../command.ts';
import type { ImapSession } from '../session.ts';

export const expunge: Command = {
  name: 'EXPUNGE',
  states: selectedReadWrite,
  syntax: () => {},
  async run(_, session) {
    await expungeDeleted(session);
    return ok('EXPUNGE completed');
  },
};

/** Removes all messages that are \Deleted now, whoever flagged them and whether the client knows of it or not. */
export async function expungeDeleted({ store, mailbox, by }: ImapSession): Promise<void> {
  const view = await store.view(mailbox.key);
  const uids: Uid[] = [];
  for (let index = 0; index < view.length; index++) {
    if ((view.flagBits(index) & DELETED) !== 0) uids.push(view.uid(index));
  }
  if (uids.length === 0) return;
  await store.messages.expunge(mailbox.key, uids, { onlyDeleted: true, by });
  mailbox.changed = true;
}
