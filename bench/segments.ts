/**
 * What the segments alone can do: durable appends a second at 16 and 64 in flight, and bytes read a second, by each way of reading.
 *
 *   node bench/segments.ts [seconds a measurement]
 */
import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Segments } from '../src/store/bodies/segments.ts';
import type { BodyAddress } from '../src/store/types.ts';

const SECONDS = Number(process.argv[2] ?? 3);
const BODY_BYTES = 8 << 10;

const directory = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-segments-'));
try {
  await appends(1);
  await appends(16);
  await appends(64);
  await appendCost();
  await reads();
  await streaming();
} finally {
  await rm(directory, { recursive: true });
}

/** Appends and syncs with so many in flight. */
async function appends(inFlight: number): Promise<void> {
  const segments = await Segments.open({ directory: join(directory, `append-${inFlight}`) });
  const body = randomBytes(BODY_BYTES);
  const digest = hash('sha256', body, 'buffer');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  delay.enable();
  const start = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() - start < SECONDS * 1_000) {
        segments.append([body], body.length, digest);
        await segments.sync();
        done++;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const micros = (user + system) / done;
  print(
    `append+sync, ${inFlight} in flight`,
    `${Math.round(done / seconds)}/s, ${micros.toFixed(0)} us of processor each`,
  );
  print('', `loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`);
  await segments.close();
}

/** What an append costs the event loop by itself. */
async function appendCost(): Promise<void> {
  const segments = await Segments.open({ directory: join(directory, 'cost') });
  const body = randomBytes(BODY_BYTES);
  const digest = hash('sha256', body, 'buffer');
  let spent = 0;
  const rounds = 200;
  const each = 100;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let i = 0; i < each; i++) segments.append([body], body.length, digest);
    spent += performance.now() - start;
    await segments.sync();
  }
  print('append, on the loop', `${((spent * 1_000) / (rounds * each)).toFixed(1)} us each`);
  await segments.close();
}

async function reads(): Promise<void> {
  const segments = await Segments.open({ directory: join(directory, 'read') });
  const addresses: BodyAddress[] = [];
  let total = 0;
  while (total < 128 << 20) {
    // Sizes as mail has them: log-normal, median 8 KB.
    const size = Math.min(1 << 20, Math.round(BODY_BYTES * Math.exp(1.2 * gauss())));
    const body = randomBytes(size);
    addresses.push(segments.append([body], size, hash('sha256', body, 'buffer')));
    total += size;
    if (segments.queuedBytes > 8 << 20) await segments.sync();
  }
  await segments.sync();
  await segments.seal();

  for (let round = 0; round < 2; round++) {
    await throughput('read, one after the other', total, addresses.length, async () => {
      for (const address of addresses) await segments.read(address);
    });
    await throughput('read, 8 at a time', total, addresses.length, async () => {
      const rest = addresses.values();
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (const address of rest) await segments.read(address);
        }),
      );
    });
    await throughput('readMany', total, addresses.length, async () => {
      for await (const body of segments.readMany(addresses)) if (!Buffer.isBuffer(body)) throw new Error('not read');
    });
  }
  await segments.close();
}

/** A body of 50 MB in and out: what it does to memory. */
async function streaming(): Promise<void> {
  const segments = await Segments.open({ directory: join(directory, 'large') });
  for (let round = 0; round < 3; round++) {
    const before = process.memoryUsage.rss();
    let peak = before;
    const large = segments.large();
    for (let i = 0; i < 800; i++) {
      await large.write(Buffer.alloc(64 << 10, i));
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    const address = await large.finish(new Uint8Array(32));
    await segments.sync();
    const written = peak - before;
    peak = process.memoryUsage.rss();
    const start = peak;
    const began = performance.now();
    for await (const chunk of segments.readChunks(address, 0, address.length, true)) {
      await new Promise((resolve) => setImmediate(resolve, chunk));
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    const rate = ((address.length / (performance.now() - began)) * 1_000) / 1e6;
    print('50 MB in, out', `memory grew by ${mb(written)}, ${mb(peak - start)}; out at ${rate.toFixed(0)} MB/s`);
  }
  await segments.close();
}

async function throughput(name: string, bytes: number, count: number, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  print(name, `${Math.round(bytes / 1e6 / seconds)} MB/s, ${Math.round(count / seconds)} bodies/s`);
}

function gauss(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function print(name: string, result: string): void {
  console.log(`${name.padEnd(28)} ${result}`);
}
