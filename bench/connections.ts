/**
 * What a connection costs in the connection layer alone, for a trivial protocol: memory of an idle one, and CPU of one that
 * comes, signs in and quits; beside them, the same with bare sockets of Node.
 * `node bench/connections.ts [idle connections] [seconds]`
 *
 * The server is a process of its own, so that its memory (PSS, Linux) and CPU are not mixed with the clients'.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import type { LineConnection } from '../src/net/connection-types.ts';
import { ConnectionLimits } from '../src/net/limits.ts';
import { Listener } from '../src/net/listener.ts';

const PARALLEL = 16;

type Kind = 'connection layer' | 'bare sockets';

if (process.send === undefined) await measure(Number(process.argv[2] ?? 5000), Number(process.argv[3] ?? 5));
else await serve(process.argv[2] as Kind);

async function serve(kind: Kind): Promise<void> {
  process.on('message', () => process.send!(process.cpuUsage()));
  process.on('disconnect', () => process.exit());
  process.send!(await (kind === 'bare sockets' ? listenBare() : listen()));
}

async function listenBare(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.write('+OK\r\n');
    socket.on('error', ignore).on('data', answerBare);
  });
  server.listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function ignore(): void {}

function answerBare(this: Socket, bytes: Buffer): void {
  this.write('+OK\r\n');
  if (bytes.toString('latin1') === 'QUIT\r\n') this.end();
}

async function listen(): Promise<number> {
  const many = 1_000_000;
  const listener = await Listener.listen({
    protocol: { name: 'pop3', strictLines: false, idleTimeout: 600_000, serve: trivial, farewell: () => '' },
    addresses: [{ host: '127.0.0.1', port: 0 }],
    implicitTls: false,
    certificates: null,
    limits: new ConnectionLimits({ connections: many, byAddress: many, byAccount: many }),
    linesAWindow: many,
    log: pino({ level: 'error' }),
    onInternalError: (_, error) => {
      throw error;
    },
  });
  return listener.addresses[0]!.port;
}

async function trivial(connection: LineConnection): Promise<void> {
  connection.write('+OK\r\n');
  for (;;) {
    const line = await connection.line(512);
    if (line === null) return;
    connection.write('+OK\r\n');
    if (line.toString('latin1') === 'QUIT') return;
  }
}

async function measure(idle: number, seconds: number): Promise<void> {
  for (const kind of ['bare sockets', 'connection layer'] satisfies Kind[]) {
    console.log(`${kind}:`);
    await withServer(kind, (server, port) => memory(server, port, idle));
    await withServer(kind, async (server, port) => {
      await comeAndGo(port, 1); // warm
      await rate(server, port, seconds);
    });
  }
}

async function withServer(kind: Kind, use: (server: ChildProcess, port: number) => Promise<void>): Promise<void> {
  const server = fork(import.meta.filename, [kind], { stdio: 'inherit' });
  const [port] = (await once(server, 'message')) as [number];
  await use(server, port);
  server.disconnect();
  await once(server, 'exit');
}

async function rate(server: ChildProcess, port: number, seconds: number): Promise<void> {
  const cpuBefore = await cpu(server);
  const begin = performance.now();
  const count = await comeAndGo(port, seconds);
  const took = (performance.now() - begin) / 1000;
  const each = ((await cpu(server)) - cpuBefore) / count;
  console.log(`  ${Math.round(count / took)} connections/s, ${each.toFixed(0)} us of server CPU each`);
}

/** @returns connections made, each with three commands, in so many seconds */
async function comeAndGo(port: number, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let count = 0;
  const one = async () => {
    while (performance.now() < until) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let answers = 0;
      socket.on('data', () => {
        answers++;
        if (answers <= 3) socket.write(answers === 3 ? 'QUIT\r\n' : `USER ${answers}\r\n`);
      });
      await once(socket, 'close');
      count++;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, one));
  return count;
}

async function memory(server: ChildProcess, port: number, idle: number): Promise<void> {
  const before = await pss(server);
  const sockets: Socket[] = [];
  for (let i = 0; i < idle; i++) {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'data');
    sockets.push(socket);
  }
  await settle(server);
  const each = (await pss(server)) - before;
  console.log(`  ${(each / idle).toFixed(2)} KB (PSS) for each of ${idle} idle connections`);
  for (const socket of sockets) socket.destroy();
}

async function cpu(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [usage] = (await once(server, 'message')) as [NodeJS.CpuUsage];
  return usage.user + usage.system;
}

/** Waits until the server's memory has stopped growing or shrinking. */
async function settle(server: ChildProcess): Promise<void> {
  for (let last = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await pss(server);
    if (Math.abs(now - last) < 200) return;
    last = now;
  }
}

/** Kilobytes. */
async function pss(server: ChildProcess): Promise<number> {
  const rollup = await readFile(`/proc/${server.pid}/smaps_rollup`, 'latin1');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)![1]);
}
