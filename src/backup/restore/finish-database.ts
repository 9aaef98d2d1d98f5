/**
 * Makes a database that came out of a backup ready to be served: every number raised beyond what clients may know, another store id, and
 * everything checked. Nobody serves it yet, so it works on the thread it is called on.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { nodeFiles } from '../../store/bodies/files.ts';
import { HEADER_BYTES } from '../../store/bodies/record.ts';
import { segmentIdOf } from '../../store/bodies/segment-file.ts';
import { sql } from '../../store/engine/sql.ts';
import { migrate } from '../../store/engine/sqlite-migrate.ts';
import { openDatabase } from '../../store/engine/sqlite-open.ts';
import { SqliteTransaction } from '../../store/engine/sqlite-transaction.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { setMeta } from '../../store/operations/meta.ts';
import { accountsAfter } from '../../store/operations/purge.ts';
import { holdQueue } from '../../store/operations/queue.ts';
import { raiseIds } from '../../store/operations/raise-ids.ts';
import { checkAccount } from '../../store/verify/account.ts';
import type { Finding } from '../../store/verify/finding.ts';
import type { SnapshotInfo } from '../repository/repository.ts';

export interface Finished {
  readonly accounts: number;
  readonly messages: number;
  /** Recipients that mail waited for when the backup was made. They are held: who of them has got it meanwhile, nobody here knows. */
  readonly heldBack: number;
  /** What was wrong in the backed up server already: a restore changes nothing of it. */
  readonly findings: readonly Finding[];
}

const PAGE = 500;
const CACHE_BYTES = 16 << 20;

/** How far the rows reach into each segment. */
const REACH = sql<readonly [segment: number, end: number]>(
  `SELECT segment_id, max(start + stored_length + ${HEADER_BYTES}) FROM email GROUP BY segment_id ORDER BY segment_id`,
);

/**
 * @param segments the folder they are in, whole
 * @throws Refused `backup.damaged` when rows point at bytes that are not there
 */
export async function finishDatabase(
  path: string,
  segments: string,
  { id, taken }: SnapshotInfo,
  { actor, onProgress }: { readonly actor: string; readonly onProgress: OnProgress },
): Promise<Finished> {
  // Of a try that broke off: it belongs to another copy of the database.
  for (const left of ['-wal', '-shm']) await rm(path + left, { force: true });
  const database = openDatabase(path, { busyTimeout: 0, cacheBytes: CACHE_BYTES });
  const now = nowSeconds();
  try {
    migrate(database);
    const tx = new SqliteTransaction(database);
    onProgress({ what: 'the database', done: 0, unit: 'accounts' });
    database.exec('BEGIN IMMEDIATE');
    await raiseIds(tx, taken, now);
    await setMeta(tx, 'store.id', randomUUID());
    // Everything in it is on disk: there is nothing to recover.
    await setMeta(tx, 'state', 'closed');
    const heldBack = await holdQueue(tx);
    await recordAudit(tx, { actor, action: 'restore.server', subject: 'server', detail: { backup: id, taken } }, now);
    database.exec('COMMIT');
    await assertBodies(tx, segments, id);
    const finished = { ...(await check(database, tx, onProgress)), heldBack };
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return finished;
  } finally {
    database.close();
    await syncFile(path);
  }
}

async function check(
  database: DatabaseSync,
  tx: SqliteTransaction,
  onProgress: OnProgress,
): Promise<Omit<Finished, 'heldBack'>> {
  const problems = database.prepare('PRAGMA integrity_check(100)').all() as { integrity_check: string }[];
  const findings = problems
    .filter((row) => row.integrity_check !== 'ok')
    .map((row): Finding => ({ code: 'database', text: row.integrity_check }));
  let accounts = 0;
  let messages = 0;
  for (let after = 0 as AccountId; ; ) {
    const page = await accountsAfter(tx, after, PAGE);
    for (const account of page) {
      const checked = await checkAccount(tx, account);
      accounts++;
      messages += checked.messages;
      findings.push(...checked.findings);
      onProgress({ what: 'checking the database', done: accounts, unit: 'accounts' });
      await setImmediate(); // so that the progress is shown
    }
    if (page.length < PAGE) return { accounts, messages, findings };
    after = page.at(-1)!;
  }
}

/** Every body that a row points at lies within a segment that is there. What stands in it was authenticated when it was written. */
async function assertBodies(tx: SqliteTransaction, folder: string, backup: string): Promise<void> {
  const sizes = new Map<number, number>();
  for (const name of await readdir(folder)) {
    const id = segmentIdOf(name);
    if (id !== null) sizes.set(id, (await stat(join(folder, name))).size);
  }
  for (const [segment, end] of tx.all(REACH)) {
    if ((sizes.get(segment) ?? 0) >= end) continue;
    throw new Refused(
      'backup.damaged',
      `The backup ${backup} has not all of segment ${segment}, which messages need. Choose an older one: “rainmail backup list”.`,
    );
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await nodeFiles.open(path, 'read');
  try {
    await nodeFiles.fdatasync(file);
  } finally {
    await nodeFiles.close(file);
  }
  await nodeFiles.syncDirectory(dirname(path));
}
