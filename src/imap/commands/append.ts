/**
 * APPEND: messages from the client, one or several, all of them or none (RFC 9051 6.3.12; MULTIAPPEND, RFC 3502).
 *
 * Each message streams into the store as it comes; what was sent comes back byte for byte.
 * Invariant: a message that waits for our go-ahead is refused before it is sent where that can be known.
 */
import { BadCommand, Refused } from '../../errors.ts';
import type { Appended } from '../../store/types.ts';
import { type Command, no, ok, signedIn } from '../command.ts';
import { destination } from '../destination.ts';
import type { ImapSession } from '../session.ts';
import { announcesMessage, appendRequest, nextAppendMessage } from '../syntax/append.ts';
import { NumberSet } from '../syntax/number-set.ts';
import type { AppendMessage, AppendRequest } from '../syntax/types.ts';

export const append: Command<AppendRequest> = {
  name: 'APPEND',
  states: signedIn,
  syntax: appendRequest,
  leavesLiteral: announcesMessage,

  async run({ mailbox, first }, session) {
    const { limits } = session.context;
    const key = await destination(session, mailbox);
    const messages: Appended[] = [];
    try {
      for (let next: AppendMessage | null = first; next !== null; ) {
        if (next.literal.size === 0) return no('APPEND was given up: an empty message'); // RFC 3502 6.3.11
        if (messages.length === limits.appendMessages) {
          throw new Refused('limit.reached', `One APPEND takes at most ${limits.appendMessages} messages.`);
        }
        messages.push(await receive(session, next));
        next = nextAppendMessage(await session.input.nextLine(limits.commandBytes));
      }
      const { uidvalidity, uids } = await session.store.append(key, messages, session.by);
      if (session.selected?.key.mailbox === key.mailbox) session.selected.changed = true;
      return ok('APPEND completed', `APPENDUID ${uidvalidity} ${NumberSet.ascending(uids)}`); // RFC 4315 3
    } finally {
      for (const { staged } of messages) session.store.discard(staged); // those that were not filed
    }
  },
};

/** Takes one message in. @throws Refused `message.too-large`, and what the store refuses */
async function receive(session: ImapSession, { flags, received, literal }: AppendMessage): Promise<Appended> {
  const { appendBytes } = session.context.limits;
  if (literal.size > appendBytes) {
    throw new Refused(
      'message.too-large',
      `A message may have at most ${appendBytes} bytes; this one has ${literal.size}.`,
    );
  }
  const stage = session.store.stage(appendBytes);
  try {
    for await (const chunk of session.input.literal()) {
      // Only a literal8 may hold NUL (RFC 9051 9, literal).
      if (!literal.binary && chunk.includes(0)) throw new BadCommand('a message with NUL comes as a literal8');
      await stage.write(chunk);
    }
    const staged = await stage.finish();
    return { staged, flags, byClient: true, ...(received !== null && { received }) };
  } catch (error) {
    stage.abandon();
    throw error;
  }
}
