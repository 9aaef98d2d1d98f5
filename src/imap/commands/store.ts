/**
 * STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
 *
 * The client is told once of each message: what it set itself is told as the answer (unless .SILENT), not again as a change;
 * what somebody else made of the same message meanwhile is told even so.
 */
import type { MailboxView } from '../../store/api.ts';
import { changeFlags, sameFlags } from '../../store/flags.ts';
import type { Uid } from '../../store/ids.ts';
import { type Command, type Completion, no, ok, selectedReadWrite } from '../command.ts';
import { enableCondstore } from '../condstore.ts';
import { bySequence, byUid, sequenceNumbersOf, uidsOf } from '../message-numbers.ts';
import type { SelectedMailbox } from '../selected.ts';
import type { ImapSession } from '../session.ts';
import { NumberSet } from '../syntax/number-set.ts';
import { storeRequest } from '../syntax/store.ts';
import type { StoreRequest } from '../syntax/types.ts';
import { becomeKnown, flagsLine, keywordLines, newestView, sizeLines, writeLines } from '../updates.ts';

export const store: Command<StoreRequest> = {
  name: 'STORE',
  states: selectedReadWrite,
  holdsRemovals: true,
  syntax: storeRequest,
  run: (request, session) => change(session, request, bySequence(request.set, session.mailbox), false),
};

export const uidStore: Command<StoreRequest> = {
  name: 'UID STORE',
  states: selectedReadWrite,
  syntax: storeRequest,
  run: (request, session) => change(session, request, byUid(request.set, session.mailbox), true),
};

async function change(
  session: ImapSession,
  request: StoreRequest,
  messages: NumberSet,
  isUid: boolean,
): Promise<Completion> {
  const { mailbox } = session;
  const { unchangedSince } = request;
  if (unchangedSince !== null) enableCondstore(session);
  const uids = uidsOf(messages, mailbox.view);
  if (uids.length === 0) return ok('No messages to change');
  const { modified } = await session.store.messages.storeFlags(mailbox.key, uids, request.change, {
    ...(unchangedSince !== null && { unchangedSince }),
    by: session.by,
  });
  const gone = await tellStored(session, request, messages, modified, isUid);
  if (modified.length > 0) return ok('Some messages had changed', `MODIFIED ${named(modified, mailbox, isUid)}`);
  // RFC 2180 4.2; a UID that is gone is no error (RFC 9051 6.4.9).
  if (gone && !isUid) return no('Some of the messages no longer exist', 'EXPUNGEISSUED');
  return ok('STORE completed');
}

/**
 * Brings the client to the newest view, removals apart: the answer for the messages it named, and what else has changed.
 * @returns true when some of the messages it named are gone
 */
async function tellStored(
  session: ImapSession,
  request: StoreRequest,
  messages: NumberSet,
  modified: readonly Uid[],
  isUid: boolean,
): Promise<boolean> {
  const newest = await newestView(session);
  if (newest === null) return true;
  const known = session.mailbox.view;
  const told = known.withGhosts(newest);
  becomeKnown(session, told, newest);

  const stored = messages.minus(sequenceNumbersOf(NumberSet.ascending(modified), told));
  await writeLines(session, storedLines(session, request, known, told, stored, isUid));
  return hasGhosts(told, stored);
}

/** The answer for the messages that were named, and what else a client that knows `known` must hear. */
function* storedLines(
  session: ImapSession,
  request: StoreRequest,
  known: MailboxView,
  told: MailboxView,
  stored: NumberSet,
  isUid: boolean,
): Generator<string> {
  const changes = known.changesTo(told);
  yield keywordLines(told, changes, session);
  // Nothing is removed, so a message has the same index in both views.
  for (const number of stored) {
    const index = number - 1;
    if (told.isGhost(index) || !mustTell(session, request, known, told, index)) continue;
    yield flagsLine(told, index, session, isUid || session.rev2); // RFC 9051 6.4.9: UID STORE answers with UIDs
  }
  for (const index of changes.changed) {
    if (!stored.has(index + 1) && !told.isGhost(index)) yield flagsLine(told, index, session, true);
  }
  yield sizeLines(told, changes, session);
}

function hasGhosts(view: MailboxView, messages: NumberSet): boolean {
  for (const number of messages) if (view.isGhost(number - 1)) return true;
  return false;
}

/** Whether the client must hear the flags of a message that it named. */
function mustTell(
  session: ImapSession,
  { silent, change }: StoreRequest,
  known: MailboxView,
  told: MailboxView,
  index: number,
): boolean {
  if (!silent) return true;
  if (session.condstore) return known.modseqOf(index) !== told.modseqOf(index); // RFC 7162 3.1.3: MODSEQ, even when silent
  const expected = changeFlags(known.entry(index).flags, change);
  return !sameFlags(expected, told.entry(index).flags); // somebody else's doing (RFC 9051 6.4.6)
}

/** The messages as the client names them. */
function named(uids: readonly Uid[], { view }: SelectedMailbox, isUid: boolean): NumberSet {
  const set = NumberSet.ascending(uids);
  return isUid ? set : sequenceNumbersOf(set, view);
}
