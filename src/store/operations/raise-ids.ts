/**
 * After a restore: no number that was given since the backup is ever given again (docs/decisions/0006-restored-ids.md).
 *
 * What was issued between the backup and the disaster is lost, but clients remember it: UIDs in IMAP caches, item ids in POP3's lists of what
 * was fetched, modseqs of CONDSTORE and QRESYNC. So every counter is raised beyond anything that can have been issued in that time, and every
 * message gets the new modseq, which is above any that a client can know: whatever it believes, it is told how things are.
 *
 * Not for the event loop: it rewrites a row of every message. It runs on a database that nobody serves yet.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { PAGE_ROWS } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EpochSeconds, MailboxId } from '../ids.ts';
import { EMAILS_AN_ACCOUNT } from './email-key.ts';
import { nextUidvalidity } from './mailboxes.ts';

/** How far each kind of number is raised. */
export interface IdGap {
  /** UIDs of each mailbox. */
  readonly uids: number;
  /** Ids of each account: emails, items, mailboxes. */
  readonly ids: number;
  readonly modseqs: number;
  /** Seconds; UIDVALIDITY is a time that never goes back. */
  readonly uidvalidities: number;
  /** Accounts, people, groups, entries of the audit. */
  readonly numbers: number;
}

/**
 * A gap for so many seconds since the backup: what may come at once, and so much for each second on average. One mailbox does not get 200 new
 * messages a second around the clock, nor one account 400 ids (a message takes two).
 */
export function gapAfter(seconds: number): IdGap {
  const elapsed = Math.max(0, Math.ceil(seconds));
  return {
    uids: 2 ** 22 + 200 * elapsed,
    ids: 2 ** 23 + 400 * elapsed,
    modseqs: 2 ** 24 + 100_000 * elapsed,
    // Many mailboxes made in one second run ahead of the clock, at most by as many as an account may have, again and again.
    uidvalidities: 100_000,
    numbers: 10_000 + Math.ceil(elapsed / 60),
  };
}

/** UIDs and ids have 32 bits. A mailbox whose next UID would pass half of them begins anew, with another UIDVALIDITY. */
const HIGHEST_UIDNEXT = 2 ** 31;

/** Expressions on the right see the row as it was. Of ids at most a quarter of what is left is given up. */
const RAISE_ACCOUNTS = sql(`
  UPDATE account SET modseq = modseq + CAST(? AS BIGINT), min_modseq = modseq + CAST(? AS BIGINT),
    next_id = next_id + CASE WHEN next_id + 4 * CAST(? AS BIGINT) > ${EMAILS_AN_ACCOUNT} THEN (${EMAILS_AN_ACCOUNT} - next_id) / 4
      ELSE CAST(? AS BIGINT) END,
    next_uidvalidity = CASE WHEN next_uidvalidity > ? THEN next_uidvalidity ELSE ? END + CAST(? AS BIGINT)`);
const RAISE_COUNTERS = sql('UPDATE counter SET value = value + ?');

const modseqOf = (table: string): string =>
  `UPDATE ${table} SET modseq = (SELECT a.modseq FROM account a WHERE a.account_id = ${table}.account_id)`;
const TOUCH = ['mailbox', 'message', 'person_seen'].map((table) => sql(modseqOf(table)));
/** Below min_modseq nobody asks for them. */
const FORGET_TOMBSTONES = sql('DELETE FROM expunged');

const SHORT_OF_UIDS = sql<readonly [account: number, mailbox: number]>(`
  SELECT account_id, mailbox_id FROM mailbox WHERE uidnext + CAST(? AS BIGINT) > ${HIGHEST_UIDNEXT}
    AND (account_id, mailbox_id) > (?, ?) ORDER BY account_id, mailbox_id LIMIT ?`);
const RENEW = sql('UPDATE mailbox SET uidvalidity = ? WHERE account_id = ? AND mailbox_id = ?');
const RAISE_UIDS = sql(
  `UPDATE mailbox SET uidnext = uidnext + CAST(? AS BIGINT) WHERE uidnext + CAST(? AS BIGINT) <= ${HIGHEST_UIDNEXT}`,
);

/** A deleted mailbox that comes back goes on behind these. 0: it is made anew, with another UIDVALIDITY. */
const RAISE_UIDS_OF_GONE = sql(`
  UPDATE mailbox_gone SET uidnext = CASE WHEN uidnext + CAST(? AS BIGINT) > ${HIGHEST_UIDNEXT} THEN 0 ELSE uidnext + CAST(? AS BIGINT) END
  WHERE uidnext > 0`);

/** What was removed can be brought back as long as if no time had passed since the backup. */
const KEEP_RETAINED = sql('UPDATE retained SET expires = expires + ? WHERE expires > 0');

/**
 * Raises every number of a database that was restored from a backup.
 * @param taken when the backup was taken
 */
export async function raiseIds(tx: Writer, taken: EpochSeconds, now: EpochSeconds): Promise<void> {
  const elapsed = Math.max(0, now - taken);
  const gap = gapAfter(elapsed);
  await tx.run(RAISE_ACCOUNTS, gap.modseqs, gap.modseqs, gap.ids, gap.ids, now, now, gap.uidvalidities);
  await tx.run(RAISE_COUNTERS, gap.numbers);
  for (const statement of TOUCH) await tx.run(statement);
  await tx.run(FORGET_TOMBSTONES);
  for await (const [account, mailbox] of shortOfUids(tx, gap.uids)) {
    await tx.run(RENEW, await nextUidvalidity(tx, account), account, mailbox);
  }
  await tx.run(RAISE_UIDS, gap.uids, gap.uids);
  await tx.run(RAISE_UIDS_OF_GONE, gap.uids, gap.uids);
  await tx.run(KEEP_RETAINED, elapsed);
}

/** The numbers of an account that comes back alone, raised in the same way. */
export function raisedAccount<
  T extends { readonly modseq: number; readonly nextId: number; readonly nextUidvalidity: number },
>(account: T, taken: EpochSeconds, now: EpochSeconds): T {
  const gap = gapAfter(now - taken);
  return {
    ...account,
    modseq: account.modseq + gap.modseqs,
    nextId: account.nextId + Math.min(gap.ids, Math.floor((EMAILS_AN_ACCOUNT - account.nextId) / 4)),
    nextUidvalidity: Math.max(account.nextUidvalidity, now) + gap.uidvalidities,
  };
}

/** The next UID of a mailbox of such an account; undefined: it would run short, and needs another UIDVALIDITY. */
export function raisedUidnext(uidnext: number, taken: EpochSeconds, now: EpochSeconds): number | undefined {
  const raised = uidnext + gapAfter(now - taken).uids;
  return raised > HIGHEST_UIDNEXT ? undefined : raised;
}

/** Mailboxes whose UIDs would run short by the gap. */
async function* shortOfUids(tx: Reader, gap: number): AsyncGenerator<readonly [AccountId, MailboxId], void, void> {
  for (let after: readonly [number, number] = [0, 0]; ; ) {
    const rows = await tx.all(SHORT_OF_UIDS, gap, ...after, PAGE_ROWS);
    for (const [account, mailbox] of rows) yield [account as AccountId, mailbox as MailboxId];
    if (rows.length < PAGE_ROWS) return;
    after = rows.at(-1)!;
  }
}
