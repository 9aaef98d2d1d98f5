/**
 * The SQLite engine: one connection on the event loop, group commit, durability outside the loop.
 *
 * Invariants
 * - Operations that write run in batches, one transaction each batch, in the order they came. Nobody else sees anything of a
 *   batch before its COMMIT: reads that come while one runs wait for its end (some ms).
 * - An operation awaits only its transaction, so a batch runs within one turn of the loop. One that waits for anything else is
 *   a bug that ends the process at the end of the turn; nothing acknowledged is lost by that.
 * - When an operation of a batch throws, the batch is rolled back and its operations run again one by one, each in a transaction of
 *   its own. They are pure, so this is safe; and it spares every other batch the cost of savepoints.
 * - A write is answered when durable (durability.ts); a read when all it may have seen is.
 * - While the gate is closed (checkpoint, heavy work in the worker) no batch starts; reads go on.
 */
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Refused } from '../../errors.ts';
import { nodeFiles } from '../bodies/files.ts';
import { damaged } from '../damage.ts';
import type { AccountId, Milliseconds } from '../ids.ts';
import type { HeavyOperation } from '../operations/heavy-operations.ts';
import { missingTables } from '../schema/expected.ts';
import { Durability, type Syncable } from './durability.ts';
import type { Change, Engine, Reader, Writer } from './engine.ts';
import { Checkpoints } from './sqlite-checkpoints.ts';
import { explained } from './sqlite-errors.ts';
import { migrate } from './sqlite-migrate.ts';
import { openDatabase } from './sqlite-open.ts';
import { SqliteTransaction } from './sqlite-transaction.ts';
import { SqliteWorker } from './sqlite-worker-client.ts';
import { WalFile } from './wal-file.ts';

/**
 * Operations that are enough for a batch while a sync runs. With fewer the batch waits for the end of it: what comes meanwhile joins, and shares
 * the pages that each transaction writes. Nobody waits longer for that, since only the next sync can make a batch durable.
 */
const FULL_BATCH = 48;
/** How long a batch may go on taking operations, so that the loop stays responsive. */
const BATCH_TIME: Milliseconds = 4;
/** Operations that may wait for their turn. Beyond it callers are told to come again. */
const QUEUE_LIMIT = 20_000;
const CHECKPOINT_BYTES = 32 << 20;

interface Job {
  readonly operation: (tx: Writer) => Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface SqliteEngineOptions {
  readonly path: string;
  /** What must be synced with the WAL before a commit is durable: the segments. */
  readonly syncWith?: readonly Syncable[];
  readonly cacheBytes?: number;
  /** Size of the WAL at which a checkpoint begins. */
  readonly checkpointBytes?: number;
  /** What to write into meta (`synced`) with a checkpoint: up to where bodies are surely on disk. Awaited before the gate closes. */
  readonly syncedPosition?: () => Promise<string>;
  /** Commits so far are durable: change events go out from here. */
  readonly onDurable?: (changes: readonly Change[]) => void;
  /** The disk failed at a sync: nothing will be acknowledged any more; the process should say so and end. */
  readonly onFailure?: (error: Error) => void;
}

export class SqliteEngine implements Engine {
  readonly checkpoints: Checkpoints;
  readonly #database: DatabaseSync;
  readonly #tx: SqliteTransaction;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #wal: WalFile;
  readonly #worker: SqliteWorker;
  readonly #durability: Durability;
  #queue: Job[] = [];
  #scheduled = false;
  /** The end of the batch that runs now, if one does. */
  #batch: Promise<void> | undefined;
  /** Rises with each batch: a read that sees it change has awaited something it must not. */
  #turn = 0;
  /** Reads that go on, and whether they share a transaction. */
  #reads = 0;
  #isSnapshot = false;
  #gate: Promise<void> | undefined;
  /** The account that an operation in the worker is changing; null: what belongs to none. */
  #heavy: { readonly account: AccountId | null; readonly end: Promise<void> } | undefined;
  #closing = false;
  /** Accounts with commits that are not durable yet, and the last such commit. */
  readonly #fresh = new Map<AccountId, number>();

  static async open(options: SqliteEngineOptions): Promise<SqliteEngine> {
    const database = openDatabase(options.path, { busyTimeout: 5_000, cacheBytes: options.cacheBytes ?? 32 << 20 });
    try {
      migrate(database);
      const [missing] = missingTables(database);
      if (missing !== undefined) throw damaged(dirname(options.path), `its database has no ${missing}`);
      await nodeFiles.syncDirectory(dirname(options.path));
      const wal = await WalFile.open(options.path);
      const worker = new SqliteWorker(options.path);
      return new SqliteEngine(database, wal, worker, options);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  private constructor(database: DatabaseSync, wal: WalFile, worker: SqliteWorker, options: SqliteEngineOptions) {
    this.#database = database;
    this.#tx = new SqliteTransaction(database);
    this.#begin = database.prepare('BEGIN');
    this.#commit = database.prepare('COMMIT');
    this.#wal = wal;
    this.#worker = worker;
    this.checkpoints = new Checkpoints(database, wal, worker, {
      atBytes: options.checkpointBytes ?? CHECKPOINT_BYTES,
      syncedPosition: options.syncedPosition,
      withGateClosed: (work) => this.#withGateClosed(work),
      failed: (error) => this.#durability.fail(error),
    });
    this.#durability = new Durability([wal, ...(options.syncWith ?? [])], {
      durable: (changes) => {
        for (const { account } of changes) {
          if ((this.#fresh.get(account) ?? Infinity) <= this.#durability.durableSeq) this.#fresh.delete(account);
        }
        options.onDurable?.(changes);
      },
      synced: () => {
        if (this.#queue.length > 0) this.#schedule();
      },
      failed: (error) => this.#failed(error, options.onFailure),
    });
  }

  /** The failure after which nothing is accepted any more, if there was one. */
  get failure(): Error | undefined {
    return this.#durability.failure;
  }

  async read<T>(operation: (tx: Reader) => Promise<T>, account?: AccountId): Promise<T> {
    for (;;) {
      if (this.#batch !== undefined) await this.#batch;
      else if (this.#heavy !== undefined && this.#heavy.account === (account ?? null)) await this.#heavy.end;
      else break;
    }
    const turn = this.#turn;
    const result = await this.#inSnapshot(operation);
    if (this.#turn !== turn) throw new Error('a read operation awaited something outside its snapshot');
    const seq = account === undefined ? this.#durability.commitSeq : this.#fresh.get(account);
    if (seq !== undefined && seq > this.#durability.durableSeq) await this.#durable(seq);
    return result;
  }

  /**
   * A transaction for all reads that go on in this turn of the loop: else SQLite would take its locks anew for each statement, which costs more than most
   * of them. It ends with the turn, before anybody writes: so none of them sees less than is committed.
   */
  async #inSnapshot<T>(operation: (tx: Reader) => Promise<T>): Promise<T> {
    if (this.#reads++ === 0) {
      this.#begin.run();
      this.#isSnapshot = true;
    }
    try {
      return await operation(this.#tx);
    } finally {
      if (--this.#reads === 0) this.#endSnapshot();
    }
  }

  #endSnapshot(): void {
    if (!this.#isSnapshot) return;
    this.#isSnapshot = false;
    this.#commit.run();
  }

  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closing) reject(new Refused('store.failed', 'The server is stopping. Try again in a minute.'));
      else if (this.failure !== undefined) reject(failed(this.failure));
      else if (this.#queue.length >= QUEUE_LIMIT) {
        reject(new Refused('limit.reached', 'The server is busy. Try again in a minute.'));
      } else {
        this.#queue.push({ operation, resolve: resolve as (value: unknown) => void, reject });
        this.#schedule();
      }
    });
  }

  /**
   * Runs an operation that is too large for the loop in the worker, alone, as one transaction. Other writes wait meanwhile, and reads
   * of this account, since they could see its commit before we know of it; other reads go on.
   */
  async writeInWorker<T>(account: AccountId | null, operation: HeavyOperation | URL, args: unknown): Promise<T> {
    const name = operation instanceof URL ? operation.href : operation;
    if (operation instanceof URL) await this.#worker.load(name); // which takes longer than most operations: before the gate closes
    return this.#withGateClosed(async () => {
      if (this.failure !== undefined) throw failed(this.failure);
      const { promise: end, resolve: finish } = Promise.withResolvers<void>();
      this.#heavy = { account, end };
      try {
        const { result, changes } = await this.#worker.operation<T>(name, args);
        await this.#durable(this.#committed(changes));
        return result;
      } finally {
        this.#heavy = undefined;
        finish();
      }
    });
  }

  /** Finishes what was accepted, syncs and closes. The order matters: see wal-file.ts. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#queue.length > 0 || this.#batch !== undefined || this.#gate !== undefined) {
      await (this.#gate ?? this.#batch ?? new Promise((resolve) => setImmediate(resolve)));
    }
    try {
      await this.#durability.wait(this.#durability.commitSeq);
      await this.checkpoints.last();
    } finally {
      await this.#worker.close();
      await this.#wal.close();
      this.#database.close();
    }
  }

  /** Closes everything as it is, after opening the store has failed. */
  async abandon(): Promise<void> {
    this.#closing = true;
    await this.#worker.close();
    await this.#wal.close();
    this.#database.close();
  }

  #schedule(): void {
    if (this.#scheduled || this.#gate !== undefined || this.#batch !== undefined) return;
    if (this.#durability.syncing && this.#queue.length < FULL_BATCH) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#gate === undefined && this.#queue.length > 0) void this.#runBatch();
    });
  }

  /** Never rejects: what goes wrong reaches the callers of `write`. */
  async #runBatch(): Promise<void> {
    const { promise: end, resolve: finish } = Promise.withResolvers<void>();
    this.#batch = end;
    this.#turn++;
    const leak = watchForLeak();
    const done: Job[] = [];
    const results: unknown[] = [];
    let changes: Change[] = [];
    let broken: unknown;
    try {
      this.#endSnapshot(); // of a read that awaits what it must not
      this.#database.exec('BEGIN IMMEDIATE');
      const until = performance.now() + BATCH_TIME;
      do {
        const job = this.#queue.shift()!;
        done.push(job);
        results.push(await job.operation(this.#tx));
      } while (this.#queue.length > 0 && performance.now() < until);
      changes = this.#tx.takeChanges();
      this.#database.exec('COMMIT');
    } catch (error) {
      broken = error;
      this.#rollBack();
    }
    clearImmediate(leak);
    if (broken === undefined) this.#answer(done, results, this.#committed(changes));
    else if (done.length === 1) done[0]!.reject(explained(broken));
    else await this.#runOneByOne(done);
    this.#batch = undefined;
    finish();
    if (this.#queue.length > 0) this.#schedule();
    if (!this.#closing) this.checkpoints.look();
  }

  /** The batch was rolled back because one of its operations threw: each in a transaction of its own. */
  async #runOneByOne(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      const leak = watchForLeak();
      try {
        this.#database.exec('BEGIN IMMEDIATE');
        const result = await job.operation(this.#tx);
        const changes = this.#tx.takeChanges();
        this.#database.exec('COMMIT');
        this.#answer([job], [result], this.#committed(changes));
      } catch (error) {
        this.#rollBack();
        job.reject(explained(error));
      }
      clearImmediate(leak);
    }
  }

  #rollBack(): void {
    this.#tx.takeChanges();
    // SQLite has rolled back by itself after some errors (disk full, I/O).
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  #committed(changes: readonly Change[]): number {
    const seq = this.#durability.committed(changes);
    for (const { account } of changes) this.#fresh.set(account, seq);
    this.checkpoints.noteCommit();
    return seq;
  }

  #answer(jobs: readonly Job[], results: readonly unknown[], seq: number): void {
    this.#durability.wait(seq).then(
      () => jobs.forEach((job, index) => void job.resolve(results[index])),
      (error: Error) => jobs.forEach((job) => void job.reject(failed(error))),
    );
  }

  async #durable(seq: number): Promise<void> {
    try {
      await this.#durability.wait(seq);
    } catch (error) {
      throw failed(error);
    }
  }

  /** Nobody is left waiting for a sync that will not come. */
  #failed(error: Error, tell: SqliteEngineOptions['onFailure']): void {
    for (const job of this.#queue.splice(0)) job.reject(failed(error));
    tell?.(error);
  }

  async #withGateClosed<T>(work: () => Promise<T>): Promise<T> {
    while (this.#gate !== undefined || this.#batch !== undefined) await (this.#gate ?? this.#batch);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    try {
      return await work();
    } finally {
      this.#gate = undefined;
      resolve();
      if (this.#queue.length > 0) this.#schedule();
    }
  }
}

/**
 * Ends the process, loudly, when the operation that runs now is still running after this turn of the loop: it has awaited something
 * outside its transaction, which would stop every writer for as long as that takes. @returns what to clear when it has ended
 */
function watchForLeak(): NodeJS.Immediate {
  return setImmediate(() => {
    throw new Error('a write operation awaited something outside its transaction');
  });
}

function failed(cause: unknown): Refused {
  return new Refused(
    'store.failed',
    'The mail store has stopped accepting changes after a disk error. Tell your administrator.',
    { cause },
  );
}
