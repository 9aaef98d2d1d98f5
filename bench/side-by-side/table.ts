/** The results as tables in Markdown: medians, with the least and the most. */
import type { Benchmark, LoadResult, Wanted } from './plan.ts';
import type { ServerName } from './server.ts';

/** One run of one benchmark against one server. */
export interface Run {
  readonly benchmark: string;
  readonly server: ServerName;
  readonly repetition: number;
  /** Milliseconds; null when the server can't tell. */
  readonly longestPauseMs: number | null;
  /** The same of the runner, which only waits meanwhile: what the machine itself makes processes wait. */
  readonly pauseOfRunnerMs: number;
  readonly result: LoadResult;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Figures of every server, and how Rainmail's stands against the better of the others. */
export interface Row {
  readonly title: string;
  readonly figures: readonly (Spread | null)[];
  /** For each figure: the load generator was at its limit, so that the server may be better. */
  readonly atLimit: readonly boolean[];
  /** Above 1: Rainmail is better. Null: there is nothing to compare. */
  readonly against: number | null;
  readonly wanted: Wanted | null;
  /** Null: nothing is wanted, or nothing measured. */
  readonly reached: boolean | null;
}

export interface Tables {
  readonly figures: readonly Row[];
  /** Milliseconds of server CPU for an operation, all cores together. */
  readonly cpu: readonly Row[];
  /** The longest pause of Rainmail's event loop, and of that of a process which only waited. */
  readonly pauses: readonly { readonly benchmark: string; readonly server: Spread; readonly runner: Spread }[];
  readonly errors: readonly { readonly benchmark: string; readonly server: ServerName; readonly text: string }[];
}

const WANTED_PAUSE_MS = 50;
/** Percent of its core from which on the load generator is the bound. */
const CLIENT_LIMIT = 85;

/** @param servers  in the order of the columns, Rainmail first */
export function tabulate(plan: readonly Benchmark[], runs: readonly Run[], servers: readonly ServerName[]): Tables {
  const row = (benchmark: Benchmark, title: string, better: 'more' | 'less', wanted: Wanted | null, read: Read) => {
    const byServer = servers.map((server) =>
      runs.filter((run) => run.benchmark === benchmark.name && run.server === server),
    );
    const figures = byServer.map((some) => spread(some.map(read)));
    const atLimit = byServer.map(
      (some) => (spread(some.map(({ result }) => result.clientCpuPct))?.median ?? 0) >= CLIENT_LIMIT,
    );
    const against = compare(figures, better);
    return { title, figures, atLimit, against, wanted, reached: isReached(wanted, figures[0]?.median, against) };
  };
  return {
    figures: plan.flatMap((benchmark) =>
      benchmark.figures
        .map(({ title, better, wanted, read }) =>
          row(benchmark, title, better, wanted ?? null, ({ result }) => read(result)),
        )
        .filter(hasFigures),
    ),
    cpu: plan
      .flatMap((benchmark) => {
        if (benchmark.cpu === undefined) return [];
        const { operation, wanted } = benchmark.cpu;
        return [row(benchmark, operation, 'less', wanted ?? null, ({ result }) => result.serverCpuMsPerOp)];
      })
      .filter(hasFigures),
    pauses: plan.flatMap(({ name }) => {
      const measured = runs.filter(({ benchmark, longestPauseMs }) => benchmark === name && longestPauseMs !== null);
      const server = spread(measured.map(({ longestPauseMs }) => longestPauseMs));
      const runner = spread(measured.map(({ pauseOfRunnerMs }) => pauseOfRunnerMs));
      return server === null || runner === null ? [] : [{ benchmark: name, server, runner }];
    }),
    errors: runs.flatMap(({ benchmark, server, result }) =>
      result.errors === 0 ? [] : [{ benchmark, server, text: `${result.errors}: ${result.errorSamples[0]}` }],
    ),
  };
}

type Read = (run: Run) => number | null | undefined;

function hasFigures({ figures }: Row): boolean {
  return figures.some((figure) => figure !== null);
}

export function spread(all: readonly (number | null | undefined)[]): Spread | null {
  const sorted = all.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

function compare([ours, ...others]: readonly (Spread | null)[], better: 'more' | 'less'): number | null {
  const medians = others.flatMap((other) => (other === null ? [] : [other.median]));
  if (ours === null || ours === undefined || medians.length === 0) return null;
  const ratio = better === 'more' ? ours.median / Math.max(...medians) : Math.min(...medians) / ours.median;
  return Number.isFinite(ratio) ? ratio : null;
}

function isReached(wanted: Wanted | null, ours: number | undefined, against: number | null): boolean | null {
  if (wanted === null || ours === undefined) return null;
  if ('atMost' in wanted) return ours <= wanted.atMost;
  return against === null ? null : against >= wanted.times;
}

/** The tables for people, and for docs/benchmarks.md. */
export function markdown({ figures, cpu, pauses, errors }: Tables, servers: readonly ServerName[]): string {
  const compared = servers.length > 1;
  const heads = compared ? [...servers, 'against the better', 'wanted'] : [...servers, 'wanted'];
  const lines = (rows: readonly Row[], marked: boolean) =>
    rows.map((row) => [
      row.title,
      ...row.figures.map((figure, i) => showSpread(figure) + (marked && row.atLimit[i] ? '\\*' : '')),
      ...(compared ? [row.against === null ? '' : `${showNumber(row.against)} times`] : []),
      showWanted(row),
    ]);
  const parts = [table(['benchmark', ...heads], lines(figures, true))];
  if (figures.some(({ atLimit }) => atLimit.includes(true))) {
    parts.push('\\* The load generator used its whole core: the server may be faster.');
  }
  if (cpu.length > 0) parts.push(table(['server CPU, ms', ...heads], lines(cpu, false)));
  if (pauses.length > 0) {
    const head = ['longest pause of an event loop, ms', 'Rainmail', 'a process that only waits', 'wanted'];
    const wanted = ({ most }: Spread) => `under ${WANTED_PAUSE_MS}: ${most < WANTED_PAUSE_MS ? 'yes' : '**no**'}`;
    const cells = ({ benchmark, server, runner }: Tables['pauses'][number]) => {
      return [benchmark, showSpread(server), showSpread(runner), wanted(server)];
    };
    parts.push(table(head, pauses.map(cells)));
  }
  if (errors.length > 0) {
    parts.push(['**Wrong answers**, so that these figures do not count:', ''].join('\n'));
    parts.push(errors.map(({ benchmark, server, text }) => `- ${benchmark}, ${server}: ${text}`).join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export function showSpread(figure: Spread | null): string {
  if (figure === null) return '';
  const { median, least, most } = figure;
  return least === most ? showNumber(median) : `${showNumber(median)} (${showNumber(least)} to ${showNumber(most)})`;
}

/** Three digits at least: 4,512, 41.3, 0.0122. */
export function showNumber(value: number): string {
  return value.toLocaleString('en', value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });
}

function showWanted({ wanted, reached }: Row): string {
  if (wanted === null) return '';
  const text = 'atMost' in wanted ? `at most ${wanted.atMost}` : `${wanted.times} times`;
  return reached === null ? text : `${text}: ${reached ? 'yes' : '**no**'}`;
}
