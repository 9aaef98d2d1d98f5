/**
 * What must be true of the rows of one account, checked on one snapshot. Findings are for an administrator: what is wrong, and where.
 */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { DELETED, SEEN } from '../flags.ts';
import type { AccountId } from '../ids.ts';
import { emailKeyOf } from '../operations/email-key.ts';
import { listMailboxes } from '../operations/mailboxes.ts';
import type { Mailbox } from '../types.ts';

/** Rows of a page: a snapshot in a thread of its own may take its time. */
const PAGE = 2_000;

const ACCOUNT = sql<
  readonly [
    name: string,
    modseq: number,
    nextId: number,
    usedBytes: number,
    usedCount: number,
    retainedBytes: number,
    retainedCount: number,
  ]
>(
  `SELECT name, modseq, next_id, used_bytes, used_count, retained_bytes, retained_count FROM account WHERE account_id = ?`,
);

/** A message with what it leans on. */
const MESSAGES = sql<
  readonly [
    uid: number,
    item: number,
    email: number,
    flags: number,
    size: number,
    modseq: number,
    emailSize: number | null,
  ]
>(`
  SELECT m.uid, m.item_id, m.email_id, m.flags, m.size, m.modseq, e.length + length(e.prefix) FROM message m
  LEFT JOIN email e ON e.email_key = ${emailKeyOf('m')}
  WHERE m.account_id = ? AND m.mailbox_id = ? AND m.uid > ? ORDER BY m.uid LIMIT ?`);

const RETAINED = sql<readonly [item: number, size: number, email: number | null]>(`
  SELECT r.item_id, r.size, e.email_key FROM retained r
  LEFT JOIN email e ON e.email_key = ${emailKeyOf('r')}
  WHERE r.account_id = ? AND r.item_id > ? ORDER BY r.item_id LIMIT ?`);

const ORPHANS = sql<readonly [mailbox: number, count: number]>(`
  SELECT m.mailbox_id, count(*) FROM message m LEFT JOIN mailbox x ON x.account_id = m.account_id AND x.mailbox_id = m.mailbox_id
  WHERE m.account_id = ? AND x.mailbox_id IS NULL GROUP BY m.mailbox_id`);

/** Something that is not as it must be. */
export interface Finding {
  /** The account's address, or none for the installation as a whole. */
  readonly account?: string;
  readonly mailbox?: string;
  readonly uid?: number;
  /** What is wrong: stable codes, so that scripts can tell them apart. */
  readonly code: 'database' | 'count' | 'uid' | 'modseq' | 'item' | 'email' | 'body' | 'mailbox' | 'segment';
  readonly text: string;
}

export interface AccountChecked {
  readonly messages: number;
  readonly findings: readonly Finding[];
}

/** Checks all rows of one account. An account that is gone has none. */
export async function checkAccount(tx: Reader, account: AccountId): Promise<AccountChecked> {
  const row = await tx.get(ACCOUNT, account);
  if (row === undefined) return { messages: 0, findings: [] };
  const [name, modseq, nextId, usedBytes, usedCount, retainedBytes, retainedCount] = row;
  const findings: Finding[] = [];
  const find = (finding: Omit<Finding, 'account'>): void => void findings.push({ account: name, ...finding });
  const items = new Set<number>();
  let bytes = 0;
  let messages = 0;
  for (const mailbox of await listMailboxes(tx, account)) {
    const sum = await checkMailbox(tx, mailbox, { modseq, nextId, items }, find);
    bytes += sum.bytes;
    messages += sum.total;
    compareCounts(mailbox, sum, find);
    if (mailbox.parent !== 0 && mailbox.path === mailbox.name) {
      find({ mailbox: mailbox.path, code: 'mailbox', text: `its parent folder ${mailbox.parent} does not exist` });
    }
  }
  for (const [mailbox, count] of await tx.all(ORPHANS, account)) {
    find({
      code: 'mailbox',
      text: `${count} messages are in folder ${mailbox}, which does not exist`,
    });
  }
  if (bytes !== usedBytes || messages !== usedCount) {
    find({
      code: 'count',
      text: `the account counts ${usedCount} messages of ${usedBytes} bytes and has ${messages} of ${bytes}`,
    });
  }
  const retained = await checkRetained(tx, account, items, find);
  if (retained.bytes !== retainedBytes || retained.count !== retainedCount) {
    find({
      code: 'count',
      text: `the account counts ${retainedCount} removed messages of ${retainedBytes} bytes and has ${retained.count} of ${retained.bytes}`,
    });
  }
  return { messages, findings };
}

interface Sums {
  total: number;
  unseen: number;
  deleted: number;
  bytes: number;
}

async function checkMailbox(
  tx: Reader,
  mailbox: Mailbox,
  limits: { readonly modseq: number; readonly nextId: number; readonly items: Set<number> },
  find: (finding: Omit<Finding, 'account'>) => void,
): Promise<Sums> {
  const sums: Sums = { total: 0, unseen: 0, deleted: 0, bytes: 0 };
  const at = (uid: number): { mailbox: string; uid: number } => ({ mailbox: mailbox.path, uid });
  let after = 0;
  for (;;) {
    const rows = await tx.all(MESSAGES, mailbox.account, mailbox.id, after, PAGE);
    for (const [uid, item, email, flags, size, modseq, emailSize] of rows) {
      sums.total++;
      sums.bytes += size;
      if ((flags & SEEN) === 0) sums.unseen++;
      if ((flags & DELETED) !== 0) sums.deleted++;
      if (uid >= mailbox.uidnext)
        find({ ...at(uid), code: 'uid', text: `its UID is not below the folder's next one, ${mailbox.uidnext}` });
      if (modseq > limits.modseq)
        find({ ...at(uid), code: 'modseq', text: `its modseq ${modseq} is above the account's, ${limits.modseq}` });
      if (limits.items.has(item))
        find({ ...at(uid), code: 'item', text: `its unique id ${item} belongs to another message too` });
      if (item >= limits.nextId || email >= limits.nextId) {
        find({ ...at(uid), code: 'item', text: `its ids are not below the account's next one, ${limits.nextId}` });
      }
      limits.items.add(item);
      if (emailSize === null) find({ ...at(uid), code: 'email', text: `its content ${email} has no row` });
      else if (emailSize !== size)
        find({ ...at(uid), code: 'email', text: `it counts ${size} bytes, its content ${emailSize}` });
    }
    if (rows.length < PAGE) return sums;
    after = rows.at(-1)![0];
  }
}

function compareCounts(mailbox: Mailbox, sums: Sums, find: (finding: Omit<Finding, 'account'>) => void): void {
  const pairs = [
    ['messages', mailbox.total, sums.total],
    ['unseen messages', mailbox.unseen, sums.unseen],
    ['deleted messages', mailbox.deleted, sums.deleted],
    ['bytes', mailbox.sizeBytes, sums.bytes],
  ] as const;
  for (const [what, counted, real] of pairs) {
    if (counted !== real)
      find({ mailbox: mailbox.path, code: 'count', text: `the folder counts ${counted} ${what} and has ${real}` });
  }
}

async function checkRetained(
  tx: Reader,
  account: AccountId,
  items: ReadonlySet<number>,
  find: (finding: Omit<Finding, 'account'>) => void,
): Promise<{ bytes: number; count: number }> {
  let bytes = 0;
  let count = 0;
  let after = 0;
  for (;;) {
    const rows = await tx.all(RETAINED, account, after, PAGE);
    for (const [item, size, email] of rows) {
      bytes += size;
      count++;
      if (email === null) find({ code: 'email', text: `the removed message ${item} has lost its content` });
      if (items.has(item))
        find({ code: 'item', text: `the unique id ${item} belongs to a removed message and to a present one` });
    }
    if (rows.length < PAGE) return { bytes, count };
    after = rows.at(-1)![0];
  }
}
