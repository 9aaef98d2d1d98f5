/** Runs a job of the backups in a thread of its own (worker.ts), which lives as long as the job. */
import { Worker } from 'node:worker_threads';
import { type RefusalCode, Refused } from '../errors.ts';
import type { OnProgress, Progress } from '../progress.ts';
import type { Milliseconds } from '../store/ids.ts';
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
  /** Two 32-bit numbers: {@link STOP} and {@link REST}. */
  readonly signals: SharedArrayBuffer;
}

/** Not 0: the job should stop. */
export const STOP = 0;
/** How long the job should rest, in percent of the time it works. */
export const REST = 1;

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

/** How often it is looked how busy the event loop is. */
const LOOK_EVERY: Milliseconds = 200;
/** A loop that does less than this part of its time is not disturbed by us. */
const IDLE = 0.2;
/** When the loop does nothing but work, a job works a seventh of its time: mail goes first, on the disk too. */
const MOST_REST = 600;

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** @throws Refused what the job refused; `backup.stopped` after `signal` */
export async function inWorker<J extends Job>(job: J, options: InWorkerOptions = {}): Promise<JobResults[J['kind']]> {
  const { progress, signal, databaseRead } = options;
  const shared = new SharedArrayBuffer(8);
  const signals = new Int32Array(shared);
  const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
    workerData: { job, signals: shared } satisfies WorkerData,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const abort = (): void => {
    Atomics.store(signals, STOP, 1);
    Atomics.notify(signals, STOP); // it may be resting
  };
  let looked = performance.eventLoopUtilization();
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, looked);
    looked = now;
    Atomics.store(signals, REST, Math.round((Math.max(0, utilization - IDLE) / (1 - IDLE)) * MOST_REST));
  };
  const looking = setInterval(look, LOOK_EVERY);
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
    clearInterval(looking);
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
