/**
 * Numbers in short: `101+2*500 1300` is 101, 103, ... 1099, and 1300. Email ids of messages that came one after the other stand two apart, so a
 * change of a whole folder is a few characters. Pure.
 */

/** Ascending and each once, whatever order they are given in. */
export function formatRuns(numbers: Iterable<number>): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const runs: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at]!;
    const step = (sorted[at + 1] ?? first) - first;
    let count = 1;
    while (at + count < sorted.length && sorted[at + count]! - sorted[at + count - 1]! === step) count++;
    // Two alone say nothing of a step: the second may begin a run of its own.
    if (count < 3) count = 1;
    runs.push(count === 1 ? `${first}` : `${first}+${step}*${count}`);
    at += count;
  }
  return runs.join(' ');
}

export interface Run {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** What {@link formatRuns} wrote. */
export function parseRuns(text: string): Run[] {
  return Array.from(text.matchAll(/(\d+)(?:\+(\d+)\*(\d+))?/g), ([, first, step = '1', count = '1']) => ({
    first: Number(first),
    step: Number(step),
    count: Number(count),
  }));
}

export function* numbersIn(runs: readonly Run[]): Generator<number, void, void> {
  for (const { first, step, count } of runs) {
    for (let index = 0; index < count; index++) yield first + index * step;
  }
}

/** True when the number is one of them: without writing them out. */
export function hasNumber(runs: readonly Run[], number: number): boolean {
  return runs.some(
    ({ first, step, count }) =>
      number >= first && number <= first + (count - 1) * step && (number - first) % step === 0,
  );
}
