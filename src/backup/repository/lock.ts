/**
 * Who uses a repository. The lock is SQLite's own, on a file of its own, so it ends with the process however that ends, and its three levels
 * are just what is needed: readers beside each other (SHARED), one that adds beside them (RESERVED), and one that removes alone (EXCLUSIVE).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { Refused } from '../../errors.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { isWritable, lockIn } from './layout.ts';

/** What somebody does with a repository: `read` it, `add` to it, `remove` from it. */
export type Use = 'read' | 'add' | 'remove';

export interface LockOptions {
  readonly use: Use;
  /** Who takes it, for the error that others get: `backup run`. */
  readonly command: string;
  /** How long to wait for others. */
  readonly patience?: Milliseconds;
  readonly signal?: AbortSignal;
}

const SQLITE_BUSY = 5;
const RETRY_AFTER: Milliseconds = 100;
const BEGIN: Readonly<Record<Use, string>> = { read: 'BEGIN', add: 'BEGIN IMMEDIATE', remove: 'BEGIN EXCLUSIVE' };

export class RepositoryLock {
  readonly #database: DatabaseSync | undefined;

  private constructor(database: DatabaseSync | undefined) {
    this.#database = database;
  }

  /** @throws Refused `backup.busy`, naming the one in the way */
  static async take(directory: string, { use, command, patience = 0, signal }: LockOptions): Promise<RepositoryLock> {
    const path = lockIn(directory);
    const writable = await isWritable(directory);
    // A copy on a disk that can only be read is safe from those who would change it.
    if (!writable && use === 'read' && !existsSync(path)) return new RepositoryLock(undefined);
    const database = new DatabaseSync(path, { timeout: 0, readOnly: !writable });
    try {
      for (const giveUpAt = Date.now() + patience; ; await delay(RETRY_AFTER, undefined, { signal })) {
        if (begun(database, use)) break;
        if (Date.now() >= giveUpAt) throw busy(directory, use);
      }
      if (use !== 'read') noteOwner(directory, command);
      return new RepositoryLock(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  release(): void {
    this.#database?.close(); // ends its transaction
  }
}

function begun(database: DatabaseSync, use: Use): boolean {
  try {
    database.exec(BEGIN[use]);
    database.prepare('SELECT count(*) FROM sqlite_schema').get(); // a reader's lock comes with its first read
    return true;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

/** Only for the text of an error: the lock itself is the database's. */
function ownerFile(directory: string): string {
  return join(directory, 'lock-owner.json');
}

function noteOwner(directory: string, command: string): void {
  const owner = { command, host: hostname(), pid: process.pid, since: new Date().toISOString() };
  writeFileSync(ownerFile(directory), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
}

function busy(directory: string, use: Use): Refused {
  let who = 'another command';
  try {
    const { command, host, pid, since } = JSON.parse(readFileSync(ownerFile(directory), 'utf8')) as Record<
      string,
      unknown
    >;
    who = `another command (the last that wrote there: “rainmail ${String(command)}”, process ${String(pid)} on ${String(host)}, since ${String(since)})`;
  } catch (error) {
    // Not there yet, or just being written: the answer is the same without it.
    if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const hint = use === 'remove' ? ' Removing waits for everybody, also for those who only read.' : '';
  return new Refused(
    'backup.busy',
    `The repository in ${directory} is in use by ${who}. Try again when it has ended.${hint}`,
  );
}
