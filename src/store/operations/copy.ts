/** COPY and MOVE between mailboxes of one account. The email and its body are shared; nothing is read or written but rows. */
import { Refused } from '../../errors.ts';
import type { Writer } from '../engine/engine.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Modseq, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import type { UidsCopied } from '../types.ts';
import { claim, overQuota, quotaRefusal } from './account-row.ts';
import { INSERT_TOMBSTONE } from './expunge.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { DELETE_MESSAGE, insertMessage, type MessageRow, readMessages, splitKeywords } from './message-row.ts';
import { recordChange } from './trace.ts';

export interface CopyArgs {
  readonly account: AccountId;
  readonly from: MailboxId;
  /** Ascending; those that are gone are left out. */
  readonly uids: readonly Uid[];
  readonly to: MailboxId;
  readonly now: EpochSeconds;
  /** Who does it; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

/** Copies all or none. A copy is a new item with the same email. @throws Refused `quota.exceeded`, `mailbox.missing` */
export async function copyMessages(tx: Writer, { account, from, uids, to, now, by }: CopyArgs): Promise<UidsCopied> {
  const rows = await readMessages(tx, account, from, uids);
  const delta = counted(rows);
  const claimed = await claim(tx, account, { ids: rows.length, bytes: delta.bytes, messages: rows.length });
  if (rows.length > 0 && overQuota(claimed)) throw quotaRefusal(claimed);
  const changed = await changeMailbox(tx, account, to, claimed.modseq, delta, rows.length);
  if (changed === undefined) throw new Refused('mailbox.missing', 'The folder to copy to does not exist.');
  for (const [index, row] of rows.entries()) {
    await insert(tx, {
      account,
      to,
      row,
      uid: changed.firstUid + index,
      item: claimed.firstId + index,
      modseq: claimed.modseq,
      now,
      uidl: null,
    });
  }
  await recordChange(tx, account, by, 'copied', emailsOf(rows), { from, to });
  tx.changed({ account, mailbox: to, modseq: claimed.modseq });
  return copied(rows, changed.firstUid, changed.uidvalidity);
}

/** Moves one chunk, whole: an item keeps its identity (and so its UIDL), and is never in both mailboxes or in neither. */
export async function moveMessages(tx: Writer, { account, from, uids, to, now, by }: CopyArgs): Promise<UidsCopied> {
  const rows = await readMessages(tx, account, from, uids);
  const delta = counted(rows);
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  const changed = await changeMailbox(tx, account, to, modseq, delta, rows.length);
  if (changed === undefined) throw new Refused('mailbox.missing', 'The folder to move to does not exist.');
  const taken = new CountDelta();
  for (const row of rows) taken.remove(row[3], row[5]);
  await changeMailbox(tx, account, from, modseq, taken);
  for (const [index, row] of rows.entries()) {
    await tx.run(DELETE_MESSAGE, account, from, row[0]);
    await tx.run(INSERT_TOMBSTONE, account, modseq, from, row[0], row[2], now);
    await insert(tx, { account, to, row, uid: changed.firstUid + index, item: row[1], modseq, now, uidl: row[9] });
  }
  await recordChange(tx, account, by, 'moved', emailsOf(rows), { from, to });
  tx.changed({ account, mailbox: from, modseq });
  tx.changed({ account, mailbox: to, modseq });
  return copied(rows, changed.firstUid, changed.uidvalidity);
}

function emailsOf(rows: readonly MessageRow[]): number[] {
  return rows.map((row) => row[2]);
}

function counted(rows: readonly MessageRow[]): CountDelta {
  const delta = new CountDelta();
  for (const row of rows) delta.add(row[3], row[5]);
  return delta;
}

function copied(rows: readonly MessageRow[], firstUid: Uid, uidvalidity: number): UidsCopied {
  return {
    uidvalidity,
    from: rows.map((row) => row[0] as Uid),
    uids: rows.map((_, index) => (firstUid + index) as Uid),
  };
}

interface Inserted {
  readonly account: AccountId;
  readonly to: MailboxId;
  readonly row: MessageRow;
  readonly uid: number;
  readonly item: number;
  readonly modseq: Modseq;
  readonly now: EpochSeconds;
  readonly uidl: string | null;
}

/** RFC 9051 6.4.7: flags and INTERNALDATE are kept. */
async function insert(tx: Writer, { account, to, row, uid, item, modseq, now, uidl }: Inserted): Promise<void> {
  await insertMessage(tx, account, to, {
    uid: uid as Uid,
    item: item as ItemId,
    email: row[2] as EmailId,
    flags: { bits: row[3], keywords: splitKeywords(row[4]) },
    size: row[5],
    received: row[6],
    modseq,
    saved: now,
    uidl,
  });
}
