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
import type { Job, WorkerData, WorkerMessage } from './worker-client.ts';

/** Between two reports of progress. */
const REPORT_EVERY: Milliseconds = 100;

const { job, stop } = workerData as WorkerData;
const port = parentPort!;
const post = (message: WorkerMessage): void => port.postMessage(message);
const stopFlag = new Int32Array(stop);
const stopped = (): boolean => Atomics.load(stopFlag, 0) !== 0;

let reported = 0;
const progress = (made: Progress): void => {
  const now = performance.now();
  if (now - reported < REPORT_EVERY) return;
  reported = now;
  post({ progress: made });
};

// Linux has a priority for each thread: mail goes first, a backup takes the processor's time that is left. Who restores is waited for.
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
