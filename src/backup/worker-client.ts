/** Runs a job of the backups in a thread of its own (worker.ts), which lives as long as the job. */
import { Worker } from 'node:worker_threads';
import { type RefusalCode, Refused } from '../errors.ts';
import type { OnProgress, Progress } from '../progress.ts';
import type { Pruned, PruneJob } from './repository/prune.ts';
import type { RepositoryVerified, VerifyJob } from './repository/verify.ts';
import type { WriteFilesJob } from './repository/write-files.ts';
import type { BackupMade, RunJob } from './run-job.ts';

export type Job = RunJob | VerifyJob | PruneJob | WriteFilesJob;

/** What each kind of job results in. */
export interface JobResults {
  readonly run: BackupMade;
  readonly verify: RepositoryVerified;
  readonly prune: Pruned;
  readonly write: undefined;
}

export interface WorkerData {
  readonly job: Job;
  /** One 32-bit number, not 0 when the job should stop. */
  readonly stop: SharedArrayBuffer;
}

export type WorkerMessage =
  | { readonly progress: Progress }
  | { readonly databaseRead: true }
  | { readonly result: unknown }
  /** Errors lose their class on the way to another thread; a refusal must stay one. */
  | { readonly refused: RefusalCode; readonly text: string }
  | { readonly error: unknown };

export interface InWorkerOptions {
  readonly progress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Of a run: the database's file is not needed any more. */
  readonly databaseRead?: () => void;
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** @throws Refused what the job refused; `backup.stopped` after `signal` */
export async function inWorker<J extends Job>(job: J, options: InWorkerOptions = {}): Promise<JobResults[J['kind']]> {
  const { progress, signal, databaseRead } = options;
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
    workerData: { job, stop } satisfies WorkerData,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const abort = (): void => void Atomics.store(new Int32Array(stop), 0, 1);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort);
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: WorkerMessage) => {
        if ('progress' in message) progress?.(message.progress);
        else if ('databaseRead' in message) databaseRead?.();
        else if ('result' in message) resolve(message.result as JobResults[J['kind']]);
        else if ('refused' in message) reject(new Refused(message.refused, message.text));
        else reject(message.error);
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`the thread of the backup ended with code ${code}`)));
    });
  } finally {
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
