/** Changing flags, one chunk at a time. */
import { Refused } from '../../errors.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { changeFlags, DELETED, type FlagChange, type Flags, MAX_KEYWORDS, sameFlags } from '../flags.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import type { FlagsStored } from '../types.ts';
import { claim } from './account-row.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { joinKeywords, type MessageRow, readMessages, splitKeywords } from './message-row.ts';
import { recordChange } from './trace.ts';

const UPDATE = sql(
  'UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?',
);

export interface StoreFlagsArgs {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  /** Ascending; at most CHUNK_ROWS. */
  readonly uids: readonly Uid[];
  readonly change: FlagChange;
  /** Rows with a higher modseq are left alone (RFC 7162 3.1.3). */
  readonly unchangedSince?: Modseq;
  /** Who does it; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

/** Changes the flags of one chunk, with one modseq. Messages whose flags stay the same keep their modseq. */
export async function storeFlags(
  tx: Writer,
  { account, mailbox, uids, change, unchangedSince, by }: StoreFlagsArgs,
): Promise<FlagsStored> {
  const modified: Uid[] = [];
  const writes: { readonly row: MessageRow; readonly flags: Flags }[] = [];
  const delta = new CountDelta();
  for (const row of await readMessages(tx, account, mailbox, uids)) {
    const old: Flags = { bits: row[3], keywords: splitKeywords(row[4]) };
    const flags = changeFlags(old, change);
    if (unchangedSince !== undefined && row[7] > unchangedSince) modified.push(row[0] as Uid);
    else if (!sameFlags(old, flags)) {
      if (flags.keywords.length > MAX_KEYWORDS) {
        throw new Refused('limit.reached', `A message can have ${MAX_KEYWORDS} keywords.`);
      }
      writes.push({ row, flags });
      delta.remove(old.bits, 0);
      delta.add(flags.bits, 0);
    }
  }
  if (writes.length === 0) return { changed: [], modified };
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  if ((await changeMailbox(tx, account, mailbox, modseq, delta)) === undefined) {
    throw new Refused('mailbox.missing', 'The folder does not exist any more.');
  }
  for (const { row, flags } of writes) {
    await tx.run(UPDATE, flags.bits, joinKeywords(flags), modseq, account, mailbox, row[0]);
  }
  // Other flags say nothing of where a message is.
  const marked = writes.filter(({ row, flags }) => (flags.bits & ~row[3] & DELETED) !== 0);
  const unmarked = writes.filter(({ row, flags }) => (row[3] & ~flags.bits & DELETED) !== 0);
  await recordChange(tx, account, by, 'marked', emailsOf(marked), { from: mailbox });
  await recordChange(tx, account, by, 'unmarked', emailsOf(unmarked), { from: mailbox });
  tx.changed({ account, mailbox, modseq });
  return { changed: writes.map(({ row, flags }) => ({ uid: row[0] as Uid, flags, modseq })), modified };
}

function emailsOf(writes: readonly { readonly row: MessageRow }[]): number[] {
  return writes.map(({ row }) => row[2]);
}
