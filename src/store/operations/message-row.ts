/** One message in one mailbox, as a row. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { Flags } from '../flags.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Modseq, Uid } from '../ids.ts';

export type MessageRow = readonly [
  uid: number,
  item: number,
  email: number,
  flags: number,
  keywords: string | null,
  size: number,
  received: number,
  modseq: number,
  saved: number,
  uidl: string | null,
];

const COLUMNS = 'uid, item_id, email_id, flags, keywords, size, received, modseq, saved, uidl';

/** Messages above a UID, in order of UID: a page of the mailbox. */
export const MESSAGES_ABOVE = sql<MessageRow>(`
  SELECT ${COLUMNS} FROM message WHERE account_id = ? AND mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?`);

const MESSAGES_BETWEEN = sql<MessageRow>(`
  SELECT ${COLUMNS} FROM message WHERE account_id = ? AND mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`);

const MESSAGE = sql<MessageRow>(`SELECT ${COLUMNS} FROM message WHERE account_id = ? AND mailbox_id = ? AND uid = ?`);

const OF_EMAIL = sql<readonly [mailbox: number, ...row: MessageRow]>(
  `SELECT mailbox_id, ${COLUMNS} FROM message WHERE account_id = ? AND email_id = ?`,
);

const INSERT = sql(`
  INSERT INTO message (account_id, mailbox_id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);

export const DELETE_MESSAGE = sql('DELETE FROM message WHERE account_id = ? AND mailbox_id = ? AND uid = ?');

export interface NewMessage {
  readonly uid: Uid;
  readonly item: ItemId;
  readonly email: EmailId;
  readonly flags: Flags;
  readonly size: number;
  readonly received: EpochSeconds;
  readonly modseq: Modseq;
  readonly saved: EpochSeconds;
  readonly uidl: string | null;
}

export async function insertMessage(
  tx: Writer,
  account: AccountId,
  mailbox: MailboxId,
  message: NewMessage,
): Promise<void> {
  const { uid, item, email, flags, size, received, modseq, saved, uidl } = message;
  await tx.run(
    INSERT,
    account,
    mailbox,
    uid,
    item,
    email,
    flags.bits,
    joinKeywords(flags),
    size,
    received,
    modseq,
    saved,
    uidl,
  );
}

/**
 * The rows of these UIDs that exist, in order. `uids` ascending. A dense set is read as one range, a sparse one by key.
 */
export async function readMessages(
  tx: Reader,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly Uid[],
): Promise<MessageRow[]> {
  const first = uids[0];
  const last = uids.at(-1);
  if (first === undefined || last === undefined) return [];
  if (last - first < uids.length * 4) {
    const rows = await tx.all(MESSAGES_BETWEEN, account, mailbox, first, last, last - first + 1);
    if (rows.length <= uids.length && last - first + 1 === uids.length) return rows;
    const wanted = new Set<number>(uids);
    return rows.filter((row) => wanted.has(row[0]));
  }
  const rows: MessageRow[] = [];
  for (const uid of uids) {
    const row = await tx.get(MESSAGE, account, mailbox, uid);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** Where a message is now, wherever it was moved; undefined when it is in no mailbox any more. */
export async function findMessage(
  tx: Reader,
  account: AccountId,
  { item, email }: { readonly item: ItemId; readonly email: EmailId },
): Promise<{ readonly mailbox: MailboxId; readonly row: MessageRow } | undefined> {
  for (const [mailbox, ...row] of await tx.all(OF_EMAIL, account, email)) {
    if (row[1] === item) return { mailbox: mailbox as MailboxId, row };
  }
  return undefined;
}

/** Keywords as one column: names never hold a space (RFC 9051 9, flag-keyword is an atom). */
export function joinKeywords(flags: Flags): string | null {
  return flags.keywords.length === 0 ? null : flags.keywords.join(' ');
}

export function splitKeywords(keywords: string | null): readonly string[] {
  return keywords === null ? NONE : keywords.split(' ');
}

const NONE: readonly string[] = [];
