/**
 * The mail of a backup, to read from while the server runs: its database as a scratch copy beside the data, its bodies straight out of the
 * repository. The copy goes when it is closed; one that a crash left goes at the next start ({@link clearScratch}).
 *
 * Rows are read in pages on the thread of the caller, between which others have their turn.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { formatSize } from '../../config/units.ts';
import { Refused } from '../../errors.ts';
import { STREAM_ABOVE } from '../../store/api.ts';
import { bodyOf, decodeHeader, HEADER_BYTES, isHeaderOf } from '../../store/bodies/record.ts';
import type { Reader } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import { migrate } from '../../store/engine/sqlite-migrate.ts';
import { openDatabase } from '../../store/engine/sqlite-open.ts';
import { SqliteTransaction } from '../../store/engine/sqlite-transaction.ts';
import type { AccountId, EpochSeconds } from '../../store/ids.ts';
import { getMeta } from '../../store/operations/meta.ts';
import type { BodyAddress } from '../../store/types.ts';
import type { SnapshotInfo } from '../repository/repository.ts';
import type { Snapshot, WriteOptions } from '../repository/snapshot.ts';

const SCRATCH = 'scratch';
/** Free room that stays beside the scratch copy: what the server needs to take mail in meanwhile. */
const ROOM_LEFT = 256 << 20;
const CACHE_BYTES = 8 << 20;
const PIECE_BYTES = 1 << 20;

type AccountRow = readonly [id: number, created: number, messages: number, bytes: number];

const COLUMNS = 'account_id, created, used_count, used_bytes';
const NAMED = sql<AccountRow>(`SELECT ${COLUMNS} FROM account WHERE name = ? AND state <> 'removed'`);
const NUMBERED = sql<AccountRow>(`SELECT ${COLUMNS} FROM account WHERE account_id = ? AND state <> 'removed'`);

/** An account as it was at the backup. */
export interface BackedUpAccount {
  readonly id: AccountId;
  readonly created: EpochSeconds;
  readonly messages: number;
  readonly bytes: number;
}

/** Removes what a process that died left of scratch copies. */
export async function clearScratch(data: string): Promise<void> {
  await rm(join(data, SCRATCH), { recursive: true, force: true });
}

export class BackedUpStore {
  /** Rows of the backup. */
  readonly tx: Reader;
  readonly #snapshot: Snapshot;
  readonly #database: DatabaseSync;
  readonly #folder: string;

  private constructor(snapshot: Snapshot, database: DatabaseSync, folder: string) {
    this.tx = new SqliteTransaction(database);
    this.#snapshot = snapshot;
    this.#database = database;
    this.#folder = folder;
  }

  /** @param data the data directory. @throws Refused `store.full`, `store.newer`, `backup.damaged` */
  static async open(snapshot: Snapshot, data: string, options: WriteOptions): Promise<BackedUpStore> {
    await assertRoom(data, snapshot.info.databaseBytes);
    await mkdir(join(data, SCRATCH), { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(data, SCRATCH, 'restore-'));
    try {
      const path = join(folder, 'mail.db');
      await snapshot.readDatabase(path, { ...options, durable: false });
      const database = openDatabase(path, { busyTimeout: 0, cacheBytes: CACHE_BYTES });
      try {
        migrate(database); // of an older program
        return new BackedUpStore(snapshot, database, folder);
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get info(): SnapshotInfo {
    return this.#snapshot.info;
  }

  /** @throws Refused `backup.missing` when the backup has no such account */
  async account(name: string): Promise<BackedUpAccount> {
    const row = await this.tx.get(NAMED, name);
    if (row === undefined) {
      const { id, taken } = this.info;
      const when = new Date(taken * 1_000).toISOString().slice(0, 16).replace('T', ' ');
      throw new Refused(
        'backup.missing',
        `The backup ${id} (${when} UTC) has no account ${name}. Name another backup: --as-of, or --backup.`,
      );
    }
    return accountOf(row);
  }

  /** The account with this number, whatever it was called, or undefined. */
  async accountNumbered(id: AccountId): Promise<BackedUpAccount | undefined> {
    const row = await this.tx.get(NUMBERED, id);
    return row === undefined ? undefined : accountOf(row);
  }

  /** Random, the same in every state of an office, also after a restore. */
  async secret(): Promise<string | undefined> {
    return getMeta(this.tx, 'auth.secret');
  }

  /**
   * A body, checked against its record and its hash. A small one comes whole; of a large one the hash is known only at the end.
   * @throws Refused `message.damaged` (it was, when it was backed up), `backup.damaged`
   */
  async *body(address: BodyAddress): AsyncGenerator<Buffer, void, void> {
    const { segment, offset, storedLength } = address;
    const start = offset + HEADER_BYTES;
    const end = start + storedLength;
    if (storedLength <= STREAM_ABOVE) {
      const body = bodyOf(await this.#snapshot.readSegment(segment, offset, end), 0, address);
      if (body === null) throw wasDamaged();
      yield Buffer.from(body); // a view of a whole chunk would keep that in memory
      return;
    }
    const header = decodeHeader(await this.#snapshot.readSegment(segment, offset, start));
    if (header === null || !isHeaderOf(header, address)) throw wasDamaged();
    const sum = createHash('sha256');
    for (let at = start; at < end; at += PIECE_BYTES) {
      const piece = Buffer.from(await this.#snapshot.readSegment(segment, at, Math.min(end, at + PIECE_BYTES)));
      sum.update(piece);
      yield piece;
    }
    if (!sum.digest().equals(address.hash)) throw wasDamaged();
  }

  async close(): Promise<void> {
    this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function accountOf([id, created, messages, bytes]: AccountRow): BackedUpAccount {
  return { id: id as AccountId, created, messages, bytes };
}

async function assertRoom(data: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(data);
  if (bavail * bsize > bytes + ROOM_LEFT) return;
  throw new Refused(
    'store.full',
    `Reading the backup takes ${formatSize(bytes)} beside the mail, for as long as it lasts, and the disk has not so much room. Free some first.`,
  );
}

function wasDamaged(): Refused {
  return new Refused('message.damaged', 'This message was damaged already when it was backed up.');
}
