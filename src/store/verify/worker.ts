/** A thread that checks rows on a read-only connection of its own, one snapshot an account, so that a running server is not held up. */
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../engine/sqlite-open.ts';
import { SqliteTransaction } from '../engine/sqlite-transaction.ts';
import type { AccountId } from '../ids.ts';
import { accountsAfter } from '../operations/purge.ts';
import { expectedTables, misshapen, missingTables } from '../schema/expected.ts';
import { checkAccount } from './account.ts';
import type { Finding } from './finding.ts';
import { checkInstallation } from './installation.ts';

export type VerifyMessage =
  /** The file itself, and what belongs to no account. */
  | { readonly kind: 'installation'; readonly findings: readonly Finding[] }
  | {
      readonly kind: 'account';
      readonly account: AccountId;
      readonly messages: number;
      readonly findings: readonly Finding[];
    }
  | { readonly kind: 'done' };

const PAGE = 500;

const { databasePath } = workerData as { databasePath: string };
const port = parentPort!;
const database = openDatabase(databasePath, { busyTimeout: 10_000, cacheBytes: 16 << 20, readOnly: true });
try {
  tell({ kind: 'installation', findings: checkFile(database) });
  const tx = new SqliteTransaction(database);
  tell({ kind: 'installation', findings: await attempt(() => checkInstallation(tx), asInstallation) });
  let after = 0 as AccountId;
  for (;;) {
    const accounts = await attempt(
      () => accountsAfter(tx, after, PAGE),
      (finding) => {
        tell({ kind: 'installation', findings: [finding] });
        return [];
      },
    );
    for (const account of accounts) {
      const checked = await attempt(
        () => checkAccount(tx, account),
        (finding) => ({ messages: 0, findings: [{ ...finding, text: `account ${account}: ${finding.text}` }] }),
      );
      tell({ kind: 'account', account, ...checked });
    }
    if (accounts.length < PAGE) break;
    after = accounts.at(-1)!;
  }
  tell({ kind: 'done' });
} finally {
  database.close();
}

function tell(message: VerifyMessage): void {
  port.postMessage(message);
}

/** The structure of the file, the tables it must have, and the shape of their rows. */
function checkFile(database: DatabaseSync): Finding[] {
  const findings: Finding[] = [];
  const find = (text: string): void => void findings.push({ code: 'database', text });
  try {
    const problems = database.prepare('PRAGMA integrity_check(100)').all() as { integrity_check: string }[];
    for (const { integrity_check: problem } of problems) if (problem !== 'ok') find(problem);
    for (const column of missingTables(database)) find(`the column ${column} is missing`);
  } catch (error) {
    find(textOf(error));
  }
  if (findings.length > 0) return findings;
  for (const table of expectedTables()) {
    try {
      const { count } = database
        .prepare(`SELECT count(*) AS count FROM ${table.name} WHERE ${misshapen(table)}`)
        .get() as {
        count: number;
      };
      if (count > 0) find(`${count} rows of ${table.name} do not have the shape of the table`);
    } catch (error) {
      find(`${table.name}: ${textOf(error)}`);
    }
  }
  return findings;
}

/** Runs a check on one snapshot. A row or page that can't be read is a finding too, and the others are checked. */
async function attempt<T>(check: () => Promise<T>, otherwise: (finding: Finding) => T): Promise<T> {
  database.exec('BEGIN');
  try {
    return await check();
  } catch (error) {
    return otherwise({ code: 'database', text: textOf(error) });
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

function asInstallation(finding: Finding): readonly Finding[] {
  return [finding];
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
