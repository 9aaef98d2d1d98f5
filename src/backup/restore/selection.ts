/** Which messages of an account in a backup are meant: by folder, by words, by Message-ID. */
import { setImmediate } from 'node:timers/promises';
import { Refused } from '../../errors.ts';
import { readMessageId } from '../../message/message-ids.ts';
import { PAGE_ROWS } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import type { EmailId, Uid } from '../../store/ids.ts';
import { emailKeysOf } from '../../store/operations/email-key.ts';
import { readEmails } from '../../store/operations/emails.ts';
import { listMailboxes } from '../../store/operations/mailboxes.ts';
import { MESSAGES_ABOVE, type MessageRow, readMessages } from '../../store/operations/message-row.ts';
import { hasWords } from '../../store/retained.ts';
import type { EmailRecord, Mailbox } from '../../store/types.ts';
import type { BackedUpAccount, BackedUpStore } from './backed-up-store.ts';

/** All conditions hold together; none of them: all messages. */
export interface Selection {
  /** In this folder or below it, by its name at the backup. */
  readonly folder?: string | undefined;
  /** Each of these words in From, To, Cc, Subject, Message-ID or the first words of the text, in any case. */
  readonly query?: string | undefined;
  /** With this Message-ID, with or without its brackets. */
  readonly messageId?: string | undefined;
}

/** True when nothing says which messages: all are meant. */
export function isEverything({ folder, query, messageId }: Selection): boolean {
  return folder === undefined && query === undefined && messageId === undefined;
}

/** Messages of one folder, in order of UID. */
export interface FoundPage {
  readonly mailbox: Mailbox;
  readonly rows: readonly MessageRow[];
}

const MESSAGE_IDS = sql<readonly [key: number, email: number, messageId: string | null]>(
  'SELECT email_key, email_id, message_id FROM email WHERE email_key > ? AND email_key <= ? ORDER BY email_key LIMIT ?',
);
const PLACES = sql<readonly [mailbox: number, uid: number]>(
  'SELECT mailbox_id, uid FROM message WHERE account_id = ? AND email_id = ? ORDER BY mailbox_id, uid',
);

/** The messages that are meant, at most PAGE_ROWS at a time. @throws Refused `mailbox.missing` when the backup has no such folder */
export async function* selected(
  backup: BackedUpStore,
  account: BackedUpAccount,
  selection: Selection,
): AsyncGenerator<FoundPage, void, void> {
  const mailboxes = await foldersOf(backup, account, selection.folder);
  const pages =
    selection.messageId === undefined
      ? pagesOf(backup, account, mailboxes)
      : withMessageId(backup, account, mailboxes, readMessageId(selection.messageId) ?? selection.messageId);
  const { query } = selection;
  for await (const page of pages) {
    const rows = query === undefined ? page.rows : await withWords(backup, account, page.rows, query);
    if (rows.length > 0) yield { mailbox: page.mailbox, rows };
  }
}

/** The folder with this name at the backup and those below it; all when none is named. @throws Refused `mailbox.missing` */
export async function foldersOf(
  backup: BackedUpStore,
  account: BackedUpAccount,
  folder: string | undefined,
): Promise<readonly Mailbox[]> {
  const all = await listMailboxes(backup.tx, account.id);
  if (folder === undefined) return all;
  const path = canonicalPath(folder);
  const found = all.filter((mailbox) => mailbox.path === path || mailbox.path.startsWith(`${path}/`));
  if (found.length > 0) return found;
  throw new Refused(
    'mailbox.missing',
    `The backup has no folder “${path}” of this account. “rainmail restore list” shows those it has.`,
  );
}

/** A folder's name as it is kept. */
export function canonicalPath(folder: string): string {
  return folder.normalize('NFC').replace(/^inbox(?=\/|$)/i, 'INBOX');
}

async function* pagesOf(
  backup: BackedUpStore,
  account: BackedUpAccount,
  mailboxes: readonly Mailbox[],
): AsyncGenerator<FoundPage, void, void> {
  for (const mailbox of mailboxes) {
    for (let after = 0; ; await setImmediate()) {
      const rows = await backup.tx.all(MESSAGES_ABOVE, account.id, mailbox.id, after, PAGE_ROWS);
      if (rows.length > 0) yield { mailbox, rows };
      if (rows.length < PAGE_ROWS) break;
      after = rows.at(-1)![0];
    }
  }
}

/** Looks through the Message-IDs of all emails: there is no index, but a million take a second. */
async function* withMessageId(
  backup: BackedUpStore,
  account: BackedUpAccount,
  mailboxes: readonly Mailbox[],
  messageId: string,
): AsyncGenerator<FoundPage, void, void> {
  const byId = new Map(mailboxes.map((mailbox) => [mailbox.id as number, mailbox]));
  const [first, last] = emailKeysOf(account.id);
  for (let after = first - 1; ; await setImmediate()) {
    const emails = await backup.tx.all(MESSAGE_IDS, after, last, PAGE_ROWS);
    for (const [, email, found] of emails) {
      if (found !== messageId) continue;
      for (const [place, uid] of await backup.tx.all(PLACES, account.id, email)) {
        const mailbox = byId.get(place);
        if (mailbox !== undefined)
          yield { mailbox, rows: await readMessages(backup.tx, account.id, mailbox.id, [uid as Uid]) };
      }
    }
    if (emails.length < PAGE_ROWS) return;
    after = emails.at(-1)![0];
  }
}

async function withWords(
  backup: BackedUpStore,
  account: BackedUpAccount,
  rows: readonly MessageRow[],
  query: string,
): Promise<MessageRow[]> {
  const matches = hasWords(query);
  const wanted = new Set<EmailId>();
  for (const { email, analysis } of await recordsOf(backup, account, rows)) {
    const { displayFrom: from, displayTo: to, subject, preview, messageId, envelope } = analysis;
    if (matches({ from, to, subject, preview, messageId, envelope })) wanted.add(email);
  }
  return rows.filter((row) => wanted.has(row[2] as EmailId));
}

/** The emails of messages; those that are gone are left out. */
export function recordsOf(
  backup: BackedUpStore,
  account: BackedUpAccount,
  rows: readonly MessageRow[],
): Promise<EmailRecord[]> {
  const emails = [...new Set(rows.map((row) => row[2] as EmailId))];
  return readEmails(backup.tx, account.id, emails);
}
