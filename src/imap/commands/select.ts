/**
 * SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3; RFC 3501 6.3.1, 6.3.2).
 *
 * Invariant: the mailbox selected before is left first, so one that can't be selected leaves none selected.
 */
import type { Mailbox } from '../../store/types.ts';
import { type Command, ok, signedIn } from '../command.ts';
import { mailboxFlagLines } from '../data-text.ts';
import { selectableNamed } from '../mailbox-lookup.ts';
import { mailboxObjectId } from '../object-ids.ts';
import { SelectedMailbox } from '../selected.ts';
import type { ImapSession } from '../session.ts';
import { writtenMailboxName } from '../syntax/mailbox-name.ts';
import { selectRequest } from '../syntax/mailboxes.ts';
import { NumberSet } from '../syntax/number-set.ts';
import type { SelectRequest } from '../syntax/types.ts';

export const select = selectCommand('SELECT', false);
export const examine = selectCommand('EXAMINE', true);

function selectCommand(name: string, readOnly: boolean): Command<SelectRequest> {
  return {
    name,
    states: signedIn,
    syntax: selectRequest,

    async run({ mailbox: path, condstore }, session) {
      if (session.selected !== null) {
        session.unselect();
        session.write('* OK [CLOSED] The mailbox selected before is closed\r\n'); // RFC 9051 7.1, RFC 7162 3.2.11
      }
      if (condstore) session.condstore = true;
      const mailbox = await selectableNamed(session, path);
      session.selected = await open(session, mailbox, readOnly);
      session.write(description(session, mailbox, session.selected));
      return ok(`${name} completed`, readOnly ? 'READ-ONLY' : 'READ-WRITE');
    },
  };
}

async function open(session: ImapSession, mailbox: Mailbox, readOnly: boolean): Promise<SelectedMailbox> {
  const { store, accountId: account } = session;
  const key = { account, mailbox: mailbox.id };
  let recentAbove: number = mailbox.recentUid;
  if (!session.rev2 && !readOnly && recentAbove + 1 < mailbox.uidnext)
    recentAbove = await store.mailboxes.claimRecent(key);
  const view = await store.view(key);
  const selected = new SelectedMailbox(key, readOnly, view, (listener) => store.subscribe(account, listener));
  if (!session.rev2) selected.recent = NumberSet.range(recentAbove + 1, view.uidnext - 1);
  selected.changed = true; // what came while it was being opened is told with the next command
  return selected;
}

/** The untagged responses that describe the mailbox. */
function description(session: ImapSession, mailbox: Mailbox, { view, readOnly, recent }: SelectedMailbox): string {
  let lines = `* ${view.length} EXISTS\r\n`;
  if (!session.rev2) {
    lines += `* ${recent.isEmpty ? 0 : view.length - view.lowerBound(recent.first!)} RECENT\r\n`;
    const unseen = view.firstUnseen();
    if (unseen >= 0) lines += `* OK [UNSEEN ${unseen + 1}] The first unseen message\r\n`;
  }
  lines += mailboxFlagLines(view.keywords, readOnly);
  lines += `* OK [UIDVALIDITY ${view.uidvalidity}] UIDs are valid\r\n`;
  lines += `* OK [UIDNEXT ${view.uidnext}] The next UID\r\n`;
  lines += `* OK [HIGHESTMODSEQ ${view.modseq}] The highest modseq\r\n`; // RFC 7162 3.1.2.1
  lines += `* OK [MAILBOXID (${mailboxObjectId(mailbox.id)})] The mailbox's id\r\n`; // RFC 8474 4.2
  if (session.rev2) lines += `* LIST () "/" ${writtenMailboxName(mailbox.path, true)}\r\n`; // RFC 9051 6.3.2
  return lines;
}
