/** What clients that were away must hear of. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../ids.ts';

const MIN_MODSEQ = sql<readonly [minModseq: number]>('SELECT min_modseq FROM account WHERE account_id = ?');
const EXPUNGED = sql<readonly [uid: number]>(
  'SELECT uid FROM expunged WHERE account_id = ? AND modseq > ? AND mailbox_id = ?',
);

/** UIDs removed from a mailbox since a modseq, ascending; null when tombstones from then were pruned (RFC 7162 3.2.6 allows it). */
export async function expungedSince(
  tx: Reader,
  account: AccountId,
  mailbox: MailboxId,
  modseq: Modseq,
): Promise<Uid[] | null> {
  const [minModseq] = (await tx.get(MIN_MODSEQ, account)) ?? [Infinity];
  if (modseq < minModseq) return null;
  const rows = await tx.all(EXPUNGED, account, modseq, mailbox);
  return rows.map(([uid]) => uid as Uid).sort((a, b) => a - b);
}
