/**
 * Telling the client what changed in its selected mailbox (RFC 9051 7.5.1, RFC 3501 7.4).
 *
 * Invariants:
 * - what is told is exactly the difference between the view the client knows and the one it knows afterwards, so its
 *   sequence numbers and ours never drift apart;
 * - removals wait (as ghosts of the view) while a command that counts by sequence number is in progress;
 * - a command without changes costs nothing: no view is asked for unless an event said so.
 */
import { Refused } from '../errors.ts';
import { Pace } from '../pace.ts';
import type { MailboxView, ViewChanges } from '../store/api.ts';
import { flagList, mailboxFlagLines } from './data-text.ts';
import { countOf } from './message-numbers.ts';
import type { SelectedMailbox } from './selected.ts';
import type { ImapSession } from './session.ts';
import { NumberSet } from './syntax/number-set.ts';

/** Tells the client of every change it does not know yet; removals wait when `holdRemovals`. Writes nothing when there is none. */
export async function reportChanges(session: ImapSession, holdRemovals: boolean): Promise<void> {
  const newest = await newestView(session);
  if (newest === null) return;
  const known = session.mailbox.view;
  const told = holdRemovals ? known.withGhosts(newest) : newest;
  becomeKnown(session, told, newest);
  await writeLines(session, changeLines(known, told, session));
}

/**
 * The newest view of the selected mailbox; what is new in it is \Recent to this session unless another was told of it before
 * (RFC 3501 2.3.2). Null when the mailbox was deleted: the client was told BYE (RFC 2180 3.3), since nothing it could say
 * about these messages would be true.
 */
export async function newestView(session: ImapSession): Promise<MailboxView | null> {
  const { mailbox, store } = session;
  mailbox.changed = false; // before the view is read: what changes from here on sets it again
  try {
    const newest = await store.view(mailbox.key);
    const { uidnext } = mailbox.view;
    if (!session.rev2 && newest.uidnext > uidnext) {
      const before = mailbox.readOnly ? 0 : await store.mailboxes.claimRecent(mailbox.key);
      const first = Math.max(before + 1, uidnext);
      mailbox.recent = mailbox.recent.union(NumberSet.range(first, newest.uidnext - 1));
    }
    return newest;
  } catch (error) {
    if (!(error instanceof Refused && error.code === 'mailbox.missing')) throw error;
    session.unselect();
    session.bye('The selected mailbox was deleted');
    return null;
  }
}

/** Makes `told` what the client knows; where it keeps ghosts that `newest` lacks, their removal is still to be told. */
export function becomeKnown({ mailbox }: ImapSession, told: MailboxView, newest: MailboxView): void {
  mailbox.view = told;
  if (told.length !== newest.length) mailbox.changed = true;
}

/** Writes response lines, giving up the loop and waiting for the client now and then. */
export async function writeLines(session: ImapSession, lines: Iterable<string>): Promise<void> {
  const pace = new Pace();
  let text = '';
  for (const line of lines) {
    text += line;
    const pause = pace.pause();
    if (pause === undefined) continue;
    session.write(text);
    text = '';
    await pause;
    await session.connection.drained();
  }
  if (text !== '') session.write(text);
}

/** What a client that knows `known` must hear to know `told`. */
function* changeLines(known: MailboxView, told: MailboxView, session: ImapSession): Generator<string> {
  const changes = known.changesTo(told);
  const { vanished, changed } = changes;
  // From the last to the first, so that no removal changes the numbers of those still to come (RFC 9051 7.5.1).
  for (let i = vanished.length - 1; i >= 0; i--) yield `* ${vanished[i]! + 1} EXPUNGE\r\n`;
  yield sizeLines(told, changes, session) + keywordLines(told, changes, session);
  for (const index of changed) if (!told.isGhost(index)) yield flagsLine(told, index, session, true);
}

/** That there are new messages; empty when there are none. */
export function sizeLines(told: MailboxView, { firstNew }: ViewChanges, { mailbox, rev2 }: ImapSession): string {
  if (firstNew === told.length) return '';
  const exists = `* ${told.length} EXISTS\r\n`;
  return rev2 ? exists : `${exists}* ${countOf(mailbox.recent, told)} RECENT\r\n`; // RFC 3501 7.3.2
}

/** That keywords are in use which the client was not told of (RFC 9051 7.3.5); empty when there are none. */
export function keywordLines(told: MailboxView, { changed, firstNew }: ViewChanges, { mailbox }: ImapSession): string {
  const before = mailbox.keywords;
  for (const index of changed) learnKeywords(mailbox, told.keywordsOf(index));
  for (let index = firstNew; index < told.length; index++) learnKeywords(mailbox, told.keywordsOf(index));
  return mailbox.keywords === before ? '' : mailboxFlagLines(mailbox.keywords, mailbox.readOnly);
}

function learnKeywords(mailbox: SelectedMailbox, keywords: readonly string[]): void {
  for (const keyword of keywords) {
    if (!mailbox.keywords.includes(keyword)) mailbox.keywords = [...mailbox.keywords, keyword];
  }
}

/** One untagged FETCH of a message's flags. */
export function flagsLine(view: MailboxView, index: number, session: ImapSession, withUid: boolean): string {
  const uid = view.uid(index);
  const flags = flagList(view.flagBits(index), view.keywordsOf(index), session.mailbox.recent.has(uid));
  const modseq = session.condstore ? ` MODSEQ (${view.modseqOf(index)})` : ''; // RFC 7162 3.2
  return `* ${index + 1} FETCH (${withUid ? `UID ${uid} ` : ''}FLAGS ${flags}${modseq})\r\n`;
}
