/** From a mailbox's name to the mailbox. */
import { Refused } from '../errors.ts';
import type { Mailbox } from '../store/types.ts';
import type { ImapSession } from './session.ts';

/** @throws Refused `mailbox.missing` */
export async function mailboxNamed(session: ImapSession, path: string): Promise<Mailbox> {
  const mailboxes = await session.store.mailboxes.list(session.accountId);
  const found = mailboxes.find((mailbox) => mailbox.path === path);
  if (found === undefined) throw new Refused('mailbox.missing', 'There is no mailbox of that name.');
  return found;
}

/** As {@link mailboxNamed}, of mailboxes that can hold messages. */
export async function selectableNamed(session: ImapSession, path: string): Promise<Mailbox> {
  const mailbox = await mailboxNamed(session, path);
  if (!mailbox.selectable) throw new Refused('mailbox.missing', 'That is only a place for the mailboxes below it.');
  return mailbox;
}
