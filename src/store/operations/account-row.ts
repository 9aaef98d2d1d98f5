/**
 * The account's row: its modseq orders every change of its mail, its next_id gives every id of its mail, its counters are its use.
 *
 * Invariant: whoever changes mail of an account claims a modseq here first, so that on PostgreSQL the row's lock orders the writers, and
 * several accounts are claimed in the order of their ids.
 */
import { Refused } from '../../errors.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, Modseq } from '../ids.ts';

const CLAIM = sql<
  readonly [modseq: number, nextId: number, usedBytes: number, quotaBytes: number | null, state: string]
>(`
  UPDATE account SET modseq = modseq + 1, next_id = next_id + ?, used_bytes = used_bytes + ?, used_count = used_count + ?
  WHERE account_id = ? RETURNING modseq, next_id, used_bytes, quota_bytes, state`);

const IN_QUEUE = sql('SELECT queue_id FROM queue_message WHERE account_id = ? LIMIT 1');

const RETAIN = sql(`
  UPDATE account SET used_bytes = used_bytes - ?, used_count = used_count - ?, retained_bytes = retained_bytes + ?,
    retained_count = retained_count + ? WHERE account_id = ?`);

export interface Claim {
  readonly modseq: Modseq;
  /** The first of the ids asked for. */
  readonly firstId: number;
  readonly usedBytes: number;
  readonly quotaBytes: number | null;
}

export interface ClaimFor {
  readonly ids: number;
  readonly bytes: number;
  readonly messages: number;
  /** For the queue: also of an account that was removed while mail of it waits there, so that it can be said what became of that. */
  readonly toLeave?: true;
}

/** Takes a modseq and ids, and counts what is added. @throws Refused `mailbox.missing` when the account is gone or going */
export async function claim(tx: Writer, account: AccountId, claimed: ClaimFor): Promise<Claim> {
  const { ids, bytes, messages, toLeave } = claimed;
  const row = await tx.get(CLAIM, ids, bytes, messages, account);
  const isThere = row?.[4] !== 'removed' || (toLeave && (await tx.get(IN_QUEUE, account)) !== undefined);
  if (row === undefined || !isThere) throw new Refused('mailbox.missing', 'This account no longer exists.');
  return { modseq: row[0] as Modseq, firstId: row[1] - ids, usedBytes: row[2], quotaBytes: row[3] };
}

/** True when what was claimed goes beyond the account's quota. What only moves or removes never asks. */
export function overQuota(claimed: Claim): boolean {
  return claimed.quotaBytes !== null && claimed.usedBytes > claimed.quotaBytes;
}

/** Moves bytes and messages from what the account uses to what is retained for undelete. */
export async function countRetained(tx: Writer, account: AccountId, bytes: number, messages: number): Promise<void> {
  await tx.run(RETAIN, bytes, messages, bytes, messages, account);
}

/** The refusal a person reads. */
export function quotaRefusal(claimed: Claim): Refused {
  const quota = claimed.quotaBytes ?? 0;
  return new Refused(
    'quota.exceeded',
    `The mailbox is full: it may hold ${size(quota)}. Delete mail that is no longer needed, or ask your administrator for more room.`,
  );
}

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} KB`;
}
