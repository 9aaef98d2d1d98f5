/** Runs the load generator against a server, on a core of its own where there is more than one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LoadResult } from './plan.ts';
import type { MailServer } from './server.ts';

const generator = join(import.meta.dirname, '../load/main.mjs');
export const CLIENT_CORE = 1;

/** True when the load generator can have a core of its own. */
export const pinned = availableParallelism() > CLIENT_CORE && spawnSync('taskset', ['--version']).error === undefined;

export interface Load {
  readonly args: readonly (string | number)[];
  /** Null for what needs no server. */
  readonly server: Pick<MailServer, 'pid' | 'ports'> | null;
  readonly corpus: string;
  /** Ends the run. */
  readonly signal: AbortSignal;
}

/** @throws Error when the load generator printed no result */
export async function runLoad({ args, server, corpus, signal }: Load): Promise<LoadResult> {
  const all = [...args, '--corpus', corpus, ...(server === null ? [] : serverArgs(server))].map(String);
  const [command, before] = pinned
    ? ['taskset', ['-c', String(CLIENT_CORE), process.execPath]]
    : [process.execPath, []];
  const child = spawn(command, [...before, generator, ...all], { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (output === '') throw new Error(`no result of: load ${all.join(' ')}`);
  return JSON.parse(output);
}

function serverArgs({ pid, ports }: Pick<MailServer, 'pid' | 'ports'>): (string | number)[] {
  return [
    ...['--server-pid', pid, '--imap-port', ports.imap, '--pop3-port', ports.pop3, '--lmtp-port', ports.lmtp],
    ...(ports.smtp === null ? [] : ['--smtp-port', ports.smtp]),
  ];
}
