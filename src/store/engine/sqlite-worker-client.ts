/** The database's worker thread as the engine sees it: one request at a time, answered in order. */
import { Worker } from 'node:worker_threads';
import { Refused } from '../../errors.ts';
import type { Change } from './engine.ts';
import type { WorkerReply, WorkerRequest } from './sqlite-worker.ts';

/** The same file is TypeScript in a checkout and JavaScript in the published package. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

export interface CheckpointResult {
  /** Pages in the WAL, and how many of them are in the database by now. */
  readonly log: number;
  readonly checkpointed: number;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class SqliteWorker {
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

  /** @param synced what to note in meta once the WAL was restarted: up to where bodies are surely on disk */
  checkpoint(mode: 'PASSIVE' | 'RESTART', synced?: string): Promise<CheckpointResult> {
    return this.#ask({ kind: 'checkpoint', mode, synced: synced ?? null });
  }

  /** Loads a module with an operation. @param href  its address, which names the operation from then on */
  load(href: string): Promise<void> {
    return this.#ask({ kind: 'load', href });
  }

  /** Runs one of heavy-operations.ts, or of a module that was loaded, as a transaction. */
  operation<T>(name: string, args: unknown): Promise<{ result: T; changes: readonly Change[] }> {
    return this.#ask({ kind: 'operation', name, args });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.#ask({ kind: 'close' });
    await this.#worker.terminate();
  }

  #ask<T>(request: WorkerRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    }).finally(() => {
      if (this.#waiting.length === 0) this.#worker.unref();
    }) as Promise<T>;
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}
