/** Which snapshots are kept. Pure. */
import type { EpochSeconds } from '../../store/ids.ts';

/** How many days, weeks and months are kept, counted in those that have a snapshot. */
export interface Retention {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

export interface Dated {
  readonly id: string;
  readonly taken: EpochSeconds;
}

/**
 * The newest snapshot of each of the last days, weeks (from Monday) and months that have one, in local time. The very newest is always
 * kept.
 */
export function kept(snapshots: readonly Dated[], { daily, weekly, monthly }: Retention): Set<string> {
  const newestFirst = snapshots.toSorted((a, b) => b.taken - a.taken || (a.id < b.id ? 1 : -1));
  const keep = new Set<string>(newestFirst.slice(0, 1).map(({ id }) => id));
  for (const [periodOf, count] of [
    [dayOf, daily],
    [weekOf, weekly],
    [monthOf, monthly],
  ] as const) {
    const periods = new Set<string>();
    for (const { id, taken } of newestFirst) {
      const period = periodOf(new Date(taken * 1_000));
      if (periods.has(period)) continue;
      if (periods.size >= count) break;
      periods.add(period);
      keep.add(id);
    }
  }
  return keep;
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** The day of the week's Monday. */
function weekOf(date: Date): string {
  const sinceMonday = (date.getDay() + 6) % 7;
  return dayOf(new Date(date.getFullYear(), date.getMonth(), date.getDate() - sinceMonday));
}

function monthOf(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth()}`;
}
