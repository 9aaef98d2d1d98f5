/**
 * What must be true of the rows of one account, on one snapshot; and, with a transaction that may write, setting it right. In this order,
 * because each rule leans on what those before it have set right: the account's numbers, its folders, its messages, its contents, its counts.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, Modseq } from '../ids.ts';
import { checkCounts } from './counts.ts';
import { checkEmails } from './emails.ts';
import type { Finding } from './finding.ts';
import { checkFolders } from './folders.ts';
import { Inspection, Mender } from './inspection.ts';
import { checkMessages } from './messages.ts';
import { checkNumbers } from './numbers.ts';

const NAME = sql<readonly [name: string, state: string]>('SELECT name, state FROM account WHERE account_id = ?');

export interface AccountChecked {
  readonly messages: number;
  readonly findings: readonly Finding[];
}

/** Checks all rows of one account. One that is gone, or on its way out, has none. */
export function checkAccount(tx: Reader, account: AccountId): Promise<AccountChecked> {
  return inspect(tx, account, null);
}

/** Mends all rows of one account. @returns what was found, and what was done about it; nothing when all is as it must be */
export async function mendAccount(tx: Writer, account: AccountId): Promise<readonly Finding[]> {
  const { findings } = await inspect(tx, account, new Mender(tx, account));
  if (findings.length > 0) tx.changed({ account, modseq: 0 as Modseq, mailboxes: true });
  return findings;
}

async function inspect(tx: Reader, account: AccountId, mender: Mender | null): Promise<AccountChecked> {
  const row = await tx.get(NAME, account);
  if (row === undefined || row[1] === 'removed') return { messages: 0, findings: [] };
  const inspection = new Inspection(tx, account, row[0], mender);
  await checkNumbers(inspection);
  const paths = await checkFolders(inspection);
  const messages = await checkMessages(inspection, paths);
  await checkEmails(inspection);
  await checkCounts(inspection, paths);
  return { messages, findings: inspection.findings };
}
