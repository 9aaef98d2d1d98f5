/**
 * `rainmail verify --repair` of a database whose own file is damaged: every row that can still be read goes into a new database, whose indexes are
 * made anew, and which takes the place of the old one. Nothing of the old one is thrown away: it stays as `mail.db.damaged-DATE`. What rows
 * are lost, the rules of `verify --repair` then make up for as far as other rows tell; bodies without a row go to `lost-and-found/`.
 *
 * Works on a data directory that nobody has open. It may be interrupted at any moment and repeated:
 * - before the rename to `mail.db.salvaged` everything is as it was, but for a `.part` file, which the next run begins anew;
 * - after it the new database is whole and synced, and {@link takePlace} goes on where it was; the store refuses to be opened meanwhile, since
 *   an old log beside a new database would be replayed into it.
 */
import { existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { OnProgress } from '../../progress.ts';
import { nodeFiles } from '../bodies/files.ts';
import { hasLog, hasLostDatabase } from '../damage.ts';
import { DataLock } from '../data-lock.ts';
import { SqliteTransaction } from '../engine/sqlite-transaction.ts';
import type { EpochSeconds } from '../ids.ts';
import { recordAudit } from '../operations/audit.ts';
import { setMeta } from '../operations/meta.ts';
import { type ExpectedTable, expectedTables, makeTables } from '../schema/expected.ts';
import { MIGRATIONS, migrationsAfter } from '../schema/migrations.ts';
import { DatabaseFile } from './database-file.ts';
import { LOST_AND_FOUND, writeLostAndFound } from './lost-and-found.ts';
import { type FoundRow, RowFinder } from './rows.ts';
import { abandonedRun, forgetRun } from './torn-log.ts';

export interface Salvaged {
  /** Rows in the new database; null when there was no database to read, and none was made. */
  readonly rows: number | null;
  readonly lostPages: number;
  readonly lostRows: number;
  /** Where the damaged files are now; null when there were none. */
  readonly keptAs: string | null;
  /** Files in the folder {@link lostAndFound}. */
  readonly bodiesFound: number;
  readonly lostAndFound: string;
}

export interface SalvageOptions {
  /** Who asked, for the audit. */
  readonly actor: string;
  readonly now: EpochSeconds;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

const DATABASE = 'mail.db';
/** Whole and synced, about to take the place of the damaged one. */
const SALVAGED = 'mail.db.salvaged';
const PAUSE_ROWS = 5_000;

/** @throws Refused `store.locked`, `store.newer` */
export async function salvage(directory: string, options: SalvageOptions): Promise<Salvaged> {
  const lock = DataLock.take(directory, 'verify --repair');
  try {
    const logIsMissing = (await abandonedRun(directory)) !== undefined && !hasLog(directory);
    const salvaged = await salvageLocked(directory, logIsMissing, options);
    if (salvaged.rows !== null) await forgetRun(directory);
    return salvaged;
  } finally {
    lock.release();
  }
}

async function salvageLocked(directory: string, logIsMissing: boolean, options: SalvageOptions): Promise<Salvaged> {
  const lostAndFound = join(directory, LOST_AND_FOUND);
  if (existsSync(join(directory, SALVAGED))) {
    const keptAs = await takePlace(directory, options.now);
    return { rows: 0, lostPages: 0, lostRows: 0, keptAs, bodiesFound: 0, lostAndFound };
  }
  if (hasLostDatabase(directory)) {
    const bodiesFound = await writeLostAndFound(directory, { ...options, isKnown: () => false });
    return { rows: null, lostPages: 0, lostRows: 0, keptAs: null, bodiesFound, lostAndFound };
  }
  return { ...(await rebuild(directory, logIsMissing, options)), lostAndFound };
}

const COUNT_AUDIT = `
  INSERT INTO counter (name, value) SELECT 'audit', coalesce(max(audit_id), 0) FROM audit WHERE true
  ON CONFLICT (name) DO UPDATE SET value = max(counter.value, excluded.value)`;

async function rebuild(
  directory: string,
  logIsMissing: boolean,
  options: SalvageOptions,
): Promise<Omit<Salvaged, 'lostAndFound'>> {
  const { actor, now, onProgress, signal } = options;
  const part = join(directory, `${SALVAGED}.part`);
  await rm(part, { force: true });
  const old = new DatabaseFile(join(directory, DATABASE));
  const database = new DatabaseSync(part);
  let counted: { rows: number; lostPages: number; lostRows: number };
  let bodiesFound = 0;
  try {
    // No log of its own: what is interrupted is begun anew.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN');
    makeTables(database);
    // What migrations put in by themselves, the old database has too.
    for (const { name } of expectedTables()) database.exec(`DELETE FROM ${name}`);
    const finder = new RowFinder(old, expectedTables());
    const copy = new Copy(database);
    for (const row of finder.rows()) {
      copy.take(row);
      if (copy.rows % PAUSE_ROWS !== 0) continue;
      onProgress({ what: 'saving rows', done: copy.rows, unit: 'rows' });
      await setImmediate();
      signal?.throwIfAborted();
    }
    copy.finish(now);
    database.exec(COUNT_AUDIT); // its counter may be among what was lost, and what follows is entered in the audit
    counted = { rows: copy.rows, lostPages: finder.lost.pages, lostRows: finder.lost.rows + copy.refused };
    const tx = new SqliteTransaction(database);
    if (counted.lostPages > 0 || counted.lostRows > 0 || logIsMissing) {
      const known = database.prepare('SELECT 1 FROM email WHERE segment_id = ? AND start = ? LIMIT 1');
      const isKnown = (segment: number, offset: number): boolean => known.get(segment, offset) !== undefined;
      bodiesFound = await writeLostAndFound(directory, { isKnown, onProgress, signal });
    }
    // What an unclean end calls for, removing rows whose body is not there, must not happen to what was damaged.
    await setMeta(tx, 'state', 'closed');
    const detail = { ...counted, bodiesFound };
    await recordAudit(tx, { actor, action: 'verify.salvage', subject: 'store', detail }, now);
    database.exec('COMMIT');
  } finally {
    database.close();
    old.close();
  }
  await syncFile(part);
  await rename(part, join(directory, SALVAGED));
  await nodeFiles.syncDirectory(directory);
  return { ...counted, bodiesFound, keptAs: await takePlace(directory, now) };
}

/** Puts the new database in the place of the damaged one, which keeps its files under another name. @returns that name */
async function takePlace(directory: string, now: EpochSeconds): Promise<string | null> {
  const path = join(directory, DATABASE);
  const stamp = new Date(now * 1000).toISOString().slice(0, 19).replaceAll(':', '-');
  const kept = `${path}.damaged-${stamp}`;
  let keptAs: string | null = null;
  for (const suffix of ['', '-wal']) {
    if (!existsSync(`${path}${suffix}`)) continue;
    await link(`${path}${suffix}`, `${kept}${suffix}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    keptAs = kept;
  }
  await nodeFiles.syncDirectory(directory);
  // The old log must be gone before the new database has the name it belongs to.
  for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
  await nodeFiles.syncDirectory(directory);
  await rm(join(directory, 'views'), { recursive: true, force: true });
  await rename(join(directory, SALVAGED), path);
  await nodeFiles.syncDirectory(directory);
  return keptAs;
}

/** Rows on their way into the new database. */
class Copy {
  rows = 0;
  /** Rows that the new database does not take: their key was there before, or is none. */
  refused = 0;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  take({ table, values }: FoundRow): void {
    if (table.name === 'migration') {
      assertKnown(values);
      return;
    }
    if (this.#insert(table, values)) this.rows++;
    else if (table.name === 'mailbox' && this.#insert(table, renamed(table, values))) this.rows++;
    else this.refused++;
  }

  /** The new database has every migration, whatever the old one had. */
  finish(now: EpochSeconds): void {
    const record = this.#database.prepare('INSERT INTO migration (version, name, applied) VALUES (?, ?, ?)');
    for (const { version, name } of MIGRATIONS) record.run(version, name, now);
  }

  #insert(table: ExpectedTable, values: FoundRow['values']): boolean {
    const key = `${table.name}/${values.length}`;
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      const columns = table.columns.slice(0, values.length).map(({ name }) => name);
      const places = columns.map(() => '?').join(', ');
      statement = this.#database.prepare(
        `INSERT OR IGNORE INTO ${table.name} (${columns.join(', ')}) VALUES (${places})`,
      );
      this.#statements.set(key, statement);
    }
    return statement.run(...values).changes > 0;
  }
}

/** Two folders of one name at one place: the second gets its number behind the name, and keeps its messages. */
function renamed({ columns }: ExpectedTable, values: FoundRow['values']): FoundRow['values'] {
  const id = values[columns.findIndex(({ name }) => name === 'mailbox_id')];
  return values.map((value, index) => (columns[index]!.name === 'name' ? `${value} (${id})` : value));
}

/** @throws Refused `store.newer` */
function assertKnown([version, name]: FoundRow['values']): void {
  if (!MIGRATIONS.some((known) => known.name === name)) migrationsAfter(Number(version));
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
