/** The thread in which jobs of the backups read, hash, compress and cipher, so that the event loop does not. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Refused } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { Layout } from './repository/layout.ts';
import { prune } from './repository/prune.ts';
import { verifyRepository } from './repository/verify.ts';
import { writeFiles } from './repository/write-files.ts';
import { run } from './run-job.ts';
import { type Job, REST, STOP, type WorkerData, type WorkerMessage } from './worker-client.ts';

/** Between two reports of progress. */
const REPORT_EVERY: Milliseconds = 100;

const { job, signals: shared } = workerData as WorkerData;
const port = parentPort!;
const post = (message: WorkerMessage): void => port.postMessage(message);
const signals = new Int32Array(shared);

/** Between two rests. */
const WORK_FOR: Milliseconds = 10;
const LONGEST_REST: Milliseconds = 200;
let workedSince = performance.now();

/** Rests, if the server is busy with mail; who restores is waited for. @returns true when the job should stop */
const stopped = (): boolean => {
  const worked = performance.now() - workedSince;
  if (worked >= WORK_FOR && job.kind !== 'write') {
    const rest = (worked * Atomics.load(signals, REST)) / 100;
    if (rest > 0) Atomics.wait(signals, STOP, 0, Math.min(rest, LONGEST_REST));
    workedSince = performance.now();
  }
  return Atomics.load(signals, STOP) !== 0;
};

let reported = 0;
const progress = (made: Progress): void => {
  const now = performance.now();
  if (now - reported < REPORT_EVERY) return;
  reported = now;
  post({ progress: made });
};

// Linux has a priority for each thread: mail goes first, a backup takes the processor's time that is left.
if (job.kind !== 'write' && process.platform === 'linux') setPriority(0, 19);

perform(job).then(
  (result) => post({ result }),
  (error: unknown) => {
    if (error instanceof Refused) post({ refused: error.code, text: error.message });
    else post({ error });
  },
);

async function perform(given: Job): Promise<unknown> {
  const layout = revived(given.layout);
  switch (given.kind) {
    case 'run':
      return run({ ...given, layout }, progress, stopped, () => post({ databaseRead: true }));
    case 'verify':
      return verifyRepository({ ...given, layout }, progress, stopped);
    case 'prune':
      return prune({ ...given, layout }, progress, stopped);
    case 'write':
      return writeFiles({ ...given, layout }, progress, stopped);
  }
}

/** Buffers arrive as plain byte arrays. */
function revived({ keys, ...rest }: Layout): Layout {
  const [names, content, check] = [keys.names, keys.content, keys.check].map((key) => Buffer.from(key));
  return { ...rest, keys: { names: names!, content: content!, check: check! } };
}
