/** A server process, started as a person would: for tests of starting and ending. Other tests use office.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SERVICES } from '../../src/config/services.ts';
import { FIRST, isFree, LAST } from './ports.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const MAIN = join(ROOT, 'src/main.ts');
/** Every test starts a process: its code is compiled once. */
export const ENVIRONMENT = {
  ...process.env,
  RAINMAIL_DATA: undefined,
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compile'),
};

export class ServerProcess {
  readonly child: ChildProcess;
  out = '';
  log = '';
  readonly #closed: Promise<unknown>;
  #notice: (() => void)[] = [];

  constructor(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.child = spawn(command, args, { env: ENVIRONMENT, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.child, 'close').finally(() => this.#tell());
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      this.#tell();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
      this.#tell();
    });
  }

  /** Starts `rainmail serve` with these arguments; it is killed when the test is over, should it still run. */
  static serve(t: TestContext, ...args: string[]): ServerProcess {
    const server = new ServerProcess(process.execPath, [MAIN, 'serve', ...args]);
    t.after(() => server.kill());
    return server;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when every port listens. Rejects when it ends before. */
  ready(): Promise<void> {
    return this.until(() => /^ready$/m.test(this.out));
  }

  /** Resolves when what it printed so far is as wanted. */
  async until(wanted: () => boolean): Promise<void> {
    while (!wanted()) {
      if (this.ended) throw new Error(`the server ended with ${this.child.exitCode}:\n${this.out}${this.log}`);
      await new Promise<void>((resolve) => this.#notice.push(resolve));
    }
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for its end. @returns its exit code, null when a signal killed it */
  async end(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed;
  }

  #tell(): void {
    for (const resolve of this.#notice.splice(0)) resolve();
  }
}

/** An offset at which every standard port is free now, and none is one that the system hands out by itself. */
export async function freeOffset(): Promise<number> {
  const most = LAST - Math.max(...SERVICES.map(({ port }) => port));
  for (;;) {
    const offset = randomInt(FIRST, most);
    const free = await Promise.all(SERVICES.map(({ port }) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
}
