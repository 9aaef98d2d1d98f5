/** The account's own numbers: everything that was given out lies below what will be given next. */
import { sql } from '../engine/sql.ts';
import { emailKeysOf } from '../operations/email-key.ts';
import { type Inspection, LIMIT } from './inspection.ts';

const ACCOUNT = sql<readonly [modseq: number, minModseq: number, nextId: number, nextUidvalidity: number]>(
  'SELECT modseq, min_modseq, next_id, next_uidvalidity FROM account WHERE account_id = ?',
);

const HIGHEST_MODSEQ = [
  'SELECT modseq FROM message WHERE account_id = ? ORDER BY modseq DESC LIMIT 1',
  'SELECT max(modseq) FROM mailbox WHERE account_id = ?',
  'SELECT modseq FROM expunged WHERE account_id = ? ORDER BY modseq DESC LIMIT 1',
  'SELECT modseq FROM mailbox_gone WHERE account_id = ? ORDER BY modseq DESC LIMIT 1',
  'SELECT max(modseq) FROM person_seen WHERE account_id = ?',
].map((text) => sql<readonly [highest: number | null]>(text));

/** Ids beyond the limit are no ids: the rules on messages replace them. */
const HIGHEST_ID = [
  'SELECT max(mailbox_id) FROM mailbox WHERE account_id = ? AND mailbox_id < ?',
  'SELECT max(item_id) FROM message WHERE account_id = ? AND item_id < ?',
  'SELECT max(email_id) FROM message WHERE account_id = ? AND email_id < ?',
  'SELECT max(item_id) FROM retained WHERE account_id = ? AND item_id < ?',
  'SELECT max(email_id) FROM retained WHERE account_id = ? AND email_id < ?',
  'SELECT max(thread_id) FROM thread_ref WHERE account_id = ? AND thread_id < ?',
].map((text) => sql<readonly [highest: number | null]>(text));
const HIGHEST_EMAIL = sql<readonly [key: number | null, thread: number | null]>(
  'SELECT max(email_key), max(thread_id) FROM email WHERE email_key BETWEEN ? AND ? AND thread_id < ?',
);

const HIGHEST_UIDVALIDITY = [
  'SELECT max(uidvalidity) FROM mailbox WHERE account_id = ? AND uidvalidity < ?',
  'SELECT max(uidvalidity) FROM mailbox_gone WHERE account_id = ? AND uidvalidity < ?',
].map((text) => sql<readonly [highest: number | null]>(text));

const SET_MODSEQ = sql('UPDATE account SET modseq = ? WHERE account_id = ?');
const SET_MIN_MODSEQ = sql('UPDATE account SET min_modseq = ? WHERE account_id = ?');
const SET_NEXT_ID = sql('UPDATE account SET next_id = ? WHERE account_id = ?');
const SET_NEXT_UIDVALIDITY = sql('UPDATE account SET next_uidvalidity = ? WHERE account_id = ?');

export async function checkNumbers(inspection: Inspection): Promise<void> {
  const { tx, account } = inspection;
  const [modseq, minModseq, nextId, nextUidvalidity] = (await tx.get(ACCOUNT, account))!;

  let highestModseq = 0;
  for (const statement of HIGHEST_MODSEQ) {
    highestModseq = Math.max(highestModseq, (await tx.get(statement, account))?.[0] ?? 0);
  }
  if (highestModseq > modseq) {
    await inspection.find(
      { code: 'modseq', text: `a change has the modseq ${highestModseq}, above the account's, ${modseq}` },
      'raised',
      async (mender) => void (await mender.tx.run(SET_MODSEQ, highestModseq, account)),
    );
  }
  const newest = Math.max(modseq, highestModseq);
  if (minModseq > newest) {
    // Clients that were away start afresh, which is always right.
    await inspection.find(
      { code: 'modseq', text: `removals are told from modseq ${minModseq} on, which is still to come` },
      'told from now on',
      async (mender) => void (await mender.tx.run(SET_MIN_MODSEQ, newest, account)),
    );
  }

  const [first, last] = emailKeysOf(account);
  const [key, thread] = (await tx.get(HIGHEST_EMAIL, first, last, LIMIT))!;
  let highestId = Math.max((key ?? first) - first, thread ?? 0);
  for (const statement of HIGHEST_ID) {
    highestId = Math.max(highestId, (await tx.get(statement, account, LIMIT))?.[0] ?? 0);
  }
  if (highestId >= nextId || nextId > LIMIT) {
    await inspection.find(
      { code: 'item', text: `the id ${highestId} is in use, and the next one to be given is ${nextId}` },
      `the next one is ${highestId + 1}`,
      async (mender) => void (await mender.tx.run(SET_NEXT_ID, highestId + 1, account)),
    );
  }

  let highestUidvalidity = 0;
  for (const statement of HIGHEST_UIDVALIDITY) {
    highestUidvalidity = Math.max(highestUidvalidity, (await tx.get(statement, account, LIMIT))?.[0] ?? 0);
  }
  if (highestUidvalidity >= nextUidvalidity || nextUidvalidity >= LIMIT) {
    await inspection.find(
      {
        code: 'mailbox',
        text: `UIDVALIDITY ${highestUidvalidity} is in use, the next one would be ${nextUidvalidity}`,
      },
      `the next one is ${highestUidvalidity + 1}`,
      async (mender) => void (await mender.tx.run(SET_NEXT_UIDVALIDITY, highestUidvalidity + 1, account)),
    );
  }
}
