/** The mailbox's row: UIDs, and counts that are kept in the transaction that changes them. */
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { DELETED, SEEN } from '../flags.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../ids.ts';

/** The values are added to what the row has. RETURNING tells the UIDs that were given. */
const CHANGE = sql<readonly [uidnext: number, uidvalidity: number, selectable: number]>(`
  UPDATE mailbox SET uidnext = uidnext + ?, modseq = ?, total = total + ?, unseen = unseen + ?, deleted = deleted + ?,
    size_bytes = size_bytes + ? WHERE account_id = ? AND mailbox_id = ? RETURNING uidnext, uidvalidity, selectable`);

/** What a change adds to (or takes from) a mailbox. */
export class CountDelta {
  total = 0;
  unseen = 0;
  deleted = 0;
  bytes = 0;

  add(flagBits: number, size: number): void {
    this.total++;
    this.bytes += size;
    if ((flagBits & SEEN) === 0) this.unseen++;
    if ((flagBits & DELETED) !== 0) this.deleted++;
  }

  remove(flagBits: number, size: number): void {
    this.total--;
    this.bytes -= size;
    if ((flagBits & SEEN) === 0) this.unseen--;
    if ((flagBits & DELETED) !== 0) this.deleted--;
  }
}

export interface MailboxChanged {
  /** The first of the UIDs asked for. */
  readonly firstUid: Uid;
  readonly uidvalidity: number;
}

/** Adds to the counts and takes `uids` new UIDs. @returns undefined when the mailbox is gone or can't hold messages */
export async function changeMailbox(
  tx: Writer,
  account: AccountId,
  mailbox: MailboxId,
  modseq: Modseq,
  delta: CountDelta,
  uids = 0,
): Promise<MailboxChanged | undefined> {
  const row = await tx.get(
    CHANGE,
    uids,
    modseq,
    delta.total,
    delta.unseen,
    delta.deleted,
    delta.bytes,
    account,
    mailbox,
  );
  if (row === undefined || row[2] === 0) return undefined;
  return { firstUid: (row[0] - uids) as Uid, uidvalidity: row[1] };
}
