/**
 * What a backup costs: the first one of a store of so many GB against a sequential write of the same disk, one of a day's mail, deliveries
 * meanwhile, pauses of the event loop, memory.
 *
 *   node bench/backup.ts [--gb 10] [--folder DIR]
 *
 * Each step is a process of its own, so that its memory is its own. The folder (default: below the system's temporary one) holds store and
 * repository: one disk, which is read and written at once; a repository on a disk of its own is faster. With a folder given, its store is kept and
 * used again (bench/restore.ts wants it too).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { RepositoryKey } from '../src/backup/repository/key.ts';
import { Repository } from '../src/backup/repository/repository.ts';
import { runBackup } from '../src/backup/run.ts';
import type { BackupMade } from '../src/backup/run-job.ts';
import type { AccountId } from '../src/store/ids.ts';
import { createAccount } from '../src/store/operations/accounts.ts';
import { accountsAfter } from '../src/store/operations/purge.ts';
import { MailStore } from '../src/store/store.ts';
import { corpusMessages } from './corpus.ts';

const ACCOUNTS = 50;
/** Different messages; each is stored many times, with another header, so far apart that compressing finds nothing. */
const POOL = 3_000;
const DAY_MESSAGES = 2_000;
const IN_FLIGHT = 16;
const DELIVER_SECONDS = 12;

interface Measured {
  readonly seconds: number;
  readonly peakMb: number;
  readonly longestPauseMs: number;
  readonly made?: BackupMade;
  readonly delivered?: number;
  readonly mbPerSecond?: number;
}

const STEPS: Readonly<Record<string, (folder: string, argument: string) => Promise<Partial<Measured>>>> = {
  fill: async (folder, gb) => withStore(folder, (store) => fill(store, Number(gb) * 1e9)),
  backup: (folder, repository) =>
    withStore(folder, async (store) => ({ made: await backUp(store, folder, repository) })),
  day: (folder) => withStore(folder, (store) => deliverSome(store, DAY_MESSAGES, Number.POSITIVE_INFINITY)),
  deliver: (folder) => withStore(folder, (store) => deliverSome(store, Number.POSITIVE_INFINITY, DELIVER_SECONDS)),
  'deliver-during-backup': (folder, repository) =>
    withStore(folder, async (store) => {
      const enough = new AbortController();
      const backup = backUp(store, folder, repository, enough.signal).then(
        () => 'ended',
        () => 'stopped', // by us: the measurement is over
      );
      const delivered = await deliverSome(store, Number.POSITIVE_INFINITY, DELIVER_SECONDS);
      const running = await Promise.race([backup, Promise.resolve('running')]);
      enough.abort();
      await backup;
      if (running !== 'running') console.error('  (the backup ended before the measurement: take a larger store)');
      return delivered;
    }),
  disk: (folder) => sequentialWrite(folder),
};

const [step, stepFolder, argument] = process.argv.slice(2);
if (step !== undefined && step in STEPS) await perform(step, stepFolder!, argument ?? '');
else await measure();

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { gb: { type: 'string', default: '10' }, folder: { type: 'string' } } });
  const folder =
    values.folder ?? (await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-backup-')));
  await mkdir(folder, { recursive: true });
  try {
    if (!existsSync(join(folder, 'data', 'mail.db'))) {
      const filled = await run('fill', folder, values.gb);
      say(`store of ${values.gb} GB`, `made in ${filled.seconds.toFixed(0)} s`);
    }
    const repository = `repository-${Date.now()}`;
    const before = await run('disk', folder);
    const first = await run('backup', folder, repository);
    const after = await run('disk', folder);
    const disk = (before.mbPerSecond! + after.mbPerSecond!) / 2;
    const rate = first.made!.bytes / 1e6 / (first.made!.milliseconds / 1e3);
    say(
      'sequential write of the disk',
      `${disk.toFixed(0)} MB/s (before ${before.mbPerSecond!.toFixed(0)}, after ${after.mbPerSecond!.toFixed(0)})`,
    );
    say('first backup', `${rate.toFixed(0)} MB/s = ${((rate / disk) * 100).toFixed(0)}% of it; ${described(first)}`);
    say('once more, nothing new', described(await run('backup', folder, repository)));
    await run('day', folder);
    say(`after a day's mail (${DAY_MESSAGES})`, described(await run('backup', folder, repository)));
    const alone = await run('deliver', folder);
    const during = await run('deliver-during-backup', folder, `${repository}-second`);
    const [a, b] = [alone, during].map(({ delivered, seconds }) => delivered! / seconds);
    say('deliveries alone', `${a!.toFixed(0)}/s, longest pause ${alone.longestPauseMs.toFixed(0)} ms`);
    say(
      'deliveries during a first backup',
      `${b!.toFixed(0)}/s = ${((b! / a!) * 100).toFixed(0)}%, longest pause ${during.longestPauseMs.toFixed(0)} ms, memory ${during.peakMb.toFixed(0)} MB`,
    );
    await rm(join(folder, `${repository}-second`), { recursive: true, force: true });
  } finally {
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function described({ made, peakMb, longestPauseMs }: Measured): string {
  return `${(made!.milliseconds / 1e3).toFixed(1)} s, ${(made!.added / 1e6).toFixed(1)} MB new, ${(made!.reused / 1e6).toFixed(0)} MB reused; memory ${peakMb.toFixed(0)} MB, longest pause of the loop ${longestPauseMs.toFixed(0)} ms`;
}

/** Runs a step in a process of its own. */
async function run(name: string, folder: string, given = ''): Promise<Measured> {
  const child = spawn(process.execPath, [import.meta.filename, name, folder, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the step ${name} ended with ${code}`);
  return JSON.parse(out) as Measured;
}

async function perform(name: string, folder: string, given: string): Promise<void> {
  let peak = 0;
  const look = () => (peak = Math.max(peak, process.memoryUsage.rss()));
  const timer = setInterval(look, 50);
  const result = await STEPS[name]!(folder, given);
  clearInterval(timer);
  look();
  process.stdout.write(JSON.stringify({ ...result, peakMb: peak / 1e6 }));
}

async function withStore(
  folder: string,
  work: (store: MailStore) => Promise<Partial<Measured>>,
): Promise<Partial<Measured>> {
  const store = await MailStore.open({ directory: join(folder, 'data'), command: 'bench' });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  try {
    const result = await work(store);
    delay.disable();
    return { seconds: (performance.now() - start) / 1e3, longestPauseMs: delay.max / 1e6, ...result };
  } finally {
    await store.close();
  }
}

async function backUp(store: MailStore, folder: string, name: string, signal?: AbortSignal): Promise<BackupMade> {
  const directory = join(folder, name);
  const keyFile = join(folder, `${name}.key`);
  if (!existsSync(directory)) {
    const key = RepositoryKey.generate();
    await Repository.create(directory, key);
    await writeFile(keyFile, key.format());
  }
  const key = RepositoryKey.parse(await readFile(keyFile, 'utf8'));
  const repository = await Repository.open(directory, key, { use: 'add', command: 'bench' });
  try {
    return await runBackup({ store, files: [], version: 'bench' }, repository, signal === undefined ? {} : { signal });
  } finally {
    repository.close();
  }
}

async function fill(store: MailStore, bytes: number): Promise<Partial<Measured>> {
  for (let number = 0; number < ACCOUNTS; number++) {
    await store.engine.write((tx) =>
      createAccount(tx, { name: `person${number}@bench.test`, quotaBytes: null, now: 1_790_000_000 }),
    );
  }
  return deliverSome(store, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, bytes);
}

/** Delivers until there were so many messages, seconds or bytes. */
async function deliverSome(
  store: MailStore,
  most: number,
  seconds: number,
  bytes = Number.POSITIVE_INFINITY,
): Promise<Partial<Measured>> {
  const pool = [...corpusMessages(Math.min(POOL, most))];
  const accounts = await store.engine.read((tx) => accountsAfter(tx, 0 as AccountId, ACCOUNTS));
  const prefix = Buffer.from('Return-Path: <bench@bench.test>\r\n');
  let [delivered, written] = [0, 0];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (delivered < most && written < bytes && performance.now() - start < seconds * 1e3) {
      const number = delivered++;
      const body = pool[number % pool.length]!;
      const stage = store.stage(1e9);
      await stage.write(Buffer.from(`X-Number: ${number} ${start}\r\n`));
      await stage.write(body);
      written += body.length;
      const target = { account: accounts[number % accounts.length]!, prefix };
      const {
        outcomes: [outcome],
      } = await store.deliver(await stage.finish(), [target]);
      if (outcome instanceof Error) throw outcome;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return { delivered, seconds: (performance.now() - start) / 1e3 };
}

/** 2 GB in writes of 16 MB, each synced, as packs are. */
async function sequentialWrite(folder: string): Promise<Partial<Measured>> {
  const path = join(folder, 'sequential');
  const block = Buffer.alloc(16 << 20, 'not zeros, which some disks write faster ');
  const start = performance.now();
  const file = await open(path, 'w');
  const blocks = 128;
  for (let number = 0; number < blocks; number++) {
    await file.write(block);
    await file.datasync();
  }
  await file.close();
  const mbPerSecond = (blocks * block.length) / 1e6 / ((performance.now() - start) / 1e3);
  await rm(path);
  return { mbPerSecond };
}

function say(what: string, result: string): void {
  console.log(`${what.padEnd(34)} ${result}`);
}
