/**
 * Checkpoints: what stands in the write-ahead log is written back into the database, by the worker, and the log begins anew.
 *
 * Invariants
 * - Most of it is written while writers go on; only the rest of it, and the restart, wait behind the gate (sqlite.ts).
 * - While somebody needs the database file as it is ({@link Checkpoints.atRest}) none is tried: the log grows.
 */
import type { DatabaseSync } from 'node:sqlite';
import { isFull } from './sqlite-errors.ts';
import type { SqliteWorker } from './sqlite-worker-client.ts';
import type { WalFile } from './wal-file.ts';

/** SQLite's page, at its default. */
const PAGE_BYTES = 4_096;
/** Commits between two looks at the length of the log. */
const LOOK_EVERY = 32;

export interface CheckpointOptions {
  /** Size of the log at which a checkpoint begins. */
  readonly atBytes: number;
  /** What to write into meta (`synced`): up to where bodies are surely on disk. Awaited before the gate closes. */
  readonly syncedPosition: (() => Promise<string>) | undefined;
  /** Runs something while no batch does, and none begins. */
  readonly withGateClosed: <T>(work: () => Promise<T>) => Promise<T>;
  /** A checkpoint that began by itself has failed: the disk can't be relied on any more. */
  readonly failed: (error: unknown) => void;
}

export class Checkpoints {
  readonly #database: DatabaseSync;
  readonly #wal: WalFile;
  readonly #worker: SqliteWorker;
  readonly #options: CheckpointOptions;
  readonly #atPages: number;
  #commitsSinceLook = 0;
  #running: Promise<void> | undefined;
  /** Resolves when nobody needs the database file to stay as it is. */
  #still: Promise<void> | undefined;

  constructor(database: DatabaseSync, wal: WalFile, worker: SqliteWorker, options: CheckpointOptions) {
    this.#database = database;
    this.#wal = wal;
    this.#worker = worker;
    this.#options = options;
    this.#atPages = Math.ceil(options.atBytes / PAGE_BYTES);
  }

  noteCommit(): void {
    this.#commitsSinceLook++;
  }

  /** Looks now and then how long the log has become. */
  look(): void {
    if (this.#commitsSinceLook < LOOK_EVERY || this.#still !== undefined) return;
    this.#commitsSinceLook = 0;
    if (this.#pages() < this.#atPages || this.#running !== undefined) return;
    this.now().catch((error: unknown) => {
      // On a full disk everything stays in the log, which is as safe; the next look tries again.
      if (!isFull(error)) this.#options.failed(error);
    });
  }

  /** Writes everything from the log into the database and starts it anew. */
  now(): Promise<void> {
    if (this.#still !== undefined) return this.#still.then(() => this.now());
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** The last one, before a clean end. Commands that only read leave nothing to write: no thread is started for them. */
  async last(): Promise<void> {
    if (this.#pages() === 0) return;
    await this.now().catch((error: unknown) => {
      if (!isFull(error)) throw error;
    });
  }

  /**
   * Makes the database file hold everything that is committed, durably, and runs `begin` while no write goes on: a read transaction
   * that begins there reads nothing from the WAL, and while it lasts SQLite lets nobody write into the file (it holds WAL_READ_LOCK(0),
   * which a checkpoint needs). Writers go on into the WAL, which grows: until the returned function is called no checkpoint is tried.
   * @returns undefined when another reader, of an older state, keeps the WAL from being written back: try again later
   */
  async atRest(begin: () => void): Promise<(() => void) | undefined> {
    while (this.#still !== undefined || this.#running !== undefined) await (this.#still ?? this.#running);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#still = promise;
    const release = (): void => {
      if (this.#still === promise) this.#still = undefined;
      resolve();
    };
    try {
      await this.#passiveRounds();
      const synced = await this.#options.syncedPosition?.();
      const begun = await this.#options.withGateClosed(async () => {
        const { log, checkpointed } = await this.#worker.checkpoint('PASSIVE');
        if (log !== checkpointed) return false;
        begin();
        await this.#restart(synced);
        return true;
      });
      if (begun) return release;
      release();
      return undefined;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Passive rounds while writers go on, until the tail is short; then, behind the gate, the rest. */
  async #run(): Promise<void> {
    await this.#passiveRounds();
    const synced = await this.#options.syncedPosition?.();
    await this.#options.withGateClosed(() => this.#restart(synced));
  }

  async #passiveRounds(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      const { log, checkpointed } = await this.#worker.checkpoint('PASSIVE');
      if (log - checkpointed < this.#atPages / 16) return;
    }
  }

  /** With a first tiny commit in the log that begins anew, so that the sync of its header happens in the worker too. */
  async #restart(synced: string | undefined): Promise<void> {
    await this.#worker.checkpoint('RESTART', synced);
    this.#wal.assertSame();
  }

  #pages(): number {
    return (this.#database.prepare('PRAGMA wal_checkpoint(NOOP)').get() as { log: number }).log;
  }
}
