/**
 * How far a long command is: on a terminal a bar on one line, with rate and time left; elsewhere (a log, cron) a plain line every
 * {@link PLAIN_EVERY}, so that short commands stay silent. Always on standard error; nothing with --json.
 */
import { formatSize } from '../config/units.ts';
import type { OnProgress, Progress } from '../progress.ts';
import type { Milliseconds } from '../store/ids.ts';

const DRAW_EVERY: Milliseconds = 100;
const PLAIN_EVERY: Milliseconds = 10_000;
/** The rate shown is about that of the last seconds: it follows a change, and doesn't jump with each report. */
const SMOOTHING: Milliseconds = 8_000;
/** A rate that was measured over less than this says nothing yet. */
const MEASURED: Milliseconds = 1_000;
const MOST_COLUMNS = 120;
const BAR_COLUMNS = 24;
/** Columns below which a name is not worth showing. */
const LEAST_NAME = 8;

/** Shows progress until it ends. What is shown last is taken away again, so that the result stands alone. */
export function showProgress(options: { readonly json?: boolean | undefined }): { show: OnProgress; end: () => void } {
  if (options.json === true) return { show() {}, end() {} };
  const terminal = process.stderr.isTTY;
  const pace = new Pace();
  // The first report is drawn at once on a terminal; elsewhere work that takes less than the first interval says nothing.
  let lastShown = terminal ? -DRAW_EVERY : performance.now();
  let drawn = false;
  return {
    show(progress) {
      const now = performance.now();
      pace.report(progress, now);
      if (now - lastShown < (terminal ? DRAW_EVERY : PLAIN_EVERY)) return;
      lastShown = now;
      if (terminal) {
        drawn = true;
        const columns = Math.min(process.stderr.columns || 80, MOST_COLUMNS);
        process.stderr.write(`\r\u001b[K${progressBar(progress, pace.perSecond, columns - 1)}`);
        return;
      }
      const figures = progressFigures(progress, pace.perSecond).join(', ');
      process.stderr.write(`${progress.what === '' ? '' : `${progress.what}: `}${figures}\n`);
    },
    end() {
      if (drawn) process.stderr.write('\r\u001b[K');
    },
  };
}

/** How fast work goes, smoothed. */
export class Pace {
  #first: { readonly done: number; readonly at: Milliseconds; readonly unit: Progress['unit'] } | undefined;
  #last = { done: 0, at: 0 };
  #rate: number | undefined;

  /** Takes in a report. @param now a clock that never goes back */
  report({ done, unit }: Progress, now: Milliseconds): void {
    if (this.#first === undefined || done < this.#last.done || unit !== this.#first.unit) {
      // Another step of the work has begun, which counts from its own beginning.
      this.#first = { done, at: now, unit };
      this.#last = { done, at: now };
      this.#rate = undefined;
      return;
    }
    const elapsed = now - this.#last.at;
    if (now - this.#first.at < MEASURED || elapsed <= 0) return;
    if (this.#rate === undefined) this.#rate = ((done - this.#first.done) / (now - this.#first.at)) * 1_000;
    else {
      const latest = ((done - this.#last.done) / elapsed) * 1_000;
      this.#rate += (latest - this.#rate) * (1 - Math.exp(-elapsed / SMOOTHING));
    }
    this.#last = { done, at: now };
  }

  /** Units a second; undefined while it is not known. */
  get perSecond(): number | undefined {
    return this.#rate;
  }
}

/** The line on a terminal: never wider than `columns`. What matters least is left out where it is narrow. */
export function progressBar(progress: Progress, perSecond: number | undefined, columns: number): string {
  const figures = progressFigures(progress, perSecond);
  const facts = figures.join('  ');
  const line = progress.total === undefined ? facts : `${bar(progress.done, progress.total)}  ${facts}`;
  const room = columns - width(line) - 2;
  if (progress.what !== '' && room >= LEAST_NAME) return `${line}  ${shortened(progress.what, room)}`;
  return [line, facts, figures[0]!].find((text) => width(text) <= columns) ?? '';
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * BAR_COLUMNS);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** How much is done, how fast it goes, how long it takes still. */
export function progressFigures({ done, total, unit }: Progress, perSecond: number | undefined): string[] {
  const count = (value: number) => (unit === 'bytes' ? formatSize(value) : value.toLocaleString('en'));
  const amount = total === undefined ? count(done) : `${count(done)} of ${count(total)}`;
  const figures = [unit === 'bytes' ? amount : `${amount} ${unit}`];
  if (perSecond === undefined) return figures;
  figures.push(unit === 'bytes' ? `${formatSize(Math.round(perSecond))}/s` : `${rounded(perSecond)}/s`);
  if (total !== undefined && perSecond > 0 && total > done)
    figures.push(`${duration((total - done) / perSecond)} left`);
  return figures;
}

function rounded(rate: number): string {
  return rate >= 10 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1);
}

/** 0:07, 12:30, 3:05:00, and days beyond two of them. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole > 48 * 3_600) return `${Math.ceil(whole / 86_400)} days`;
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The end of a path says more than its beginning. */
function shortened(text: string, columns: number): string {
  // A name may hold what would move the cursor.
  const characters = [...text.replace(/[\p{Cc}\p{Cf}]/gu, '?')];
  if (width(characters) <= columns) return characters.join('');
  while (width(characters) > columns - 1) characters.shift();
  return `…${characters.join('')}`;
}

/** Columns a terminal needs: two for a character of East Asia or an emoji. */
function width(text: Iterable<string>): number {
  let columns = 0;
  for (const character of text) columns += character.codePointAt(0)! >= 0x1100 && character !== '…' ? 2 : 1;
  return columns;
}
