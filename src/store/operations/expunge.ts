/**
 * Removing messages. A removed message leaves a tombstone, which tells other clients that it went, and becomes a row of `retained`,
 * from which it can be restored; its body stays until that row is purged.
 */
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { DELETED } from '../flags.ts';
import type { AccountId, EpochSeconds, MailboxId, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import { claim, countRetained } from './account-row.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { DELETE_MESSAGE, readMessages } from './message-row.ts';
import type { Place } from './place.ts';
import { recordChange } from './trace.ts';

export const INSERT_TOMBSTONE = sql(`
  INSERT INTO expunged (account_id, modseq, mailbox_id, uid, email_id, at) VALUES (?, ?, ?, ?, ?, ?)`);

const RETAIN = sql(`
  INSERT INTO retained (account_id, item_id, email_id, mailbox_id, mailbox_path, mailbox_ids, mailbox_role, uid, flags, keywords, size,
    received, saved, uidl, removed, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);

export interface ExpungeArgs {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  /** Where undelete puts the messages back. */
  readonly place: Place;
  /** Ascending. */
  readonly uids: readonly Uid[];
  /** Leave those without \Deleted. */
  readonly onlyDeleted: boolean;
  readonly now: EpochSeconds;
  /** When what is retained may be purged. */
  readonly expires: EpochSeconds;
  /** Who removes them; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

/** Removes what is there of `uids`, with one modseq. @returns the UIDs that were removed, ascending */
export async function expungeMessages(tx: Writer, args: ExpungeArgs): Promise<Uid[]> {
  const { account, mailbox, place, uids, onlyDeleted, now, expires, by } = args;
  const rows = (await readMessages(tx, account, mailbox, uids)).filter(
    (row) => !onlyDeleted || (row[3] & DELETED) !== 0,
  );
  if (rows.length === 0) return [];
  const delta = new CountDelta();
  for (const row of rows) delta.remove(row[3], row[5]);
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  await changeMailbox(tx, account, mailbox, modseq, delta);
  await countRetained(tx, account, -delta.bytes, -delta.total);
  for (const [uid, item, email, flags, keywords, size, received, , saved, uidl] of rows) {
    await tx.run(DELETE_MESSAGE, account, mailbox, uid);
    await tx.run(INSERT_TOMBSTONE, account, modseq, mailbox, uid, email, now);
    await tx.run(
      RETAIN,
      account,
      item,
      email,
      mailbox,
      place.path,
      place.ids,
      place.role,
      uid,
      flags,
      keywords,
      size,
      received,
      saved,
      uidl,
      now,
      expires,
    );
  }
  const emails = rows.map((row) => row[2]);
  await recordChange(tx, account, by, 'removed', emails, { from: mailbox, path: place.path });
  tx.changed({ account, mailbox, modseq });
  return rows.map((row) => row[0] as Uid);
}
