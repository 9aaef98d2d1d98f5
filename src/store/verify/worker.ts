/** A thread that checks rows on a read-only connection of its own, one snapshot an account, so that a running server is not held up. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../engine/sqlite-open.ts';
import { SqliteTransaction } from '../engine/sqlite-transaction.ts';
import type { AccountId } from '../ids.ts';
import { accountsAfter } from '../operations/purge.ts';
import { checkAccount, type Finding } from './metadata.ts';

export type VerifyMessage =
  | { readonly kind: 'account'; readonly messages: number; readonly findings: readonly Finding[] }
  | { readonly kind: 'done' };

const { databasePath } = workerData as { databasePath: string };
const port = parentPort!;
const database = openDatabase(databasePath, { busyTimeout: 10_000, cacheBytes: 16 << 20, readOnly: true });
try {
  const problems = database.prepare('PRAGMA integrity_check(100)').all() as { integrity_check: string }[];
  const findings = problems
    .filter((row) => row.integrity_check !== 'ok')
    .map((row): Finding => ({ code: 'database', text: row.integrity_check }));
  port.postMessage({ kind: 'account', messages: 0, findings } satisfies VerifyMessage);
  const tx = new SqliteTransaction(database);
  let after = 0 as AccountId;
  for (;;) {
    const accounts = await accountsAfter(tx, after, 500);
    for (const account of accounts) {
      database.exec('BEGIN');
      const checked = await checkAccount(tx, account);
      database.exec('COMMIT');
      port.postMessage({ kind: 'account', ...checked } satisfies VerifyMessage);
    }
    if (accounts.length < 500) break;
    after = accounts.at(-1)!;
  }
  port.postMessage({ kind: 'done' } satisfies VerifyMessage);
} finally {
  database.close();
}
