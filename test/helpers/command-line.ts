/**
 * The command line, in the test's own process: what a command reads, prints and exits with is kept apart from the test's, and several may run at
 * once. A process of its own costs more time than most commands, and adds nothing to them but src/main.ts; those who ask for just that, or for
 * a terminal, a working directory or a kill, start one: {@link rainmailProcess}.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ENVIRONMENT, MAIN } from './server-process.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Streams {
  readonly stdin: Readable;
  stdout: string;
  stderr: string;
}

/** Of the command that runs now; of none in the test itself. */
const streams = new AsyncLocalStorage<Streams>();

for (const name of ['stdout', 'stderr'] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((...args: [text: unknown]) => {
    const command = streams.getStore();
    if (command === undefined) return write(...args);
    command[name] += String(args[0]);
    return true;
  }) as typeof stream.write;
}
const { get: ownStdin } = Object.getOwnPropertyDescriptor(process, 'stdin')!;
Object.defineProperty(process, 'stdin', { get: () => streams.getStore()?.stdin ?? ownStdin!.call(process) });

/** Runs a command. Never rejects: look at `code`. */
export async function rainmail(
  args: readonly string[],
  { input = '' }: { input?: string } = {},
): Promise<CommandResult> {
  const { run } = await import('../../src/cli/program.ts'); // most test files run no command
  const own: Streams = { stdin: Readable.from([Buffer.from(input)]), stdout: '', stderr: '' };
  const before = process.exitCode;
  process.exitCode = undefined; // commands say there how they ended
  try {
    const code = await streams.run(own, () => run(args));
    return { code, stdout: own.stdout, stderr: own.stderr };
  } finally {
    process.exitCode = before;
  }
}

/** Runs a command as a person does, in a process of its own. Never rejects: look at `code`. */
export async function rainmailProcess(
  args: readonly string[],
  { cwd, input = '' }: { cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it ended before it read its input
  child.stdin.end(input);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr };
}
