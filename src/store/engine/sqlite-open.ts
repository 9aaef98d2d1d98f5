/**
 * Opening the database the one right way; every connection of the process goes through here.
 *
 * - SQLite 3.51.3 or newer: older ones can corrupt a file when one connection checkpoints while another restarts the WAL, which is
 *   just what we do.
 * - synchronous=NORMAL on **every** connection that writes, checkpoints or closes: it syncs the WAL's header before frames follow a
 *   restart; with OFF a power cut can replay old pages over new ones.
 * - wal_autocheckpoint=0: checkpoints are the worker's (checkpointer.ts); journal_size_limit=-1: the WAL is reused, never cut, since
 *   overwriting is cheaper to sync than extending.
 * - Never open and close `mail.db` or `mail.db-shm` in this process by other means: closing any descriptor of a file drops all its POSIX
 *   locks.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../ids.ts';

const OLDEST_SQLITE = [3, 51, 3] as const;

export interface OpenOptions {
  /** How long a statement waits for a lock that another connection holds. */
  readonly busyTimeout: Milliseconds;
  readonly cacheBytes: number;
  readonly readOnly?: boolean;
}

export function openDatabase(path: string, options: OpenOptions): DatabaseSync {
  const database = new DatabaseSync(path, {
    readOnly: options.readOnly === true,
    timeout: options.busyTimeout,
    enableForeignKeyConstraints: false,
  });
  try {
    assertVersion(database);
    database.exec(`PRAGMA cache_size = ${-Math.floor(options.cacheBytes / 1024)}`);
    database.exec('PRAGMA temp_store = MEMORY');
    database.exec('PRAGMA synchronous = NORMAL');
    if (options.readOnly !== true) {
      database.exec('PRAGMA journal_mode = WAL');
      database.exec('PRAGMA wal_autocheckpoint = 0');
      database.exec('PRAGMA journal_size_limit = -1');
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function assertVersion(database: DatabaseSync): void {
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const parts = version.split('.').map(Number);
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) throw new Error(`SQLite ${version} is too old: ${OLDEST_SQLITE.join('.')} is needed`);
  }
}
