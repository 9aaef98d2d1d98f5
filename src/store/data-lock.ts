/**
 * One process owns a data directory. The lock is SQLite's own, on a file of its own, so it ends with the process however that ends; the
 * server and the commands that work without one take it alike.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Refused } from '../errors.ts';
import { isOfTheFile } from './damage.ts';

export class DataLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @param command who takes it, for the error that others get. @throws Refused `store.locked`, naming the owner; `store.damaged` */
  static take(directory: string, command: string): DataLock {
    const database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
    try {
      database.exec('CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY, pid INTEGER, command TEXT, since TEXT)');
      database.exec('BEGIN IMMEDIATE');
      database
        .prepare(
          'INSERT INTO owner (id, pid, command, since) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, command = excluded.command, since = excluded.since',
        )
        .run(process.pid, command, new Date().toISOString());
      database.exec('COMMIT');
      // Held until the process ends. Who reads may still see the row; who wants to write is told that it is busy.
      database.exec('BEGIN IMMEDIATE');
      return new DataLock(database);
    } catch (error) {
      const owner = (error as { errcode?: number }).errcode === SQLITE_BUSY ? readOwner(database) : undefined;
      database.close();
      if (isOfTheFile(error)) throw unreadable(directory, error);
      if (owner === undefined) throw error;
      throw new Refused('store.locked', `${directory} is in use by ${owner}. Stop it first, or give another --data.`);
    }
  }

  release(): void {
    this.#database.exec('ROLLBACK');
    this.#database.close();
  }
}

const SQLITE_BUSY = 5;

/** The file's content says nothing of the mail, but it can't be known that nobody holds it. */
function unreadable(directory: string, cause: unknown): Refused {
  return new Refused(
    'store.damaged',
    `${join(directory, 'lock.db')} can’t be read. Make sure that no Rainmail process runs on ${directory}, remove that file, and start again.`,
    { cause },
  );
}

function readOwner(database: DatabaseSync): string {
  try {
    const row = database.prepare('SELECT pid, command, since FROM owner').get() as
      | { pid: number; command: string; since: string }
      | undefined;
    if (row !== undefined) return `“rainmail ${row.command}” (process ${row.pid}, since ${row.since})`;
  } catch (error) {
    // The owner is just writing its name, or the file is new: the answer is the same without it.
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY && !/no such table/.test(String(error))) throw error;
  }
  return 'another Rainmail process';
}
