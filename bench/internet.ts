/**
 * `npm run bench:internet`: mail from the network into mailboxes, with checks and without, and out to other servers; side by side with Postfix and Dovecot
 * where these are installed. See docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checked, incoming } from './internet/incoming.ts';
import type { Bench, Figure, Figures, Measure } from './internet/measure.ts';
import { findPostfix } from './internet/postfix.ts';
import { queued } from './internet/queued.ts';
import { relaying } from './internet/relaying.ts';
import { findDovecot } from './side-by-side/dovecot.ts';
import { runLoad } from './side-by-side/load.ts';
import { commit, conditions } from './side-by-side/machine.ts';
import { type Spread, showNumber, showSpread, spread, table } from './side-by-side/table.ts';

const PLAN: readonly Measure[] = [incoming, checked, relaying, queued];
const COMMAND = 'npm run bench:internet';
const HELP = `${COMMAND} -- [options]

Measures Rainmail's Internet mail, side by side with Postfix 3.7 and Dovecot 2.3 where these are installed (Debian: postfix
dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd; it needs root). See docs/benchmarks.md.

  --only NAMES     only these, with commas: ${PLAN.map(({ name }) => name).join(', ')}
  --repeat N       runs of each (3)
  --count N        messages of a run (4000)
  --quick          one short run of each: does it work? Its figures mean little
  --no-postfix     only Rainmail
  --scratch DIR    folder for mail and results (.bench); should be on the disk that is to be measured
`;

interface Results {
  readonly measure: Measure;
  /** By contestant, then a run each. */
  readonly runs: ReadonlyMap<string, readonly Figures[]>;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    repeat: { type: 'string' },
    count: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-postfix': { type: 'boolean', default: false },
    scratch: { type: 'string', default: '.bench' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const { quick } = values;
const only = values.only.split(',').filter((name) => name !== '');
const repeat = Number(values.repeat ?? (quick ? 1 : 3));
const count = Number(values.count ?? (quick ? 400 : 4_000));
const scratch = resolve(values.scratch);
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

await mkdir(join(scratch, 'results'), { recursive: true });
const versions = [`Rainmail ${commit()}`.trim()];
const postfix = values['no-postfix'] ? null : others(versions);
const results: Results[] = [];
const loads: number[] = [];
for (const measure of PLAN) {
  if (only.length === 0 || only.includes(measure.name)) results.push(await take(measure));
}
const syncs = await runLoad({
  args: ['disk', '--dir', scratch, '--secs', 2],
  server: null,
  corpus: '',
  signal: interrupted.signal,
});
const where = await conditions(scratch, syncs.perSec!, versions);
const text = [
  `Measured ${where.date} UTC with \`${COMMAND}\`: medians of ${repeat} runs (least to most), ${count} messages each.`,
  `${where.machine}; ${where.disk}. ${where.versions}.`,
  `Load average before the runs: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`,
  '',
  table(['', 'Rainmail', 'Postfix 3.7, Dovecot LMTP', 'Rainmail against it', 'wanted'], results.flatMap(rows)),
  '',
].join('\n');
await writeFile(join(scratch, 'results', `internet-${new Date().toISOString().replace(/[:.]/g, '-')}.md`), text);
process.stdout.write(text);

/** Those it is compared with, if they are here. */
function others(versions: string[]): Bench['postfix'] {
  const [front, store] = [findPostfix(), findDovecot()];
  const missing = 'missing' in front ? front.missing : 'missing' in store ? store.missing : undefined;
  if ('missing' in front || 'missing' in store) {
    say(`${missing}: only Rainmail is measured.`);
    return null;
  }
  versions.push(`Postfix ${front.version}`, `Dovecot ${store.version}`);
  return { version: front.version, dovecot: store.version };
}

/** The runs are interleaved: what else happens on the machine meets all alike. */
async function take(measure: Measure): Promise<Results> {
  await using stack = new AsyncDisposableStack();
  const contestants = await measure.prepare({ scratch, count, quick, postfix, signal: interrupted.signal, say, stack });
  const runs = new Map<string, Figures[]>();
  for (let repetition = 1; repetition <= repeat; repetition++) {
    for (const { name, run } of contestants) {
      interrupted.signal.throwIfAborted();
      spawnSync('sync'); // nobody pays for what the one before wrote
      loads.push(loadavg()[0]!);
      const figures = await run();
      runs.set(name, [...(runs.get(name) ?? []), figures]);
      const shown = Object.entries(figures).map(([title, value]) => `${showNumber(value)} ${title}`);
      say(`${measure.name.padEnd(9)} ${name.padEnd(9)} ${shown.join('; ')}`);
    }
  }
  return { measure, runs };
}

function rows({ measure, runs }: Results): string[][] {
  const of = (name: string, title: string) => spread((runs.get(name) ?? []).map((each) => each[title]));
  return measure.figures.map((figure) => {
    const [ours, theirs] = [of('Rainmail', figure.title), of('Postfix', figure.title)];
    const against = ours !== null && theirs !== null ? `${showNumber(ours.median / theirs.median)} times` : '';
    return [
      `${measure.name}: ${figure.title}`,
      showSpread(ours),
      showSpread(theirs),
      against,
      wantedText(figure, ours, theirs),
    ];
  });
}

function wantedText({ wanted }: Figure, ours: Spread | null, theirs: Spread | null): string {
  if (wanted === undefined) return '';
  const said = (text: string, reached: boolean | null) =>
    `${text}${reached === null ? '' : reached ? ': yes' : ': **no**'}`;
  if ('times' in wanted) {
    const reached = ours === null || theirs === null ? null : ours.median >= wanted.times * theirs.median;
    return said(`${wanted.times} times`, reached);
  }
  if ('atLeast' in wanted) return said(`at least ${wanted.atLeast}`, ours && ours.median >= wanted.atLeast);
  return said(`at most ${wanted.atMost}`, ours && ours.median <= wanted.atMost);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
