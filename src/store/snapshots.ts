/**
 * One consistent state of everything the store holds, for a backup, while the store goes on.
 *
 * The order that makes it consistent: hold the segments' files, so that nothing a row points at goes; bring the database file to rest
 * (engine/sqlite.ts), which fixes the rows; then see how long the segments are, and sync them. A body's range is reserved before its row is
 * committed, so the segments seen afterwards hold every body that the rows know, and after the sync they are on disk.
 *
 * The database is read as a file, page for page, so that pages which did not change are the same bytes in every backup. Its descriptor is
 * opened once and closed only when all connections are: closing any descriptor of the file would drop SQLite's locks on it (sqlite-open.ts).
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { Refused } from '../errors.ts';
import { segmentPath } from './bodies/segment-file.ts';
import type { Segments } from './bodies/segments.ts';
import type { SqliteEngine } from './engine/sqlite.ts';
import { openDatabase } from './engine/sqlite-open.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds } from './ids.ts';
import { getMeta, setMeta } from './operations/meta.ts';

/** How long another reader may keep the database from coming to rest: verifying a large account takes seconds. */
const PATIENCE: Milliseconds = 300_000;
const RETRY_AFTER: Milliseconds = 100;

export interface StoreSnapshot {
  /** Of the line of changes that this is a state of. */
  readonly storeId: string;
  readonly taken: EpochSeconds;
  /** A descriptor of the database file, for positional reads; it belongs to the process, in every thread. The file does not change until {@link thaw}. */
  readonly databaseFile: number;
  readonly databaseBytes: number;
  /** Bytes up to `bytes` are on disk and don't change; the file is there until {@link release}. */
  readonly segments: readonly { readonly id: number; readonly bytes: number; readonly path: string }[];
  /** The database has been read: its log may be written back again. */
  thaw(): void;
  /** Everything has been read. */
  release(): Promise<void>;
}

export class Snapshots {
  readonly #engine: SqliteEngine;
  readonly #segments: Segments;
  readonly #databasePath: string;
  readonly #segmentDirectory: string;
  readonly #taken = new Set<StoreSnapshot>();
  #file: number | undefined;

  constructor(
    engine: SqliteEngine,
    segments: Segments,
    paths: { readonly database: string; readonly segments: string },
  ) {
    this.#engine = engine;
    this.#segments = segments;
    this.#databasePath = paths.database;
    this.#segmentDirectory = paths.segments;
  }

  /**
   * Takes a snapshot; the caller must release it. Only one has a database at rest at a time, others wait for its `thaw`.
   * @throws Refused `backup.busy` when other readers keep the database from coming to rest
   */
  async take(signal?: AbortSignal): Promise<StoreSnapshot> {
    const storeId = await this.#storeId();
    const letGo = this.#segments.hold();
    let connection: DatabaseSync | undefined;
    let moveOn: (() => void) | undefined;
    const thaw = (): void => {
      connection?.close(); // ends its transaction
      connection = undefined;
      moveOn?.();
      moveOn = undefined;
    };
    try {
      let taken = 0;
      const begin = (): void => {
        taken = nowSeconds();
        connection = openDatabase(this.#databasePath, { busyTimeout: 0, cacheBytes: 64 << 10, readOnly: true });
        connection.exec('BEGIN');
        connection.prepare('SELECT value FROM meta LIMIT 1').get(); // a transaction begins with its first read
      };
      for (const giveUpAt = Date.now() + PATIENCE; ; await delay(RETRY_AFTER, undefined, { signal })) {
        moveOn = await this.#engine.checkpoints.atRest(begin);
        if (moveOn !== undefined) break;
        if (Date.now() >= giveUpAt) {
          throw new Refused(
            'backup.busy',
            'Another command has been reading the database all the time. Try again when it has ended.',
          );
        }
      }
      this.#file ??= openSync(this.#databasePath, 'r');
      const segments = this.#segments
        .list()
        .map(({ id, bytes }) => ({ id, bytes, path: segmentPath(this.#segmentDirectory, id) }));
      await this.#segments.sync();
      const snapshot: StoreSnapshot = {
        storeId,
        taken,
        databaseFile: this.#file,
        databaseBytes: databaseSize(this.#file),
        segments,
        thaw,
        release: async () => {
          thaw();
          this.#taken.delete(snapshot);
          await letGo();
        },
      };
      this.#taken.add(snapshot);
      return snapshot;
    } catch (error) {
      thaw();
      await letGo();
      if (signal?.aborted === true) throw new Refused('backup.stopped', 'The backup was stopped.', { cause: error });
      throw error;
    }
  }

  /** Before the engine closes: it waits for the database to be let go. */
  async release(): Promise<void> {
    for (const snapshot of [...this.#taken]) await snapshot.release();
  }

  /** After the engine has closed. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  async #storeId(): Promise<string> {
    const known = await this.#engine.read((tx) => getMeta(tx, 'store.id'));
    if (known !== undefined) return known;
    const made = randomUUID();
    await this.#engine.write((tx) => setMeta(tx, 'store.id', made));
    return made;
  }
}

/** As the file's own header says (the file format's "database header": page size at 16, pages at 28). */
function databaseSize(file: number): number {
  const header = Buffer.alloc(100);
  readSync(file, header, 0, header.length, 0);
  const pageSize = header.readUInt16BE(16);
  return (pageSize === 1 ? 65_536 : pageSize) * header.readUInt32BE(28);
}
