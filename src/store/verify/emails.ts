/** The rules of the rows that tell of content: somebody has each of them, and the next of its conversation will find it. */
import { sql } from '../engine/sql.ts';
import { NO_FLAGS } from '../flags.ts';
import { type EmailId, type EpochSeconds, type ItemId, nowSeconds, type ThreadId } from '../ids.ts';
import { emailKeysOf } from '../operations/email-key.ts';
import { insertMessage } from '../operations/message-row.ts';
import { joinThread, threadRefs } from '../operations/threads.ts';
import { type Inspection, LIMIT, RECOVERED } from './inspection.ts';

const PAGE = 1_000;

const EMAILS = sql<
  readonly [
    key: number,
    account: number,
    email: number,
    thread: number,
    size: number,
    received: number,
    messageId: string | null,
    inReplyTo: string,
    refs: string,
    baseSubject: string,
    subject: string,
    inMailbox: number | null,
    inRetained: number | null,
    inQueue: number | null,
  ]
>(`
  SELECT e.email_key, e.account_id, e.email_id, e.thread_id, e.length + length(e.prefix), e.received, e.message_id, e.in_reply_to, e.refs,
    e.base_subject, e.subject,
    (SELECT m.uid FROM message m WHERE m.account_id = CAST(? AS BIGINT) AND m.email_id = e.email_key - CAST(? AS BIGINT) LIMIT 1),
    (SELECT r.item_id FROM retained r WHERE r.account_id = CAST(? AS BIGINT) AND r.email_id = e.email_key - CAST(? AS BIGINT) LIMIT 1),
    (SELECT q.queue_id FROM queue_message q WHERE q.account_id = CAST(? AS BIGINT) AND q.email_id = e.email_key - CAST(? AS BIGINT) LIMIT 1)
  FROM email e WHERE e.email_key > ? AND e.email_key <= ? ORDER BY e.email_key LIMIT ?`);
const REF = sql<readonly [thread: number]>('SELECT thread_id FROM thread_ref WHERE account_id = ? AND ref = ?');
const SET_IDS = sql('UPDATE email SET account_id = ?, email_id = ? WHERE email_key = ?');
const SET_THREAD = sql('UPDATE email SET thread_id = ? WHERE email_key = ?');

export async function checkEmails(inspection: Inspection): Promise<void> {
  const { tx, account } = inspection;
  const [first, last] = emailKeysOf(account);
  let after = first - 1;
  for (;;) {
    const rows = await tx.all(EMAILS, ...[account, first], ...[account, first], ...[account, first], after, last, PAGE);
    for (const row of rows) {
      const [key, rowAccount, rowEmail, thread, size, received, messageId, inReplyTo, refs, baseSubject, subject] = row;
      const email = (key - first) as EmailId;
      const what = `the content ${email} (“${subject.slice(0, 60)}”)`;
      if (rowAccount !== account || rowEmail !== email) {
        await inspection.find(
          { code: 'email', text: `${what} names another account or id` },
          'set right',
          async (mender) => void (await mender.tx.run(SET_IDS, account, email, key)),
        );
      }
      let threadNow = thread;
      if (thread < 1 || thread >= LIMIT) {
        threadNow = email;
        await inspection.find(
          { code: 'thread', text: `${what} is in no conversation` },
          'it is one of its own',
          async (mender) => void (await mender.tx.run(SET_THREAD, email, key)),
        );
      }
      // Purging and removing take a row with its last message: one that is left has lost its message.
      if (row[11] === null && row[12] === null && row[13] === null) {
        await inspection.find(
          { code: 'email', text: `${what} is in no folder` },
          `put into ${RECOVERED}`,
          async (mender) => {
            const mailbox = await mender.recovered();
            const item = (await mender.newId()) as ItemId;
            const uid = await mender.newUid(mailbox);
            const modseq = await mender.modseq(mailbox);
            const saved: EpochSeconds = nowSeconds();
            await insertMessage(mender.tx, account, mailbox, {
              uid,
              item,
              email,
              flags: NO_FLAGS,
              size,
              received,
              modseq,
              saved,
              uidl: null,
            });
          },
        );
      }
      const keys = threadRefs({ messageId, inReplyTo: lines(inReplyTo), references: lines(refs), baseSubject });
      let missing = false;
      for (const ref of keys) missing ||= (await tx.get(REF, account, ref)) === undefined;
      if (missing) {
        await inspection.find(
          { code: 'thread', text: `answers to ${what} would not join its conversation` },
          'they will',
          async (mender) => void (await joinThread(mender.tx, account, keys, threadNow as ThreadId)),
        );
      }
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)![0];
  }
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
