/** Reading mailboxes over IMAP into the journal's terms. */
import { ImapDevice } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import type { AccountName, MailboxName, MailboxState, SeenMessage, Snapshot } from './journal.ts';
import { isWhole, tokenOf } from './messages.ts';

export const MAILBOXES: readonly MailboxName[] = ['INBOX', 'Archive', 'Trash'];

export function signIn(office: TrialOffice, account: AccountName): Promise<ImapDevice> {
  return ImapDevice.signIn(office.port('imap'), office.address(account), PASSWORD);
}

/** The mailbox's numbers, without its messages. */
export async function status(session: ImapDevice, mailbox: MailboxName): Promise<Omit<MailboxState, 'messages'>> {
  const items = 'MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ';
  const { untagged } = await session.command(`STATUS ${mailbox} (${items})`);
  const line = untagged.find((each) => each.startsWith('STATUS '))!;
  const value = (item: string): number => Number(new RegExp(`[( ]${item} (\\d+)`).exec(line)![1]);
  return {
    uidvalidity: value('UIDVALIDITY'),
    uidnext: value('UIDNEXT'),
    modseq: value('HIGHESTMODSEQ'),
    total: value('MESSAGES'),
    unseen: value('UNSEEN'),
    deleted: value('DELETED'),
    sizeBytes: value('SIZE'),
  };
}

/** Messages of the selected mailbox from a UID on. */
export async function messagesFrom(
  session: ImapDevice,
  first: number,
): Promise<(SeenMessage & { readonly size: number })[]> {
  const items = 'FLAGS MODSEQ RFC822.SIZE BODY.PEEK[HEADER.FIELDS (X-Crash-Token)]';
  const { untagged } = await session.command(`UID FETCH ${first}:* (${items})`);
  const messages: (SeenMessage & { readonly size: number })[] = [];
  for (const line of untagged) {
    // `n:*` names the last message even when its UID is below n (RFC 9051 9, seq-range).
    if (!line.includes('HEADER.FIELDS') || uidOf(line) < first) continue;
    messages.push({
      uid: uidOf(line),
      token: tokenOf(line),
      flags: flagsOf(line),
      modseq: Number(/MODSEQ \((\d+)\)/.exec(line)![1]),
      size: Number(/RFC822\.SIZE (\d+)/.exec(line)![1]),
    });
  }
  return messages;
}

/** Everything an account has. Bytes are compared where `isKnown` says that they were not yet. Leaves the last mailbox selected. */
export async function readAccount(
  session: ImapDevice,
  isKnown: (mailbox: MailboxName, uid: number) => boolean,
): Promise<Snapshot[AccountName]> {
  const mailboxes: Record<MailboxName, MailboxState> = {};
  for (const mailbox of MAILBOXES) {
    const numbers = await status(session, mailbox);
    await session.command(`SELECT ${mailbox}`);
    const messages = await messagesFrom(session, 1);
    const unread = messages.filter(({ uid }) => !isKnown(mailbox, uid)).map(({ uid }) => uid);
    const whole = await readBytes(session, unread);
    mailboxes[mailbox] = { ...numbers, messages: messages.map((each) => ({ ...each, whole: whole.get(each.uid) })) };
  }
  return mailboxes;
}

async function readBytes(session: ImapDevice, uids: readonly number[]): Promise<Map<number, boolean>> {
  const whole = new Map<number, boolean>(uids.map((uid) => [uid, false]));
  if (uids.length === 0) return whole;
  const { untagged } = await session.command(`UID FETCH ${uids} BODY.PEEK[]`);
  for (const line of untagged) {
    const literal = /\{(\d+)\}\r\n/.exec(line);
    if (literal === null) continue;
    const start = literal.index + literal[0].length;
    whole.set(uidOf(line), isWhole(line.slice(start, start + Number(literal[1]))));
  }
  return whole;
}

function uidOf(line: string): number {
  return Number(/[( ]UID (\d+)/.exec(line)?.[1]);
}

function flagsOf(line: string): string[] {
  const flags = /FLAGS \(([^)]*)\)/.exec(line)![1]!.toLowerCase();
  return flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\recent')
    .sort();
}
