/**
 * The database's worker thread: checkpoints, whose syncs are slow, and operations too large for the event loop. It has a connection of
 * its own; the engine's gate sees to it that it never writes while the loop does.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type RefusalCode, Refused } from '../../errors.ts';
import type { Heavy, HeavyOperation } from '../operations/heavy-operations.ts';
import { type Change, type HeavyModule, TakenBack } from './engine.ts';
import { sql } from './sql.ts';
import { explained } from './sqlite-errors.ts';
import { openDatabase } from './sqlite-open.ts';
import { SqliteTransaction } from './sqlite-transaction.ts';

export type WorkerRequest =
  | { readonly kind: 'checkpoint'; readonly mode: 'PASSIVE' | 'RESTART'; readonly synced: string | null }
  | { readonly kind: 'load'; readonly href: string }
  | { readonly kind: 'operation'; readonly name: string; readonly args: unknown }
  | { readonly kind: 'close' };

/** Errors lose their class on the way to another thread; a refusal must stay one. */
export type WorkerReply =
  | { readonly value: unknown }
  | { readonly refused: RefusalCode; readonly text: string }
  | { readonly error: unknown };

const NOTE = sql(
  `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
);

const { databasePath } = workerData as { databasePath: string };
const database = openDatabase(databasePath, { busyTimeout: 10_000, cacheBytes: 8 << 20 });
const tx = new SqliteTransaction(database);

const port = parentPort!;
/** Requests are run one after the other: whoever asks takes the answers in the order of the questions. */
let last: Promise<unknown> = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  last = last
    .then(() => answer(request))
    .then(
      (value) => port.postMessage({ value } satisfies WorkerReply),
      (error: unknown) => port.postMessage(failure(error)),
    );
});

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case 'checkpoint':
      return checkpoint(request.mode, request.synced);
    case 'load':
      await operationOf(request.href);
      return undefined;
    case 'operation':
      return runOperation(request.name, request.args);
    case 'close':
      database.close();
      return undefined;
  }
}

function checkpoint(mode: 'PASSIVE' | 'RESTART', synced: string | null): unknown {
  const result = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as {
    busy: number;
    log: number;
    checkpointed: number;
  };
  // The first commit after a restart writes the WAL's header and syncs it: here, not on the loop.
  if (mode === 'RESTART') tx.run(NOTE, synced === null ? 'checkpoint' : 'synced', synced ?? String(Date.now()));
  return result;
}

async function runOperation(name: string, args: unknown): Promise<{ result: unknown; changes: Change[] }> {
  const operation = await operationOf(name);
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = await operation(tx, args);
    database.exec('COMMIT');
    return { result, changes: tx.takeChanges() };
  } catch (error) {
    tx.takeChanges();
    if (database.isTransaction) database.exec('ROLLBACK');
    if (error instanceof TakenBack) return { result: error.result, changes: [] };
    throw error;
  }
}

/** @param name  of one that the store knows, or the address of a module; loaded here unless it was before, by this thread */
async function operationOf(name: string): Promise<Heavy> {
  if (name.startsWith('file:')) return ((await import(name)) as HeavyModule<unknown, unknown>).operation;
  // Loaded with the first that comes, which for most servers is none: checkpoints need nothing of it.
  const { HEAVY_OPERATIONS } = await import('../operations/heavy-operations.ts');
  return HEAVY_OPERATIONS[name as HeavyOperation];
}

function failure(thrown: unknown): WorkerReply {
  const error = explained(thrown);
  return error instanceof Refused ? { refused: error.code, text: error.message } : { error };
}
