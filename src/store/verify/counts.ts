/** Counts are what they count. Last of all rules, since the others move messages. */
import { sql } from '../engine/sql.ts';
import { DELETED, SEEN } from '../flags.ts';
import type { MailboxId } from '../ids.ts';
import type { Inspection } from './inspection.ts';

const COUNTED = sql<
  readonly [mailbox: number, name: string, total: number, unseen: number, deleted: number, bytes: number]
>(`
  SELECT mailbox_id, name, total, unseen, deleted, size_bytes FROM mailbox WHERE account_id = ? ORDER BY mailbox_id`);
const REAL = sql<readonly [total: number, unseen: number, deleted: number, bytes: number]>(`
  SELECT count(*), count(CASE WHEN (flags & ${SEEN}) = 0 THEN 1 END), count(CASE WHEN (flags & ${DELETED}) <> 0 THEN 1 END),
    coalesce(CAST(sum(size) AS BIGINT), 0) FROM message WHERE account_id = ? AND mailbox_id = ?`);
const ACCOUNT = sql<readonly [usedBytes: number, usedCount: number, retainedBytes: number, retainedCount: number]>(
  'SELECT used_bytes, used_count, retained_bytes, retained_count FROM account WHERE account_id = ?',
);
const RETAINED = sql<readonly [count: number, bytes: number]>(
  'SELECT count(*), coalesce(CAST(sum(size) AS BIGINT), 0) FROM retained WHERE account_id = ?',
);
const SET_MAILBOX = sql(`
  UPDATE mailbox SET total = ?, unseen = ?, deleted = ?, size_bytes = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?`);
const SET_USED = sql('UPDATE account SET used_bytes = ?, used_count = ? WHERE account_id = ?');
const SET_RETAINED = sql('UPDATE account SET retained_bytes = ?, retained_count = ? WHERE account_id = ?');

const NAMES = ['messages', 'unseen messages', 'deleted messages', 'bytes'] as const;

export async function checkCounts(inspection: Inspection, paths: ReadonlyMap<MailboxId, string>): Promise<void> {
  const { tx, account } = inspection;
  let [usedCount, usedBytes] = [0, 0];
  for (const [mailbox, name, ...counted] of await tx.all(COUNTED, account)) {
    const real = (await tx.get(REAL, account, mailbox))!;
    usedCount += real[0];
    usedBytes += real[3];
    const wrong = NAMES.flatMap((what, index) =>
      counted[index] === real[index] ? [] : [`${counted[index]} ${what} and has ${real[index]}`],
    );
    if (wrong.length === 0) continue;
    await inspection.find(
      {
        mailbox: paths.get(mailbox as MailboxId) ?? name,
        code: 'count',
        text: `the folder counts ${wrong.join(', ')}`,
      },
      'counted anew',
      async (mender) =>
        void (await mender.tx.run(SET_MAILBOX, ...real, await mender.modseq(mailbox as MailboxId), account, mailbox)),
    );
  }
  const [bytes, count, retainedBytes, retainedCount] = (await tx.get(ACCOUNT, account))!;
  if (bytes !== usedBytes || count !== usedCount) {
    await inspection.find(
      {
        code: 'count',
        text: `the account counts ${count} messages of ${bytes} bytes and has ${usedCount} of ${usedBytes}`,
      },
      'counted anew',
      async (mender) => void (await mender.tx.run(SET_USED, usedBytes, usedCount, account)),
    );
  }
  const [realCount, realBytes] = (await tx.get(RETAINED, account))!;
  if (realBytes !== retainedBytes || realCount !== retainedCount) {
    await inspection.find(
      {
        code: 'count',
        text: `the account counts ${retainedCount} removed messages of ${retainedBytes} bytes and has ${realCount} of ${realBytes}`,
      },
      'counted anew',
      async (mender) => void (await mender.tx.run(SET_RETAINED, realBytes, realCount, account)),
    );
  }
}
