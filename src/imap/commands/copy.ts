/** COPY and UID COPY: all of the messages or none (RFC 9051 6.4.7), and where they went (COPYUID, RFC 4315 3). */
import type { UidsCopied } from '../../store/types.ts';
import { type Command, no, ok, selected } from '../command.ts';
import { destination } from '../destination.ts';
import { bySequence, byUid, uidsOf } from '../message-numbers.ts';
import { NumberSet } from '../syntax/number-set.ts';
import type { SequenceSet } from '../syntax/types.ts';

interface CopyRequest {
  readonly set: SequenceSet;
  readonly mailbox: string;
}

export const copy = copyCommand('COPY', bySequence);
export const uidCopy = copyCommand('UID COPY', byUid);

function copyCommand(name: string, messagesOf: typeof bySequence): Command<CopyRequest> {
  return {
    name,
    states: selected,
    syntax: (reader) => ({ set: reader.space().sequenceSet(), mailbox: reader.space().mailbox() }),

    async run(request, session) {
      const { store, mailbox } = session;
      const uids = uidsOf(messagesOf(request.set, mailbox), mailbox.view);
      const to = await destination(session, request.mailbox);
      if (uids.length === 0) return ok('No messages to copy');
      const copied = await store.messages.copy(mailbox.key, uids, to, session.by);
      if (to.mailbox === mailbox.key.mailbox) mailbox.changed = true;
      if (copied.from.length === 0) return no('The messages no longer exist', 'EXPUNGEISSUED'); // RFC 5530 3
      return ok('COPY completed', copyUid(copied));
    },
  };
}

/** The response code that pairs UIDs of the source with those of the copies (RFC 4315 3). */
export function copyUid({ uidvalidity, from, uids }: UidsCopied): string {
  return `COPYUID ${uidvalidity} ${NumberSet.ascending(from)} ${NumberSet.ascending(uids)}`;
}
