/**
 * MOVE and UID MOVE (RFC 9051 6.4.8, RFC 6851). The client hears where the messages went before it hears that they are gone:
 * COPYUID in an untagged OK, then the removals, which the session tells before the tagged OK (RFC 6851 4.3).
 */
import { type Command, no, ok, selectedReadWrite } from '../command.ts';
import { destination } from '../destination.ts';
import { bySequence, byUid, uidsOf } from '../message-numbers.ts';
import type { SequenceSet } from '../syntax/types.ts';
import { copyUid } from './copy.ts';

interface MoveRequest {
  readonly set: SequenceSet;
  readonly mailbox: string;
}

export const move = moveCommand('MOVE', bySequence);
export const uidMove = moveCommand('UID MOVE', byUid);

function moveCommand(name: string, messagesOf: typeof bySequence): Command<MoveRequest> {
  return {
    name,
    states: selectedReadWrite,
    syntax: (reader) => ({ set: reader.space().sequenceSet(), mailbox: reader.space().mailbox() }),

    async run(request, session) {
      const { store, mailbox } = session;
      const uids = uidsOf(messagesOf(request.set, mailbox), mailbox.view);
      const to = await destination(session, request.mailbox);
      if (uids.length === 0) return ok('No messages to move');
      const moved = await store.messages.move(mailbox.key, uids, to, session.by);
      mailbox.changed = true;
      if (moved.from.length === 0) return no('The messages no longer exist', 'EXPUNGEISSUED'); // RFC 5530 3
      session.write(`* OK [${copyUid(moved)}] Moved\r\n`);
      return ok('MOVE completed');
    },
  };
}
