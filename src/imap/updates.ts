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
import type { MailboxView } from '../store/api.ts';
import { dateTime as _dateTime, flagList } from './data-text.ts';
import type { ImapSession } from './session.ts';

/** Response lines that are written at a time: a pause for the loop and for a slow client. */
const LINES_AT_A_TIME = 1_000;

/** Tells the client of every change it does not know yet; removals wait when `holdRemovals`. Writes nothing when there is none. */
export async function reportChanges(session: ImapSession, holdRemovals: boolean): Promise<void> {
  const newest = await newestView(session);
  if (newest === null) return;
  const known = session.mailbox.view;
  const told = holdRemovals ? known.withGhosts(newest) : newest;
  becomeKnown(session, told, newest);
  for (const lines of changeLines(known, told, session)) {
    session.write(lines);
    await session.connection.drained();
  }
}

/**
 * The newest view of the selected mailbox. Null when the mailbox was deleted: the client was told BYE, as RFC 2180 3.3 allows,
 * since nothing it could say about these messages would be true.
 */
export async function newestView(session: ImapSession): Promise<MailboxView | null> {
  const { mailbox } = session;
  mailbox.changed = false; // before the view is read: what changes from here on sets it again
  try {
    return await session.store.view(mailbox.key);
  } catch (error) {
    if (!(error instanceof Refused && error.code === 'mailbox.missing')) throw error;
    session.unselect();
    session.bye('The selected mailbox was deleted');
    return null;
  }
}

/** Makes `told` what the client knows; where it keeps ghosts of `newest`, their removal is still to be told. */
export function becomeKnown(session: ImapSession, told: MailboxView, newest: MailboxView): void {
  session.mailbox.view = told;
  if (told.length !== newest.length) session.mailbox.changed = true;
}

/** What a client that knows `known` must hear to know `told`, some lines at a time. */
export function* changeLines(known: MailboxView, told: MailboxView, session: ImapSession): Generator<string> {
  const { vanished, changed, firstNew } = known.changesTo(told);
  let lines = '';
  let count = 0;
  for (let i = vanished.length - 1; i >= 0; i--) {
    // From the last to the first, so that no removal changes the numbers of those still to come (RFC 9051 7.5.1).
    lines += `* ${vanished[i]! + 1} EXPUNGE\r\n`;
    if (++count % LINES_AT_A_TIME === 0) {
      yield lines;
      lines = '';
    }
  }
  lines += sizeLines(known, told, firstNew, session);
  for (const index of changed) {
    lines += flagsLine(told, index, session, true);
    if (++count % LINES_AT_A_TIME === 0) {
      yield lines;
      lines = '';
    }
  }
  if (lines !== '') yield lines;
}

/** New messages and new keywords. */
export function sizeLines(known: MailboxView, told: MailboxView, firstNew: number, session: ImapSession): string {
  let lines = '';
  if (firstNew < told.length) {
    lines += `* ${told.length} EXISTS\r\n`;
    if (!session.rev2) lines += `* ${recentCount(told, session)} RECENT\r\n`; // RFC 3501 7.3.2
  }
  return lines;
}

/** One untagged FETCH of a message's flags. */
export function flagsLine(view: MailboxView, index: number, session: ImapSession, withUid: boolean): string {
  const uid = view.uid(index);
  const flags = flagList(view.flagBits(index), view.keywordsOf(index), session.mailbox.recent.has(uid));
  const modseq = session.condstore ? ` MODSEQ (${view.modseqOf(index)})` : ''; // RFC 7162 3.2
  return `* ${index + 1} FETCH (${withUid ? `UID ${uid} ` : ''}FLAGS ${flags}${modseq})\r\n`;
}
