/**
 * The database's worker thread as the engine sees it: one request at a time, answered in order.
 *
 * A checkpoint comes once in thousands of messages, and a thread with its connection takes 8 MB: it is started when it is needed, and ends when it
 * has had nothing to do for a while. One that ends by itself is not replaced: whoever asks then hears why it ended.
 */
import { Worker } from 'node:worker_threads';
import { Refused } from '../../errors.ts';
import type { Milliseconds } from '../ids.ts';
import type { Change } from './engine.ts';
import type { WorkerReply, WorkerRequest } from './sqlite-worker.ts';

/** Under load there is a checkpoint every few seconds. */
const LINGER: Milliseconds = 5_000;

/** The same file is TypeScript in a checkout and JavaScript in the published package. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

export interface CheckpointResult {
  /** Pages in the WAL, and how many of them are in the database by now. */
  readonly log: number;
  readonly checkpointed: number;
}

export class SqliteWorker {
  readonly #databasePath: string;
  readonly #linger: Milliseconds;
  #thread: Thread | undefined;
  /** Until one that is not needed any more has ended. */
  #ending: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param linger  how long a thread stays that has nothing to do */
  constructor(databasePath: string, linger = LINGER) {
    this.#databasePath = databasePath;
    this.#linger = linger;
  }

  /** True while there is a thread, also one that is ending. */
  get running(): boolean {
    return this.#thread !== undefined || this.#ending !== undefined;
  }

  /** @param synced what to note in meta once the WAL was restarted: up to where bodies are surely on disk */
  checkpoint(mode: 'PASSIVE' | 'RESTART', synced?: string): Promise<CheckpointResult> {
    return this.#ask({ kind: 'checkpoint', mode, synced: synced ?? null });
  }

  /** Loads a module with an operation, so that no operation waits for it. @param href  its address */
  load(href: string): Promise<void> {
    return this.#ask({ kind: 'load', href });
  }

  /** Runs one of heavy-operations.ts, by its name, or that of a module, by its address, as a transaction. */
  operation<T>(name: string, args: unknown): Promise<{ result: T; changes: readonly Change[] }> {
    return this.#ask({ kind: 'operation', name, args });
  }

  async close(): Promise<void> {
    this.#end();
    await this.#ending;
  }

  async #ask<T>(request: WorkerRequest): Promise<T> {
    await this.#ending;
    clearTimeout(this.#idle);
    this.#thread ??= new Thread(this.#databasePath);
    const thread = this.#thread;
    try {
      return await thread.ask<T>(request);
    } finally {
      clearTimeout(this.#idle);
      if (!thread.busy) this.#idle = setTimeout(() => this.#end(), this.#linger).unref();
    }
  }

  #end(): void {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    if (thread === undefined || thread.failed) return;
    this.#thread = undefined;
    this.#ending = thread.end().finally(() => {
      this.#ending = undefined;
    });
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

class Thread {
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #ended: Error | undefined;

  constructor(databasePath: string) {
    this.#worker = new Worker(new URL(`./sqlite-worker.${extension}`, import.meta.url), {
      workerData: { databasePath },
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    this.#worker.on('message', (reply: WorkerReply) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) throw new Error('the database worker answered what nobody asked');
      if ('refused' in reply) waiting.reject(new Refused(reply.refused, reply.text));
      else if ('error' in reply) waiting.reject(reply.error);
      else waiting.resolve(reply.value);
    });
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', (code) => this.#end(new Error(`the database worker ended with code ${code}`)));
    this.#worker.unref();
  }

  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** True when it has ended by itself. */
  get failed(): boolean {
    return this.#ended !== undefined;
  }

  ask<T>(request: WorkerRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    }).finally(() => {
      if (!this.busy) this.#worker.unref();
    }) as Promise<T>;
  }

  /** After what was asked before. */
  async end(): Promise<void> {
    await this.ask({ kind: 'close' });
    await this.#worker.terminate();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}
