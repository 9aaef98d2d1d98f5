/**
 * Where transferred messages came from. Written with the message in one transaction, so that a transfer which is killed and repeated brings
 * nothing twice and leaves nothing out.
 */
import { Refused } from '../../errors.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, MailboxId, Uid } from '../ids.ts';
import type { Brought } from '../types.ts';

const INSERT = sql(`
  INSERT INTO origin (account_id, source, key, mailbox_id, uid, note) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (account_id, source, key) DO NOTHING`);
const PAGE = sql<readonly [key: string, mailbox: number, uid: number, note: string]>(`
  SELECT key, mailbox_id, uid, note FROM origin WHERE account_id = ? AND source = ? AND key > ? ORDER BY key LIMIT ?`);
const NOTE = sql('UPDATE origin SET note = ? WHERE account_id = ? AND source = ? AND key = ?');
const FORGET = sql('DELETE FROM origin WHERE account_id = ? AND source = ? AND key = ?');
const ONE = sql<readonly [mailbox: number, uid: number, note: string]>(
  'SELECT mailbox_id, uid, note FROM origin WHERE account_id = ? AND source = ? AND key = ?',
);
const FORGET_SOME = sql(`
  DELETE FROM origin WHERE account_id = ? AND source = ? AND key IN
    (SELECT key FROM origin WHERE account_id = ? AND source = ? AND key > ? ORDER BY key LIMIT ?)`);

/** @throws Refused `transfer.busy` when the same message was brought meanwhile: the same transfer runs twice */
export async function recordOrigin(tx: Writer, account: AccountId, brought: Brought): Promise<void> {
  const { source, key, mailbox, uid, note } = brought;
  if ((await tx.run(INSERT, account, source, key, mailbox, uid, note)) > 0) return;
  throw new Refused('transfer.busy', 'The same mail is being brought in by another command. Wait for that one to end.');
}

/** A page of what a transfer brought, in order of key, after `after`; the last page is shorter than PAGE_ROWS. */
export async function broughtAfter(tx: Reader, account: AccountId, source: string, after: string): Promise<Brought[]> {
  const rows = await tx.all(PAGE, account, source, after, PAGE_ROWS);
  return rows.map(([key, mailbox, uid, note]) => ({
    source,
    key,
    mailbox: mailbox as MailboxId,
    uid: uid as Uid,
    note,
  }));
}

/** Notes what the source says now of messages it brought. */
export async function noteOrigins(
  tx: Writer,
  account: AccountId,
  source: string,
  notes: readonly { readonly key: string; readonly note: string }[],
): Promise<void> {
  for (const { key, note } of notes) await tx.run(NOTE, note, account, source, key);
}

/** Forgets where messages came from; the messages stay. */
export async function forgetOrigins(
  tx: Writer,
  account: AccountId,
  source: string,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) await tx.run(FORGET, account, source, key);
}

export async function readOrigin(
  tx: Reader,
  account: AccountId,
  source: string,
  key: string,
): Promise<Brought | undefined> {
  const row = await tx.get(ONE, account, source, key);
  if (row === undefined) return undefined;
  return { source, key, mailbox: row[0] as MailboxId, uid: row[1] as Uid, note: row[2] };
}

/** The same message under another key. Without effect when `old` is not there any more, so that it may be repeated. */
export async function replaceOrigin(tx: Writer, account: AccountId, old: Brought, now: Brought): Promise<void> {
  if ((await tx.run(FORGET, account, old.source, old.key)) > 0) await recordOrigin(tx, account, now);
}

/** Forgets up to `rows` origins after the key `after`. @returns how many */
export async function forgetSome(
  tx: Writer,
  account: AccountId,
  source: string,
  after: string,
  rows: number,
): Promise<number> {
  return tx.run(FORGET_SOME, account, source, account, source, after, rows);
}
