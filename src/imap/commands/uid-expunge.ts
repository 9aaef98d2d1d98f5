/** UID EXPUNGE: removes the \Deleted messages whose UID is in the set (RFC 4315 2.1, RFC 9051 6.4.9). */
import { type Command, ok, selectedReadWrite } from '../command.ts';
import { byUid, uidsOf } from '../message-numbers.ts';
import type { UidSet } from '../syntax/types.ts';

export const uidExpunge: Command<UidSet> = {
  name: 'UID EXPUNGE',
  states: selectedReadWrite,
  syntax: (reader) => reader.space().uidSet(),

  async run(set, { store, mailbox, by }) {
    const uids = uidsOf(byUid(set, mailbox), mailbox.view);
    if (uids.length > 0) {
      // The store looks at \Deleted as it is now, not as this client last heard of it.
      await store.messages.expunge(mailbox.key, uids, { onlyDeleted: true, by });
      mailbox.changed = true;
    }
    return ok('EXPUNGE completed');
  },
};
