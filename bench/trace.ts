/**
 * What the trace costs a delivery: LMTP over 16 connections into 10 mailboxes, with and without it, turn by turn; rate and processor time of the server.
 *
 *   node bench/trace.ts [rounds, 7 by default] [messages a round, 20000 by default: fewer measure how a new process compiles its code]
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pino from 'pino';
import { DeliveryPipeline } from '../src/delivery/pipeline.ts';
import { Directory } from '../src/directory/directory.ts';
import { lmtpProtocol } from '../src/lmtp/protocol.ts';
import { ConnectionLimits } from '../src/net/limits.ts';
import { Listener } from '../src/net/listener.ts';
import { DEFAULT_SMTP_LIMITS } from '../src/smtp/context.ts';
import { MailStore } from '../src/store/store.ts';
import { DEFAULT_TRACE } from '../src/store/trace.ts';

const [first = '7', second = '20000', third = ''] = process.argv.slice(2);
const USERS = 10;
const run = promisify(execFile);

if (first === 'serve') await serve(second === 'off', third);
else await compare(Number(first), Number(second));

/** The server of one round: tells its port, and ends with its standard input. */
async function serve(off: boolean, folder: string): Promise<void> {
  const store = await MailStore.open({
    directory: folder,
    command: 'bench',
    diskWatermarkBytes: 0,
    trace: { ...DEFAULT_TRACE, off },
  });
  const directory = await Directory.open(store.engine);
  const changes = directory.by('the benchmark');
  await changes.domains.add('example.org');
  for (let user = 1; user <= USERS; user++)
    await changes.accounts.add({ address: `u${user}@example.org`, password: 'green apples' });
  const fail = (error: unknown) => {
    throw error;
  };
  const context = {
    hostname: 'bench.example.org',
    store,
    delivery: new DeliveryPipeline(directory, store),
    startTls: false,
    limits: DEFAULT_SMTP_LIMITS,
    onInternalError: fail,
    onCommand: () => {},
  };
  const listener = await Listener.listen({
    protocol: lmtpProtocol(context),
    addresses: [{ host: '127.0.0.1', port: 0 }],
    implicitTls: false,
    certificates: { tlsOptions: () => ({ isServer: true }) },
    limits: new ConnectionLimits({ connections: 100, byAddress: 100, byAccount: 100 }),
    linesAWindow: 1e9,
    log: pino({ level: 'silent' }),
    onInternalError: (_where, error) => fail(error),
  });
  process.stdout.write(`${listener.addresses[0]!.port}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await listener.stop(0);
  await store.close();
}

interface Round {
  readonly rate: number;
  /** Microseconds a message. */
  readonly cpu: number;
}

async function compare(rounds: number, messages: number): Promise<void> {
  const figures: Record<'on' | 'off', Round[]> = { on: [], off: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const which of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
      const figure = await measured(which, messages);
      if (round > 0) figures[which].push(figure); // the first warms up the machine
    }
  }
  const [on, off] = [middle(figures.on), middle(figures.off)];
  const line = (name: string, { rate, cpu }: Round) =>
    `${name}  ${rate.toFixed(0)} messages a second, ${cpu.toFixed(1)} µs of processor time each\n`;
  process.stdout.write(line('with the trace   ', on) + line('without          ', off));
  process.stdout.write(
    `it costs ${((on.cpu / off.cpu - 1) * 100).toFixed(1)}% of processor time, ${((1 - on.rate / off.rate) * 100).toFixed(1)}% of the rate\n`,
  );
}

async function measured(which: 'on' | 'off', messages: number): Promise<Round> {
  const folder = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-trace-'));
  const server = spawn(process.execPath, [import.meta.filename, 'serve', which, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const { value: port } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
    const load = join(import.meta.dirname, 'load/main.mjs');
    const options = {
      'lmtp-port': port,
      proto: 'lmtp',
      conns: 16,
      size: 3_000,
      count: messages,
      users: USERS,
      'server-pid': server.pid,
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { stdout } = await run(process.execPath, [load, 'deliver', ...args]);
    const told = JSON.parse(stdout) as Record<string, number>;
    return { rate: told['perSec']!, cpu: told['serverCpuMsPerOp']! * 1_000 };
  } finally {
    server.stdin.end();
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  }
}

function middle(rounds: readonly Round[]): Round {
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return { rate: median(rounds.map(({ rate }) => rate)), cpu: median(rounds.map(({ cpu }) => cpu)) };
}
