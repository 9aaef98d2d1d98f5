/**
 * When a certificate is ordered, and when again after a failure. Pure.
 *
 * Authorities allow few failed checks (Let's Encrypt: five an hour for a name). Waiting longer after each failure keeps far below that, over
 * restarts too, since the state is kept; {@link mayAsk} holds for those who ask by hand as well.
 */
import { covers } from '../net/certificate-names.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { FailureKind } from './failure.ts';

const MINUTE: Milliseconds = 60_000;
const HOUR: Milliseconds = 60 * MINUTE;
const DAY: Milliseconds = 24 * HOUR;

/** What a certificate is judged by. */
export interface Validity {
  readonly names: readonly string[];
  readonly fingerprint: string;
  readonly validFrom: Milliseconds;
  readonly validTo: Milliseconds;
}

/**
 * When a certificate is renewed: when a third of its lifetime is left, or up to a thirtieth of it earlier. The fingerprint says how much, so that
 * many servers don't ask at once, and one server means the same moment after each start.
 */
export function renewalTime({ fingerprint, validFrom, validTo }: Validity): Milliseconds {
  const lifetime = validTo - validFrom;
  const share = Number.parseInt(fingerprint.replaceAll(':', '').slice(0, 4), 16) / 0x1_0000;
  return Math.floor(validTo - lifetime / 3 - (lifetime / 30) * share);
}

/** Where the clock is wrong, each new certificate may seem as old as the one before: so long none is ordered because of its age. */
const REST: Milliseconds = 2 * DAY;

/**
 * Why a certificate for these names should be ordered now; null: it should not.
 * @param issued  when the authority of the settings made the last one; null: it made none
 */
export function whyDue(
  names: readonly string[],
  current: Validity | null,
  issued: Milliseconds | null,
  now: Milliseconds,
): 'missing' | 'names' | 'authority' | 'age' | null {
  if (current === null) return 'missing';
  if (names.some((name) => !covers(current.names, name))) return 'names';
  if (issued === null) return 'authority';
  const rest = Math.min(REST, (current.validTo - current.validFrom) / 4);
  const rests = issued <= now && now < issued + rest;
  return now >= renewalTime(current) && !rests ? 'age' : null;
}

/** How long to wait after the first failure, at most, and at least when the authority said so. */
const WAITS: Readonly<Record<FailureKind, readonly [first: Milliseconds, longest: Milliseconds]>> = {
  unreachable: [MINUTE, HOUR],
  limited: [HOUR, DAY],
  refused: [20 * MINUTE, DAY],
};

/** No authority's limit lasts longer; and what is further away was written by a clock that was wrong. */
export const LONGEST_WAIT = 8 * DAY;

/**
 * How long to wait after a failure.
 * @param failures  how many there were since the last success, this one included
 * @param random  from 0 to 1
 */
export function waitAfter(
  kind: FailureKind,
  failures: number,
  retryAfterSeconds: number | null,
  random: number,
): Milliseconds {
  const [first, longest] = WAITS[kind];
  const wait = Math.min(first * 2 ** Math.min(failures - 1, 20), longest);
  const asked = Math.min((retryAfterSeconds ?? 0) * 1_000, LONGEST_WAIT - DAY);
  return Math.max(Math.floor(wait * (1 + random / 10)), asked);
}

/** Refusals that an hour may have, by hand as well. */
const MOST_REFUSALS = 4;

/** Those of the last hour. A clock that was wrong may have left some in the future: they don't count. */
export function recent(refusals: readonly Milliseconds[], now: Milliseconds): Milliseconds[] {
  return refusals.filter((at) => at > now - HOUR && at <= now);
}

/** When the authority may be asked again, whoever asks; now or earlier: at once. */
export function mayAsk(refusals: readonly Milliseconds[], now: Milliseconds): Milliseconds {
  const last = recent(refusals, now);
  return last.length < MOST_REFUSALS ? now : last.at(-MOST_REFUSALS)! + HOUR;
}
