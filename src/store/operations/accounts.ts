/** Accounts of mail: made with the mailboxes everybody has, removed in chunks. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EpochSeconds, MailboxId, Modseq } from '../ids.ts';
import type { Role } from '../types.ts';
import { assertNotHeld } from './hold.ts';
import { INBOX, insertMailbox, TOP } from './mailboxes.ts';
import { dropEmails } from './purge.ts';

/** What a new account has, subscribed, with its special use (RFC 6154). INBOX first: it has id 1. */
const STANDARD_MAILBOXES: readonly (readonly [name: string, role: Role])[] = [
  ['INBOX', 'inbox'],
  ['Drafts', 'drafts'],
  ['Sent', 'sent'],
  ['Archive', 'archive'],
  ['Junk', 'junk'],
  ['Trash', 'trash'],
];

const COUNT = sql<readonly [value: number]>(`
  INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value`);

const INSERT = sql(`
  INSERT INTO account (account_id, name, state, modseq, min_modseq, next_id, next_uidvalidity, used_bytes, used_count, retained_bytes,
    retained_count, quota_bytes, created) VALUES (?, ?, ?, 1, 0, ?, ?, 0, 0, 0, 0, ?, ?)`);

const USAGE = sql<readonly [usedBytes: number, usedCount: number, quotaBytes: number | null, retainedBytes: number]>(
  'SELECT used_bytes, used_count, quota_bytes, retained_bytes FROM account WHERE account_id = ?',
);

/** The next number of a kind that does not belong to an account (`account`, `domain`, ...). Never one twice. */
export async function nextNumber(tx: Writer, kind: string): Promise<number> {
  return nextNumbers(tx, kind, 1);
}

/** So many of them, one after the other. @returns the first */
export async function nextNumbers(tx: Writer, kind: string, count: number): Promise<number> {
  const [last] = (await tx.get(COUNT, kind, count))!;
  return last - count + 1;
}

/** Makes an account with its standard mailboxes. The name must be free: the directory sees to it. */
export async function createAccount(
  tx: Writer,
  account: { readonly name: string; readonly quotaBytes: number | null; readonly now: EpochSeconds },
): Promise<AccountId> {
  const id = (await nextNumber(tx, 'account')) as AccountId;
  await tx.run(
    INSERT,
    id,
    account.name,
    'active',
    STANDARD_MAILBOXES.length + 1,
    account.now,
    account.quotaBytes,
    account.now,
  );
  for (const [index, [name, role]] of STANDARD_MAILBOXES.entries()) {
    const mailbox = (INBOX + index) as MailboxId;
    await insertMailbox(tx, {
      account: id,
      id: mailbox,
      parent: TOP,
      name,
      role,
      modseq: 1 as Modseq,
      subscribed: true,
    });
  }
  tx.changed({ account: id, modseq: 1 as Modseq, mailboxes: true });
  return id;
}

/** What an account uses, or undefined when there is no such account. */
export async function accountUsage(
  tx: Reader,
  account: AccountId,
): Promise<{ usedBytes: number; messages: number; quotaBytes: number | null; retainedBytes: number } | undefined> {
  const row = await tx.get(USAGE, account);
  if (row === undefined) return undefined;
  return { usedBytes: row[0], messages: row[1], quotaBytes: row[2], retainedBytes: row[3] };
}

/**
 * Marks an account as removed: from here nobody can sign in or file anything. Its name is free at once; its mail goes in chunks
 * ({@link removeSome}), which housekeeping resumes after a restart.
 * @throws Refused `account.held` while it is under legal hold
 */
export async function markRemoved(tx: Writer, account: AccountId): Promise<void> {
  await assertNotHeld(tx, account);
  await tx.run(MARK_REMOVED, account, account);
  tx.changed({ account, modseq: 0 as Modseq, mailboxes: true });
}

const MARK_REMOVED = sql(
  "UPDATE account SET state = 'removed', name = '#removed/' || CAST(? AS TEXT) WHERE account_id = ?",
);
/** What it sent goes out first: it was taken for that. */
const REMOVED = sql<readonly [account: number]>(`
  SELECT account_id FROM account a WHERE state = 'removed' AND legal_hold = 0
    AND NOT EXISTS (SELECT 1 FROM queue_message q WHERE q.account_id = a.account_id) LIMIT 1`);

/** What leads with account_id, but for emails, which go last; rows that point at others first. Key columns identify a row for a bounded delete. */
const TABLES_OF_MAIL: readonly (readonly [table: string, key: string])[] = [
  ['message', 'mailbox_id, uid'],
  ['retained', 'item_id'],
  ['expunged', 'modseq, mailbox_id, uid'],
  ['mailbox_gone', 'modseq, mailbox_id'],
  ['thread_ref', 'ref'],
  ['person_seen', 'mailbox_id, person_id'],
  ['acl', 'mailbox_id, grantee'],
  ['subscription', 'path'],
  ['ledger', 'day, protocol, device'],
  ['origin', 'source, key'],
  ['sent_copy', 'message_id, sender, item_id'],
  ['device_message', 'item_id, credential_id'],
  ['device', 'credential_id'],
  ['mailbox', 'mailbox_id'],
];

const DELETE_SOME = TABLES_OF_MAIL.map(([table, key]) =>
  sql(
    `DELETE FROM ${table} WHERE account_id = ? AND (${key}) IN (SELECT ${key} FROM ${table} WHERE account_id = ? LIMIT ?)`,
  ),
);
const DELETE_ACCOUNT = sql('DELETE FROM account WHERE account_id = ?');

/** An account whose mail still has to go, if there is one. */
export async function findRemoved(tx: Reader): Promise<AccountId | undefined> {
  const row = await tx.get(REMOVED);
  return row?.[0] as AccountId | undefined;
}

/** Deletes up to `rows` rows of a removed account. @returns false when all of it is gone */
export async function removeSome(tx: Writer, account: AccountId, rows: number): Promise<boolean> {
  for (const statement of DELETE_SOME) {
    if ((await tx.run(statement, account, account, rows)) > 0) return true;
  }
  if ((await dropEmails(tx, account, rows)) > 0) return true;
  await tx.run(DELETE_ACCOUNT, account);
  return false;
}
