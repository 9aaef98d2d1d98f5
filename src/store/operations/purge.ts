/**
 * What finally goes: retained messages past their time or beyond the account's cap, with the email and body nobody else needs, and old
 * tombstones. Everything in bounded chunks; each is complete in itself.
 */
import { HEADER_BYTES } from '../bodies/record.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import { forgetItem } from './devices.ts';
import { emailKey, emailKeysOf } from './email-key.ts';
import { assertNotHeld, isHeld } from './hold.ts';
import { recordChange } from './trace.ts';

type RetainedRow = readonly [item: number, email: number, size: number, expires: number];

/** In place of the time until which a message is kept: somebody asked to purge it while a session leased it. It is not listed any more. */
export const PURGE_ASKED = 0;

type EmailBody = readonly [key: number, segment: number, start: number, storedLength: number];

/** Accounts with what may be purged. One that is held answers at once, whatever it keeps. */
const DUE = sql<readonly [account: number, isDue: number]>(`
  SELECT a.account_id, CASE WHEN a.legal_hold = 0 AND (a.retained_bytes > ?
      OR EXISTS (SELECT 1 FROM retained r WHERE r.account_id = a.account_id AND r.expires < ?)) THEN 1 ELSE 0 END
  FROM account a WHERE a.account_id > ? ORDER BY a.account_id LIMIT ?`);
const EXPIRED = sql<RetainedRow>(
  'SELECT item_id, email_id, size, expires FROM retained WHERE account_id = ? AND expires < ? AND removed < ? ORDER BY expires LIMIT ?',
);
const OLDEST = sql<RetainedRow>(
  'SELECT item_id, email_id, size, expires FROM retained WHERE account_id = ? AND removed < ? ORDER BY removed LIMIT ?',
);
const ONE = sql<readonly [...row: RetainedRow, removed: number]>(
  'SELECT item_id, email_id, size, expires, removed FROM retained WHERE account_id = ? AND item_id = ?',
);
const ASK_TO_PURGE = sql(`UPDATE retained SET expires = ${PURGE_ASKED} WHERE account_id = ? AND item_id = ?`);
const RETAINED_BYTES = sql<readonly [bytes: number]>('SELECT retained_bytes FROM account WHERE account_id = ?');
const DELETE_RETAINED = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const UNCOUNT = sql(`
  UPDATE account SET retained_bytes = retained_bytes - ?, retained_count = retained_count - ? WHERE account_id = ?`);
const IN_MAILBOX = sql<readonly [uid: number]>('SELECT uid FROM message WHERE account_id = ? AND email_id = ? LIMIT 1');
const IN_RETAINED = sql<readonly [item: number]>(
  'SELECT item_id FROM retained WHERE account_id = ? AND email_id = ? LIMIT 1',
);
const IN_QUEUE = sql<readonly [queue: number]>(
  'SELECT queue_id FROM queue_message WHERE account_id = ? AND email_id = ? LIMIT 1',
);
const EMAIL_BODY = sql<EmailBody>('SELECT email_key, segment_id, start, stored_length FROM email WHERE email_key = ?');
const DELETE_EMAIL = sql('DELETE FROM email WHERE email_key = ?');
const SHARED = sql<readonly [key: number]>('SELECT email_key FROM email WHERE segment_id = ? AND start = ? LIMIT 1');
const ADD_DEAD = sql(`
  INSERT INTO segment (segment_id, dead_bytes, purged) VALUES (?, ?, ?)
  ON CONFLICT (segment_id) DO UPDATE SET dead_bytes = segment.dead_bytes + excluded.dead_bytes, purged = segment.purged + excluded.purged`);

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

export interface Purged {
  readonly messages: number;
  readonly bytes: number;
}

/** A page of accounts, with those that have something to purge: past its time, or above the cap. */
export async function accountsDue(
  tx: Reader,
  after: AccountId,
  { now, capBytes, limit }: { readonly now: EpochSeconds; readonly capBytes: number; readonly limit: number },
): Promise<{ readonly due: AccountId[]; readonly last: AccountId | undefined }> {
  const rows = await tx.all(DUE, capBytes, now, after, limit);
  const due = rows.filter(([, isDue]) => isDue === 1).map(([account]) => account as AccountId);
  return { due, last: rows.length < limit ? undefined : (rows.at(-1)![0] as AccountId) };
}

export interface PurgeBounds {
  /** Most messages. */
  readonly limit: number;
  /** What was removed then or later stays: open sessions may retrieve it ({@link Leases.since}). */
  readonly leasedSince: EpochSeconds;
  /** Who does it; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

/** Purges retained messages of one account that are past their time. Nothing of a held one. */
export async function purgeExpired(
  tx: Writer,
  account: AccountId,
  now: EpochSeconds,
  { limit, leasedSince, by }: PurgeBounds,
): Promise<Purged> {
  if (await isHeld(tx, account)) return NOTHING;
  return purge(tx, account, await tx.all(EXPIRED, account, now, leasedSince, limit), { onRequest: false, by });
}

/** Purges the oldest retained messages of one account above the cap. Nothing of a held one. */
export async function purgeAboveCap(
  tx: Writer,
  account: AccountId,
  capBytes: number,
  { limit, leasedSince, by }: PurgeBounds,
): Promise<Purged> {
  let excess = ((await tx.get(RETAINED_BYTES, account))?.[0] ?? 0) - capBytes;
  if (excess <= 0 || (await isHeld(tx, account))) return NOTHING;
  const rows: RetainedRow[] = [];
  for (const row of await tx.all(OLDEST, account, leasedSince, limit)) {
    if (excess <= 0) break;
    rows.push(row);
    excess -= row[2];
  }
  return purge(tx, account, rows, { onRequest: false, by });
}

/**
 * Purges these retained messages because somebody asked for it; those that are gone are left out. The segments that held them are marked, so
 * that the next sweep rewrites them: what was purged is then in no file any more. One that is leased is marked instead, and purged as past its
 * time when that is over; nobody can bring it back meanwhile.
 * @returns `leased`: how many are only marked
 * @throws Refused `account.held`
 */
export async function purgeItems(
  tx: Writer,
  account: AccountId,
  items: readonly ItemId[],
  { leasedSince, by }: Omit<PurgeBounds, 'limit'>,
): Promise<Purged & { readonly leased: number }> {
  await assertNotHeld(tx, account);
  const rows: RetainedRow[] = [];
  let leased = 0;
  for (const item of items) {
    const row = await tx.get(ONE, account, item);
    if (row === undefined) continue;
    const [, email, size, expires, removed] = row;
    if (removed < leasedSince) rows.push([item, email, size, expires]);
    else leased += await tx.run(ASK_TO_PURGE, account, item);
  }
  return { ...(await purge(tx, account, rows, { onRequest: true, by })), leased };
}

const NOTHING: Purged = { messages: 0, bytes: 0 };

async function purge(
  tx: Writer,
  account: AccountId,
  rows: readonly RetainedRow[],
  { onRequest, by }: { readonly onRequest: boolean } & Pick<PurgeBounds, 'by'>,
): Promise<Purged> {
  let bytes = 0;
  for (const [item, email, size, expires] of rows) {
    await tx.run(DELETE_RETAINED, account, item);
    await forgetItem(tx, account, item as ItemId);
    await dropEmailIfUnused(tx, account, email as EmailId, onRequest || expires === PURGE_ASKED);
    bytes += size;
  }
  if (rows.length > 0) await tx.run(UNCOUNT, bytes, rows.length, account);
  await recordChange(
    tx,
    account,
    by,
    'purged',
    rows.map((row) => row[1]),
  );
  return { messages: rows.length, bytes };
}

/** Deletes an email, and with it its body, when neither a mailbox nor undelete nor the queue has it any more. */
export async function dropEmailIfUnused(
  tx: Writer,
  account: AccountId,
  email: EmailId,
  onRequest = false,
): Promise<void> {
  if ((await tx.get(IN_MAILBOX, account, email)) !== undefined) return;
  if ((await tx.get(IN_RETAINED, account, email)) !== undefined) return;
  if ((await tx.get(IN_QUEUE, account, email)) !== undefined) return;
  const row = await tx.get(EMAIL_BODY, emailKey(account, email));
  if (row !== undefined) await dropEmail(tx, row, onRequest);
}

/** Deletes up to `limit` emails of an account whose messages are gone. @returns how many */
export async function dropEmails(tx: Writer, account: AccountId, limit: number): Promise<number> {
  const rows = await tx.all(SOME_EMAILS, ...emailKeysOf(account), limit);
  for (const row of rows) await dropEmail(tx, row, false);
  return rows.length;
}

/** The bytes of its body are dead when no other recipient's row points at them. */
async function dropEmail(
  tx: Writer,
  [key, segment, start, storedLength]: EmailBody,
  onRequest: boolean,
): Promise<void> {
  await tx.run(DELETE_EMAIL, key);
  if ((await tx.get(SHARED, segment, start)) === undefined)
    await tx.run(ADD_DEAD, segment, storedLength + HEADER_BYTES, onRequest ? 1 : 0);
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
