/** When to try again. Pure. */
import type { EpochSeconds } from '../store/ids.ts';

const MINUTE = 60;
/** Waits after the first, the second ... attempt; the last goes on for ever. A greylist lets us in after the first or the second. */
const WAITS = [5, 10, 20, 40, 60, 120, 180, 240].map((minutes) => minutes * MINUTE);
/** So much sooner or later, by chance: what failed together is not tried together for days. */
const JITTER = 0.2;

/** Nobody is put off for longer, in seconds. */
export const LONGEST_WAIT = Math.max(...WAITS) * (1 + JITTER);

/**
 * @param attempts  made so far, this one counted
 * @param random  from 0 to 1
 */
export function nextAttempt(now: EpochSeconds, attempts: number, random: number): EpochSeconds {
  const wait = WAITS[Math.min(Math.max(attempts, 1), WAITS.length) - 1]!;
  return now + Math.round(wait * (1 + JITTER * (2 * random - 1)));
}
