/** The STATUS response (RFC 9051 7.3.5), for STATUS and LIST RETURN (STATUS). */
import type { Mailbox } from '../store/types.ts';
import { enableCondstore } from './condstore.ts';
import { mailboxObjectId } from './object-ids.ts';
import type { ImapSession } from './session.ts';
import { writtenMailboxName } from './syntax/mailbox-name.ts';
import type { StatusItem } from './syntax/types.ts';

/** `* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)` with its CRLF. */
export async function statusLine(
  session: ImapSession,
  mailbox: Mailbox,
  items: readonly StatusItem[],
): Promise<string> {
  const values: string[] = [];
  for (const item of items) {
    const value = item === 'RECENT' ? await recentCount(session, mailbox) : statusValue(item, mailbox, session);
    values.push(`${item} ${value}`);
  }
  return `* STATUS ${writtenMailboxName(mailbox.path, session.rev2)} (${values.join(' ')})\r\n`;
}

function statusValue(item: Exclude<StatusItem, 'RECENT'>, mailbox: Mailbox, session: ImapSession): number | string {
  switch (item) {
    case 'MESSAGES':
      return mailbox.total;
    case 'UIDNEXT':
      return mailbox.uidnext;
    case 'UIDVALIDITY':
      return mailbox.uidvalidity;
    case 'UNSEEN':
      return mailbox.unseen;
    case 'DELETED':
      return mailbox.deleted;
    case 'SIZE':
      return mailbox.sizeBytes; // RFC 8438
    case 'HIGHESTMODSEQ':
      enableCondstore(session);
      return mailbox.modseq;
    case 'MAILBOXID':
      return `(${mailboxObjectId(mailbox.id)})`; // RFC 8474 4.3
    case 'APPENDLIMIT':
      return session.context.limits.appendBytes; // RFC 7889 3.1
  }
}

/** Messages that no session was told of as \Recent yet (RFC 3501 6.3.10). */
async function recentCount(session: ImapSession, mailbox: Mailbox): Promise<number> {
  if (mailbox.recentUid + 1 >= mailbox.uidnext) return 0;
  const view = await session.store.view({ account: mailbox.account, mailbox: mailbox.id });
  return view.length - view.lowerBound(mailbox.recentUid + 1);
}
