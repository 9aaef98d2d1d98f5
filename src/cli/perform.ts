/** Runs an administrative action: in the server that has the data directory open, or here when none has. */
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type RefusalCode, Refused } from '../errors.ts';
import type { OnProgress } from '../progress.ts';
import { type Action, inputFor } from '../server/admin/action.ts';
import { type Answer, jsonLines, type Request, shortPath, socketPath } from '../server/admin/wire.ts';
import type { OutputOptions } from './output.ts';
import { showProgress } from './progress.ts';

export interface PerformOptions extends OutputOptions {
  readonly data: string;
}

/** How long to wait for a server that is just starting or ending (its lock is held, its socket isn't there). */
const PATIENCE = 10_000;
const RETRY_AFTER = 100;

/**
 * Asks a running server once more, for a command that goes on: between one server and the next the data directory is not opened here, where it would be
 * in the way of the next.
 * @throws Refused `server.needed` while none runs, or when it ends before it answers; else as {@link perform}
 */
export async function performAgain<Input, Result>(
  action: Action<Input, Result>,
  input: Input,
  options: PerformOptions,
): Promise<Result> {
  const server = await connectTo(options.data);
  if (server === undefined) throw new Refused('server.needed', `No server runs on ${options.data}.`);
  return (await ask(server, { action: action.name, input, actor: actor(), again: true }, () => {})) as Result;
}

/**
 * @throws Refused with what the action said; `store.locked` when another command has the data directory; an Error for a fault of ours
 */
export async function perform<Input, Result>(
  action: Action<Input, Result>,
  input: Input,
  options: PerformOptions,
): Promise<Result> {
  const progress = showProgress(options);
  try {
    for (const giveUpAt = Date.now() + PATIENCE; ; await delay(RETRY_AFTER)) {
      const server = await connectTo(options.data);
      // What came over the wire is what the same code, in the server, returned.
      if (server !== undefined)
        return (await ask(server, { action: action.name, input, actor: actor() }, progress.show)) as Result;
      try {
        return await here(action, input, options.data, progress.show);
      } catch (error) {
        const busy = error instanceof Refused && error.code === 'store.locked';
        if (!busy || Date.now() >= giveUpAt) throw error;
      }
    }
  } finally {
    progress.end();
  }
}

async function here<Input, Result>(
  action: Action<Input, Result>,
  input: Input,
  data: string,
  progress: OnProgress,
): Promise<Result> {
  // Loaded with its first use: where a server runs, or only help is wanted, a command does without the store and all of its parts.
  const { openOffice } = await import('../server/office.ts');
  const office = await openOffice({ data, create: action.creates === true, command: action.name.replace('.', ' ') });
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await action.run(office, inputFor(action, input), {
      progress,
      signal: interrupted.signal,
      actor: actor(),
    });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await office.close();
  }
}

/** Who asks, for the audit. */
export function actor(): string {
  return `${process.env['SUDO_USER'] ?? userInfo().username} on the command line`;
}

/** The server's admin socket, or undefined when no server listens there. */
function connectTo(data: string): Promise<Socket | undefined> {
  const full = socketPath(data);
  let short: ReturnType<typeof shortPath>;
  try {
    short = shortPath(full);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Promise.resolve(undefined);
    throw error;
  }
  return new Promise((resolve, reject) => {
    const socket = connect(short.path);
    socket.once('close', short.release);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR') resolve(undefined);
      else if (error.code === 'EACCES') {
        reject(
          new Refused('store.locked', `${data} belongs to another user: run this as the user that runs the server.`),
        );
      } else reject(error);
    });
  });
}

async function ask(server: Socket, request: Request, progress: OnProgress): Promise<unknown> {
  try {
    server.write(`${JSON.stringify(request)}\n`);
    for await (const line of jsonLines(server)) {
      const answer = line as Answer;
      if ('progress' in answer) progress(answer.progress);
      else if ('result' in answer) return answer.result;
      else if (answer.error.code === 'internal') throw new Error(answer.error.text);
      else throw new Refused(answer.error.code as RefusalCode, answer.error.text);
    }
  } finally {
    server.destroy();
  }
  throw new Refused(
    'server.needed',
    'The server ended before it answered. Look whether it was done, and give the command again.',
  );
}
