/** A mail server under test, as the runner sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export type ServerName = 'Rainmail' | 'Dovecot mdbox' | 'Dovecot maildir';

export interface Ports {
  readonly imap: number;
  readonly pop3: number;
  readonly lmtp: number;
  /** Null: it takes no mail in over SMTP. */
  readonly smtp: number | null;
}

export interface MailServer {
  readonly name: ServerName;
  readonly version: string;
  readonly ports: Ports;
  /** Of its first process, while it runs. */
  readonly pid: number;
  start(): Promise<void>;
  /** Ends it, at once; nothing when it does not run. */
  stop(): Promise<void>;
  /** The longest pause of its event loop since the last time it was asked, in milliseconds; null when it can't tell. */
  longestPause(): Promise<number | null>;
}

const STOP_TIMEOUT_MS = 20_000;
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Starts a server in a process group of its own, so that Ctrl-C reaches only the runner. Its output goes to a file. */
export function startProcess(command: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  return spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
}

/** Waits until the condition holds. @throws Error when the process ends before, or it takes too long */
export async function untilReady(server: ChildProcess, logFile: string, ready: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + START_TIMEOUT_MS;
  while (!(await ready())) {
    if (hasEnded(server) || performance.now() > limit)
      throw new Error(`${server.spawnfile} did not start: see ${logFile}`);
    await sleep(POLL_MS);
  }
}

/** SIGTERM; SIGKILL to what does not heed it. */
export async function stopProcess(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || hasEnded(server)) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}
