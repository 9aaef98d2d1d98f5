/**
 * Mail from and to files: messages a second and the largest memory of the command, whole processes measured.
 *
 *   node bench/transfer.ts [messages]       10,000 if absent
 *
 * Wanted: Maildir in at 2,000 messages a second, with less than 150 MB. The disk is what `RAINMAIL_BENCH_DIR` lies on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCorpus } from './corpus.ts';

const MESSAGES = Number(process.argv[2] ?? 10_000);
/** Different messages; they come again under other names. */
const DIFFERENT = Math.min(MESSAGES, 2_000);
const RAINMAIL = join(import.meta.dirname, '../bin/rainmail');
const ACCOUNT = 'anna@example.org';

const directory = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-transfer-'));
try {
  const bytes = await makeSources();
  console.log(`${MESSAGES} messages, ${(bytes / 1e6).toFixed(0)} MB`);
  for (const source of ['Maildir', 'all.mbox']) {
    const data = join(directory, `data-${source}`);
    await command('account', 'add', ACCOUNT, '--generate', '--data', data);
    const bring = ['import', ACCOUNT, '--from', join(directory, source), '--data', data];
    show(`${source} in`, bytes, await command(...bring));
    show(`${source} in again, nothing new`, bytes, await command(...bring));
  }
  for (const format of ['maildir', 'mbox', 'eml']) {
    const to = join(directory, `to-${format}`);
    const data = join(directory, 'data-Maildir');
    show(`${format} out`, bytes, await command('export', ACCOUNT, '--to', to, '--as', format, '--data', data));
  }
} finally {
  await rm(directory, { recursive: true });
}

/** The same messages as a Maildir and as an mbox, with LF. @returns their bytes */
async function makeSources(): Promise<number> {
  const prefix = join(directory, 'corpus');
  await writeCorpus(DIFFERENT, prefix);
  const { messages } = JSON.parse(await readFile(`${prefix}.json`, 'utf8')) as {
    messages: { offset: number; size: number }[];
  };
  const corpus = await open(`${prefix}.mbox`);
  const mbox = await open(join(directory, 'all.mbox'), 'w');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(directory, 'Maildir', name), { recursive: true });
  let total = 0;
  for (let n = 0; n < MESSAGES; n++) {
    const { offset, size } = messages[n % DIFFERENT]!;
    const { buffer } = await corpus.read(Buffer.alloc(size), 0, size, offset);
    const text = buffer.toString('latin1').replaceAll('\r\n', '\n');
    total += size;
    const name = `${1_600_000_000 + n}.M${n}P1.bench,S=${text.length},W=${size}:2,S`;
    await writeFile(join(directory, 'Maildir', 'cur', name), text, 'latin1');
    const quoted = text.replace(/^(>*From )/gm, '>$1');
    await mbox.write(`From bench@example.org Tue Mar  3 09:15:00 2026\nStatus: RO\n${quoted}\n`, null, 'latin1');
  }
  await corpus.close();
  await mbox.close();
  return total;
}

interface Measured {
  readonly seconds: number;
  readonly peakMegabytes: number;
}

/** Runs a command of Rainmail in a process of its own. */
async function command(...args: string[]): Promise<Measured> {
  const start = performance.now();
  const child = spawn(RAINMAIL, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMegabytes = 0;
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => ''); // it has ended
    peakMegabytes = Math.max(peakMegabytes, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
  }, 50);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`rainmail ${args.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - start) / 1_000, peakMegabytes };
}

function show(what: string, bytes: number, { seconds, peakMegabytes }: Measured): void {
  const rate = Math.round(MESSAGES / seconds).toLocaleString('en');
  const megabytes = (bytes / 1e6 / seconds).toFixed(0);
  console.log(
    `${what.padEnd(30)} ${rate.padStart(8)} messages/s ${megabytes.padStart(5)} MB/s ${peakMegabytes.toFixed(0).padStart(5)} MB at most`,
  );
}
