/**
 * After an unclean end: rows whose body was not on disk. Nothing of them was acknowledged, so they go as if they had never come; and with
 * them what came in the same transaction (MULTIAPPEND is whole or not at all, RFC 3502 6.3.11). It shows by its modseq: nobody can have
 * changed it since, because nobody was shown it before it was durable.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, MailboxId, Modseq } from '../ids.ts';
import { BY_SERVER } from '../trace-types.ts';
import type { BodyAddress } from '../types.ts';
import { claim } from './account-row.ts';
import { emailKey } from './email-key.ts';
import { INSERT_TOMBSTONE } from './expunge.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { listMailboxes } from './mailboxes.ts';
import { DELETE_MESSAGE } from './message-row.ts';
import { dropEmailIfUnused } from './purge.ts';
import { dropQueued } from './queue.ts';
import { recordChange } from './trace.ts';

const BODIES_FROM = sql<
  readonly [
    account: number,
    email: number,
    hash: Uint8Array,
    segment: number,
    start: number,
    length: number,
    storedLength: number,
    codec: number,
  ]
>(`
  SELECT account_id, email_id, hash, segment_id, start, length, stored_length, codec FROM email
  WHERE (segment_id, start, email_key) > (?, ?, ?) ORDER BY segment_id, start, email_key LIMIT ?`);
const ACCOUNT_NAME = sql<readonly [name: string]>('SELECT name FROM account WHERE account_id = ?');
const MESSAGES_OF_EMAIL = sql<readonly [mailbox: number, uid: number, flags: number, size: number]>(
  'SELECT mailbox_id, uid, flags, size FROM message WHERE account_id = ? AND email_id = ?',
);
const CAME_WITH = sql<readonly [email: number]>(`
  SELECT DISTINCT email_id FROM message
  WHERE account_id = ? AND modseq IN (SELECT modseq FROM message WHERE account_id = ? AND email_id = ?) AND email_id <> ?`);
const RETAINED_OF_EMAIL = sql<readonly [item: number, size: number]>(
  'SELECT item_id, size FROM retained WHERE account_id = ? AND email_id = ?',
);
const DELETE_RETAINED = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const UNCOUNT = sql(`
  UPDATE account SET used_bytes = used_bytes - ?, used_count = used_count - ?, retained_bytes = retained_bytes - ?,
    retained_count = retained_count - ? WHERE account_id = ?`);

export interface StoredBody {
  readonly account: AccountId;
  readonly email: EmailId;
  readonly address: BodyAddress;
}

/** Bodies behind a position, in order of it, a page at a time. */
export async function bodiesAfter(
  tx: Reader,
  after: StoredBody | { readonly segment: number; readonly offset: number },
  limit: number,
): Promise<StoredBody[]> {
  const from =
    'address' in after
      ? [after.address.segment, after.address.offset, emailKey(after.account, after.email)]
      : [after.segment, after.offset - 1, 0];
  const rows = await tx.all(BODIES_FROM, ...from, limit);
  return rows.map(([account, email, hash, segment, offset, length, storedLength, codec]) => ({
    account: account as AccountId,
    email: email as EmailId,
    address: { hash, segment, offset, length, storedLength, codec },
  }));
}

/** A message that was removed since its bytes were not on disk. */
export interface Unwritten {
  /** The account's address. */
  readonly account: string;
  /** Whole name of the folder. */
  readonly mailbox: string;
  readonly uid: number;
}

/** Removes what stands on a body that never reached the disk, and what came with it, with tombstones. @returns messages removed */
export async function removeUnwritten(tx: Writer, stored: StoredBody, now: EpochSeconds): Promise<Unwritten[]> {
  const { account, email: unwritten } = stored;
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  const others = await tx.all(CAME_WITH, account, account, unwritten, unwritten);
  const [name] = (await tx.get(ACCOUNT_NAME, account))!;
  const paths = new Map((await listMailboxes(tx, account)).map(({ id, path }) => [id, path]));
  const removed: Unwritten[] = [];
  const emails = [unwritten, ...others.map(([other]) => other as EmailId)];
  await recordChange(tx, account, BY_SERVER, 'unwritten', emails);
  for (const email of emails) {
    for (const { mailbox, uid } of await removeEmail(tx, account, email, modseq, now))
      removed.push({ account: name, mailbox: paths.get(mailbox) ?? `${mailbox}`, uid });
  }
  return removed;
}

async function removeEmail(
  tx: Writer,
  account: AccountId,
  email: EmailId,
  modseq: Modseq,
  now: EpochSeconds,
): Promise<{ mailbox: MailboxId; uid: number }[]> {
  const used = new CountDelta();
  const removed: { mailbox: MailboxId; uid: number }[] = [];
  for (const [mailbox, uid, flags, size] of await tx.all(MESSAGES_OF_EMAIL, account, email)) {
    const delta = new CountDelta();
    delta.remove(flags, size);
    used.add(flags, size);
    await changeMailbox(tx, account, mailbox as MailboxId, modseq, delta);
    await tx.run(DELETE_MESSAGE, account, mailbox, uid);
    await tx.run(INSERT_TOMBSTONE, account, modseq, mailbox, uid, email, now);
    tx.changed({ account, mailbox: mailbox as MailboxId, modseq });
    removed.push({ mailbox: mailbox as MailboxId, uid });
  }
  const retained = new CountDelta();
  for (const [item, size] of await tx.all(RETAINED_OF_EMAIL, account, email)) {
    await tx.run(DELETE_RETAINED, account, item);
    retained.add(0, size);
  }
  await tx.run(UNCOUNT, used.bytes, used.total, retained.bytes, retained.total, account);
  await dropQueued(tx, account, email);
  await dropEmailIfUnused(tx, account, email);
  return removed;
}
