/**
 * What finally goes: retained messages past their time or beyond the account's cap, with the email and body nobody else needs, and old
 * tombstones. Everything in bounded chunks; each is complete in itself.
 */
import { HEADER_BYTES } from '../bodies/record.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds } from '../ids.ts';
import { emailKey, emailKeysOf } from './email-key.ts';

type RetainedRow = readonly [account: number, item: number, email: number, size: number];

type EmailBody = readonly [key: number, segment: number, start: number, storedLength: number];

const EXPIRED = sql<RetainedRow>(`
  SELECT account_id, item_id, email_id, size FROM retained WHERE expires < ? ORDER BY expires, account_id LIMIT ?`);
const OLDEST = sql<RetainedRow>(`
  SELECT account_id, item_id, email_id, size FROM retained WHERE account_id = ? ORDER BY removed LIMIT ?`);
const OVER_CAP = sql<readonly [account: number, retainedBytes: number]>(
  'SELECT account_id, retained_bytes FROM account WHERE retained_bytes > ? LIMIT 1',
);
const DELETE_RETAINED = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const UNCOUNT = sql(`
  UPDATE account SET retained_bytes = retained_bytes - ?, retained_count = retained_count - 1 WHERE account_id = ?`);
const IN_MAILBOX = sql<readonly [uid: number]>('SELECT uid FROM message WHERE account_id = ? AND email_id = ? LIMIT 1');
const IN_RETAINED = sql<readonly [item: number]>(
  'SELECT item_id FROM retained WHERE account_id = ? AND email_id = ? LIMIT 1',
);
const EMAIL_BODY = sql<EmailBody>('SELECT email_key, segment_id, start, stored_length FROM email WHERE email_key = ?');
const DELETE_EMAIL = sql('DELETE FROM email WHERE email_key = ?');
const SHARED = sql<readonly [key: number]>('SELECT email_key FROM email WHERE segment_id = ? AND start = ? LIMIT 1');
const ADD_DEAD = sql(`
  INSERT INTO segment (segment_id, dead_bytes) VALUES (?, ?)
  ON CONFLICT (segment_id) DO UPDATE SET dead_bytes = segment.dead_bytes + excluded.dead_bytes`);

const SOME_EMAILS = sql<EmailBody>(
  'SELECT email_key, segment_id, start, stored_length FROM email WHERE email_key BETWEEN ? AND ? LIMIT ?',
);

const OLD_TOMBSTONES = sql<readonly [account: number, modseq: number, mailbox: number, uid: number]>(
  'SELECT account_id, modseq, mailbox_id, uid FROM expunged WHERE account_id = ? AND at < ? ORDER BY modseq LIMIT ?',
);
const DELETE_TOMBSTONE = sql('DELETE FROM expunged WHERE account_id = ? AND modseq = ? AND mailbox_id = ? AND uid = ?');
const RAISE_MIN_MODSEQ = sql('UPDATE account SET min_modseq = ? WHERE account_id = ? AND min_modseq < ?');
const ACCOUNTS_AFTER = sql<readonly [account: number]>(
  'SELECT account_id FROM account WHERE account_id > ? ORDER BY account_id LIMIT ?',
);

/** Purges up to `limit` retained messages past their time. @returns how many */
export async function purgeExpired(tx: Writer, now: EpochSeconds, limit: number): Promise<number> {
  return purge(tx, await tx.all(EXPIRED, now, limit));
}

/** Purges the oldest retained messages of one account above the cap. @returns how many; 0 when none is above */
export async function purgeAboveCap(tx: Writer, capBytes: number, limit: number): Promise<number> {
  const over = await tx.get(OVER_CAP, capBytes);
  if (over === undefined) return 0;
  let excess = over[1] - capBytes;
  const rows: RetainedRow[] = [];
  for (const row of await tx.all(OLDEST, over[0], limit)) {
    if (excess <= 0) break;
    rows.push(row);
    excess -= row[3];
  }
  return purge(tx, rows);
}

async function purge(tx: Writer, rows: readonly RetainedRow[]): Promise<number> {
  for (const [account, item, email, size] of rows) {
    await tx.run(DELETE_RETAINED, account, item);
    await tx.run(UNCOUNT, size, account);
    await dropEmailIfUnused(tx, account as AccountId, email as EmailId);
  }
  return rows.length;
}

/** Deletes an email, and with it its body, when neither a mailbox nor undelete has it any more. */
export async function dropEmailIfUnused(tx: Writer, account: AccountId, email: EmailId): Promise<void> {
  if ((await tx.get(IN_MAILBOX, account, email)) !== undefined) return;
  if ((await tx.get(IN_RETAINED, account, email)) !== undefined) return;
  const row = await tx.get(EMAIL_BODY, emailKey(account, email));
  if (row !== undefined) await dropEmail(tx, row);
}

/** Deletes up to `limit` emails of an account whose messages are gone. @returns how many */
export async function dropEmails(tx: Writer, account: AccountId, limit: number): Promise<number> {
  const rows = await tx.all(SOME_EMAILS, ...emailKeysOf(account), limit);
  for (const row of rows) await dropEmail(tx, row);
  return rows.length;
}

/** The bytes of its body are dead when no other recipient's row points at them. */
async function dropEmail(tx: Writer, [key, segment, start, storedLength]: EmailBody): Promise<void> {
  await tx.run(DELETE_EMAIL, key);
  if ((await tx.get(SHARED, segment, start)) === undefined)
    await tx.run(ADD_DEAD, segment, storedLength + HEADER_BYTES);
}

/** Accounts in order of id, a page at a time. */
export async function accountsAfter(tx: Reader, after: AccountId, limit: number): Promise<AccountId[]> {
  return (await tx.all(ACCOUNTS_AFTER, after, limit)).map(([account]) => account as AccountId);
}

/** Prunes tombstones of one account from before a time; a client that knows less starts afresh from then on. @returns how many */
export async function pruneTombstones(
  tx: Writer,
  account: AccountId,
  before: EpochSeconds,
  limit: number,
): Promise<number> {
  const rows = await tx.all(OLD_TOMBSTONES, account, before, limit);
  const newest = rows.at(-1);
  if (newest === undefined) return 0;
  for (const [, modseq, mailbox, uid] of rows) await tx.run(DELETE_TOMBSTONE, account, modseq, mailbox, uid);
  await tx.run(RAISE_MIN_MODSEQ, newest[1], account, newest[1]);
  return rows.length;
}
