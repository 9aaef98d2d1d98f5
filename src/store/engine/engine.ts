/**
 * What an engine of the store promises (SQLite now, PostgreSQL later).
 *
 * Operations are written once, as async functions over a {@link Reader} or {@link Writer}. SQLite answers at once and
 * PostgreSQL over the wire, so an operation awaits every answer, and awaits **nothing else**: no timer, no file, no
 * socket. The type shows who may change things. An operation that waits for something else is stopped with an error.
 */
import type { AccountId, MailboxId, Modseq } from '../ids.ts';
import type { HeavyOperation } from '../operations/heavy-operations.ts';
import type { Sql, Value } from './sql.ts';

/** A value that is there at once (SQLite) or soon (PostgreSQL). */
export type Awaitable<T> = T | Promise<T>;

/** A consistent snapshot. Rows come as arrays, in the order of the statement's columns. */
export interface Reader {
  /** The first row, or undefined. */
  get<Row extends readonly Value[]>(statement: Sql<Row>, ...values: Value[]): Awaitable<Row | undefined>;
  /** All rows. Statements that may return many are paged by the caller ({@link PAGE_ROWS}). */
  all<Row extends readonly Value[]>(statement: Sql<Row>, ...values: Value[]): Awaitable<Row[]>;
}

/** A transaction that may change things: whole or not at all. */
export interface Writer extends Reader {
  /** Runs a statement that returns no rows. @returns how many rows it changed */
  run(statement: Sql, ...values: Value[]): Awaitable<number>;
  /** Notes what changed, for the change event that follows once the transaction is durable. */
  changed(change: Change): void;
}

/** What a committed transaction changed; broadcast after it is durable, never before. */
export interface Change {
  readonly account: AccountId;
  /** Absent when only the account itself changed. */
  readonly mailbox?: MailboxId;
  readonly modseq: Modseq;
  /** True when the set of mailboxes changed (created, deleted, renamed, subscribed). */
  readonly mailboxes?: boolean;
}

/** Rows a page: a page costs about 1 ms of the loop. */
export const PAGE_ROWS = 500;
/** Rows a chunk of a long change (STORE, EXPUNGE, MOVE): a chunk costs a few ms. */
export const CHUNK_ROWS = 1_000;

export interface Engine {
  /**
   * Runs a read operation on a consistent snapshot. Resolves only once everything it may have seen is durable, so that
   * what is told to a client can't be taken back by a power cut. With `account` it waits for that account's changes only.
   */
  read<T>(operation: (tx: Reader) => Promise<T>, account?: AccountId): Promise<T>;

  /**
   * Runs a write operation in the next batch, within a savepoint of its own; resolves when it is **durable** (committed, the
   * write-ahead log and all bodies reserved before it synced). Rejects with what the operation threw (nothing of it is kept), or
   * Refused `store.full` / `store.failed`.
   */
  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T>;

  /**
   * Runs an operation that is too large for the loop and must be whole, outside it, as one transaction.
   * @param account  whose mail it changes; null: something that belongs to no account
   * @param operation  its name in heavy-operations.ts; or a module that is a {@link HeavyModule}, of a part that the store doesn't know
   * @param args  are copied: they must survive structured cloning, as what comes of it
   */
  writeInWorker<T>(account: AccountId | null, operation: HeavyOperation | URL, args: unknown): Promise<T>;
}

/** What a module exports whose operation runs in the worker. */
export interface HeavyModule<Args, Result> {
  operation(tx: Writer, args: Args): Promise<Result>;
}

/** Thrown by an operation in the worker that was only tried: nothing of it is kept, and this is what comes of it. */
export class TakenBack<Result> extends Error {
  override readonly name = 'TakenBack';
  readonly result: Result;

  constructor(result: Result) {
    super('only tried');
    this.result = result;
  }
}
