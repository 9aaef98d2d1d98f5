/** The hashes that are computed in JavaScript, in a worker thread: up to half a second each would hold up everybody. */
import { Worker } from 'node:worker_threads';

export interface CryptRequest {
  readonly variant: '1' | 'apr1' | '5' | '6';
  readonly password: string;
  readonly salt: string;
  /** Of SHA-crypt; MD5-crypt always has 1,000. */
  readonly rounds: number;
}

interface Waiting {
  readonly resolve: (hash: string) => void;
  readonly reject: (error: Error) => void;
}

/** The same file is TypeScript in a checkout and JavaScript in the published package. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Started when it is first needed: most offices have no such hashes. Answers come in the order of the requests. */
let worker: Worker | undefined;
const waiting: Waiting[] = [];

/** SHA-crypt: the last field of the hash. MD5-crypt: the whole hash. How many wait is bounded by the caller. */
export function crypt(request: CryptRequest): Promise<string> {
  worker ??= start();
  worker.ref(); // somebody waits for it
  worker.postMessage(request);
  return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
}

function start(): Worker {
  const started = new Worker(new URL(`./crypt-worker.${extension}`, import.meta.url));
  const end = (error: Error) => {
    if (worker !== started) return;
    worker = undefined;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  started.on('message', (hash: string) => {
    waiting.shift()!.resolve(hash);
    if (waiting.length === 0) started.unref();
  });
  started.on('error', (error) => end(error as Error));
  started.on('exit', (code) => end(new Error(`the thread for hashes ended with code ${code}`)));
  return started;
}
