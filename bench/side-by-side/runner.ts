/**
 * Measures Rainmail by a plan, side by side with Dovecot where that is installed.
 *
 * The runs are interleaved: each benchmark runs on one server after the other, and again, so that what else happens on the
 * machine meets all of them alike. Everything it makes is in the scratch folder, every server it starts it stops.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { writeCorpus } from '../corpus.ts';
import { findDovecot, makeDovecots } from './dovecot.ts';
import { pinned, runLoad } from './load.ts';
import { type Conditions, commit, conditions } from './machine.ts';
import { type Options, parseOptions } from './options.ts';
import { type Benchmark, type LoadResult, type Preparation, preparation } from './plan.ts';
import { makeRainmail } from './rainmail.ts';
import type { MailServer } from './server.ts';
import { markdown, type Run, tabulate } from './table.ts';

/** Versions of what makes the corpus: another number, another corpus. */
const CORPUS_VERSION = 1;
const DISK_SECONDS = 2;

/** Runs what the command line asks for of a plan, and prints the tables. @param command  what people call it by: npm run bench */
export async function runPlan(all: readonly Benchmark[], command: string): Promise<void> {
  const options = optionsOrExit(all, command);
  const { only } = options;
  const plan = all.filter(({ name }) => only.length === 0 || only.some((wanted) => name.startsWith(wanted)));
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  try {
    await measureAll(plan, options, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    say('Interrupted.');
    process.exitCode = 130;
  }
}

async function measureAll(plan: readonly Benchmark[], options: Options, signal: AbortSignal): Promise<void> {
  await mkdir(join(options.scratch, 'results'), { recursive: true });
  const corpus = await makeCorpus(options);
  await using stack = new AsyncDisposableStack();
  const servers = await makeServers(options, stack);
  if (!pinned) say('The load generator shares its core with the servers: there is no taskset, or only one core.');

  const load = (args: readonly (string | number)[], server: MailServer | null) =>
    runLoad({ args, server, corpus, signal });
  const { perSec: syncs } = (await load(['disk', '--dir', options.scratch, '--secs', DISK_SECONDS], null)) as {
    perSec: number;
  };
  const versions = [
    `Rainmail ${servers[0]!.version} ${commit()}`.trim(),
    ...new Set(servers.slice(1).map(withVersion)),
  ];
  const where = await conditions(options.scratch, syncs, versions);

  const file = join(options.scratch, 'results', new Date().toISOString().replace(/[:.]/g, '-'));
  const runs: Run[] = [];
  const prepared = new Set<string>();
  const ownDelay = monitorEventLoopDelay();
  ownDelay.enable();
  const prepare = async (what: Preparation, server: MailServer) => {
    const key = `${what} of ${server.name}`;
    if (prepared.has(key)) return;
    prepared.add(key);
    say(`         preparing the ${key}`);
    const { errors, errorSamples } = await load(preparation(what, options), server);
    if (errors > 0) throw new Error(`the ${key} could not be prepared: ${errorSamples[0]}`);
  };
  const measure = async (benchmark: Benchmark, server: MailServer, repetition: number) => {
    if (benchmark.needs !== undefined) await prepare(benchmark.needs, server);
    if (benchmark.fresh) {
      await server.stop();
      await server.start();
    }
    spawnSync('sync'); // nobody pays for what the one before wrote
    await server.longestPause(); // from now on
    ownDelay.reset();
    const result = await load(benchmark.load(options, server), server);
    const longestPauseMs = await server.longestPause();
    const pauseOfRunnerMs = ownDelay.max / 1e6;
    const run = { benchmark: benchmark.name, server: server.name, repetition, longestPauseMs, pauseOfRunnerMs, result };
    runs.push(run);
    await appendFile(`${file}.jsonl`, `${JSON.stringify(run)}\n`);
    return run;
  };

  for (const [index, benchmark] of plan.entries()) {
    const measured = servers.filter(({ name }) => !benchmark.rainmailOnly || name === 'Rainmail');
    for (let repetition = 1; repetition <= options.repeat; repetition++) {
      for (const server of measured) {
        signal.throwIfAborted();
        const run = await measure(benchmark, server, repetition);
        const place = `[${String(index + 1).padStart(2)}/${plan.length}]`;
        say(`${place} ${benchmark.name.padEnd(16)} ${server.name.padEnd(16)} ${shown(benchmark, run)}`);
      }
    }
  }

  const names = servers.map(({ name }) => name);
  const tables = tabulate(plan, runs, names);
  const text = `${preface(where, runs, options)}\n${markdown(tables, names)}`;
  await writeFile(`${file}.md`, text);
  process.stdout.write(
    options.json ? `${JSON.stringify({ ...where, command: options.command, ...tables }, null, 2)}\n` : text,
  );
  say(`\nEvery run: ${file}.jsonl. The tables: ${file}.md.`);
  if (tables.errors.length > 0) process.exitCode = 1;
}

async function makeCorpus({ scratch, messages }: Options): Promise<string> {
  const prefix = join(scratch, `corpus-${CORPUS_VERSION}-${messages}`);
  if (!existsSync(`${prefix}.json`)) {
    say(`Making a corpus of ${messages} messages ...`);
    await writeCorpus(messages, prefix);
  }
  return prefix;
}

/** Makes and starts the servers; they stop with the stack. */
async function makeServers({ scratch, dovecot }: Options, stack: AsyncDisposableStack): Promise<MailServer[]> {
  say('Making the accounts and starting the servers ...');
  const servers = [await makeRainmail(scratch)];
  if (dovecot) {
    const found = findDovecot();
    if ('missing' in found) say(`${found.missing}: only Rainmail is measured.`);
    else {
      const sockets = await mkdtemp(join(tmpdir(), 'rainmail-bench-'));
      stack.defer(() => rm(sockets, { recursive: true }));
      servers.push(...(await makeDovecots(scratch, sockets, found.version)));
    }
  }
  for (const server of servers) {
    stack.defer(() => server.stop());
    await server.start();
  }
  return servers;
}

function optionsOrExit(plan: readonly Benchmark[], command: string): Options {
  try {
    return parseOptions(
      plan.map(({ name }) => name),
      command,
    );
  } catch (error) {
    say(`${(error as Error).message}\nSee ${command} -- --help.`);
    process.exit(2);
  }
}

function withVersion({ name, version }: MailServer): string {
  return `${name.split(' ')[0]} ${version}`;
}

/** A run in a line of progress. */
function shown({ figures }: Benchmark, { result, longestPauseMs, pauseOfRunnerMs }: Run): string {
  if (result.errors > 0) return `${result.errors} WRONG ANSWERS: ${result.errorSamples[0]}`;
  const [{ title, read }] = figures as [Benchmark['figures'][number]];
  const pause =
    longestPauseMs === null
      ? ''
      : `; longest pause ${longestPauseMs.toFixed(0)} ms (runner ${pauseOfRunnerMs.toFixed(0)})`;
  return `${read(result)?.toLocaleString('en') ?? '-'} ${title}${client(result)}${pause}`;
}

/** A client without a break is the bound of what is measured. */
function client({ clientCpuPct }: LoadResult): string {
  return clientCpuPct === undefined ? '' : `; client ${clientCpuPct.toFixed(0)} % of a core`;
}

function preface({ date, machine, disk, versions }: Conditions, runs: readonly Run[], options: Options): string {
  const loads = runs.map(({ result }) => result.loadBefore);
  const load = `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
  const { repeat, secs } = options;
  const count = repeat === 1 ? 'one run' : `medians of ${repeat} runs (least to most)`;
  return [
    `Measured ${date} UTC with \`${options.command}\`: ${count}, ${secs} s each.`,
    `${machine}; ${disk}. ${versions}.`,
    `Load average before the runs: ${load} (now ${loadavg()[0]!.toFixed(1)}).`,
    '',
  ].join('\n');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
