/**
 * Legal hold: while an account is held, nothing that was removed from its mailboxes is purged, and the account can't be removed. The people who
 * use it see nothing of it. Whoever purges asks {@link isHeld} in the transaction that purges.
 */
import { Refused } from '../../errors.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EpochSeconds } from '../ids.ts';

const HELD = sql<readonly [since: number, name: string]>(
  'SELECT legal_hold, name FROM account WHERE account_id = ? AND legal_hold > 0',
);
const SET = sql('UPDATE account SET legal_hold = ? WHERE account_id = ? AND legal_hold = 0');
/** What was to be purged as soon as no session leases it is kept again, and listed. */
const KEEP_LEASED = sql('UPDATE retained SET expires = removed WHERE account_id = ? AND expires = 0');
const RELEASE = sql('UPDATE account SET legal_hold = 0 WHERE account_id = ? AND legal_hold > 0');
const PAGE = sql<readonly [name: string, since: number, retainedCount: number, retainedBytes: number]>(`
  SELECT name, legal_hold, retained_count, retained_bytes FROM account WHERE legal_hold > 0 AND name > ? ORDER BY name LIMIT ?`);

export interface Held {
  /** The account's address. */
  readonly account: string;
  readonly since: EpochSeconds;
  /** What was removed and is kept. */
  readonly messages: number;
  readonly bytes: number;
}

export async function isHeld(tx: Reader, account: AccountId): Promise<boolean> {
  return (await tx.get(HELD, account)) !== undefined;
}

/** @throws Refused `account.held` */
export async function assertNotHeld(tx: Reader, account: AccountId): Promise<void> {
  const held = await tx.get(HELD, account);
  if (held === undefined) return;
  const since = new Date(held[0] * 1_000).toISOString().slice(0, 10);
  throw new Refused(
    'account.held',
    `${held[1]} is under legal hold since ${since}: all of its mail has to stay. When that is over: rainmail hold release ${held[1]}`,
  );
}

/** @returns false when it was held already: since when stays */
export async function setHold(tx: Writer, account: AccountId, now: EpochSeconds): Promise<boolean> {
  await tx.run(KEEP_LEASED, account);
  return (await tx.run(SET, now, account)) > 0;
}

/** What is past its time goes at the next housekeeping. @returns false when it was not held */
export async function releaseHold(tx: Writer, account: AccountId): Promise<boolean> {
  return (await tx.run(RELEASE, account)) > 0;
}

/** A page of the held accounts in order of name, after `after`; the last page is shorter than PAGE_ROWS. */
export async function heldAfter(tx: Reader, after: string): Promise<Held[]> {
  const rows = await tx.all(PAGE, after, PAGE_ROWS);
  return rows.map(([account, since, messages, bytes]) => ({ account, since, messages, bytes }));
}
