/** After an unclean end: rows whose body was not on disk. Nothing of them was acknowledged, so they go as if they had never come. */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, BodyId, EmailId, EpochSeconds, MailboxId } from '../ids.ts';
import type { BodyAddress } from '../types.ts';
import { claim } from './account-row.ts';
import { emailKey } from './email-key.ts';
import { INSERT_TOMBSTONE } from './expunge.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { DELETE_MESSAGE } from './message-row.ts';

const BODIES_FROM = sql<
  readonly [
    account: number,
    body: number,
    hash: Uint8Array,
    segment: number,
    start: number,
    length: number,
    storedLength: number,
    codec: number,
  ]
>(`
  SELECT account_id, body_id, hash, segment_id, start, length, stored_length, codec FROM body
  WHERE (segment_id, start, account_id, body_id) > (?, ?, ?, ?) ORDER BY segment_id, start, account_id, body_id LIMIT ?`);
const MESSAGES_OF_EMAIL = sql<readonly [mailbox: number, uid: number, flags: number, size: number]>(
  'SELECT mailbox_id, uid, flags, size FROM message WHERE account_id = ? AND email_id = ?',
);
const RETAINED_OF_EMAIL = sql<readonly [item: number, size: number]>(
  'SELECT item_id, size FROM retained WHERE account_id = ? AND email_id = ?',
);
const DELETE_RETAINED = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const UNCOUNT = sql(`
  UPDATE account SET used_bytes = used_bytes - ?, used_count = used_count - ?, retained_bytes = retained_bytes - ?,
    retained_count = retained_count - ? WHERE account_id = ?`);
const DELETE_EMAIL = sql('DELETE FROM email WHERE email_key = ?');
const DELETE_BODY = sql('DELETE FROM body WHERE account_id = ? AND body_id = ?');

export interface StoredBody {
  readonly account: AccountId;
  readonly body: BodyId;
  readonly address: BodyAddress;
}

/** Bodies behind a position, in order of it, a page at a time. */
export async function bodiesAfter(
  tx: Reader,
  after: StoredBody | { segment: number; offset: number },
  limit: number,
): Promise<StoredBody[]> {
  const from =
    'address' in after
      ? [after.address.segment, after.address.offset, after.account, after.body]
      : [after.segment, after.offset - 1, 0, 0];
  const rows = await tx.all(BODIES_FROM, ...from, limit);
  return rows.map(([account, body, hash, segment, offset, length, storedLength, codec]) => ({
    account: account as AccountId,
    body: body as BodyId,
    address: { hash, segment, offset, length, storedLength, codec },
  }));
}

/** Removes what stands on a body that never reached the disk, with tombstones. @returns messages removed */
export async function removeUnwritten(tx: Writer, { account, body }: StoredBody, now: EpochSeconds): Promise<number> {
  // The email has its body's number (file-message.ts).
  const email = body as number as EmailId;
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  const used = new CountDelta();
  for (const [mailbox, uid, flags, size] of await tx.all(MESSAGES_OF_EMAIL, account, email)) {
    const delta = new CountDelta();
    delta.remove(flags, size);
    used.add(flags, size);
    await changeMailbox(tx, account, mailbox as MailboxId, modseq, delta);
    await tx.run(DELETE_MESSAGE, account, mailbox, uid);
    await tx.run(INSERT_TOMBSTONE, account, modseq, mailbox, uid, email, now);
    tx.changed({ account, mailbox: mailbox as MailboxId, modseq });
  }
  const retained = new CountDelta();
  for (const [item, size] of await tx.all(RETAINED_OF_EMAIL, account, email)) {
    await tx.run(DELETE_RETAINED, account, item);
    retained.add(0, size);
  }
  await tx.run(UNCOUNT, used.bytes, used.total, retained.bytes, retained.total, account);
  await tx.run(DELETE_EMAIL, emailKey(account, email));
  await tx.run(DELETE_BODY, account, body);
  return used.total;
}
