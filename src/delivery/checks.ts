/**
 * Where every check on arriving mail stands: one after the other, each with its time.
 *
 * Invariants
 * - A check that fails or takes too long is told to those who look after the server, and decides nothing but by what it says of itself (`whenItFails`): mail is
 *   accepted without it, or put off. What holds then of a message that it would have proved something of, it says as well (`withoutIt`).
 * - Nothing of a message changes but here, by what a check says in its time.
 */
import { Refused } from '../errors.ts';
import type { Check, InDelivery, Verdict } from './in-delivery.ts';

/** Hears of a check that failed. */
export type OnCheckFailed = (check: Check, error: unknown) => void;

/** @throws Refused what a check refuses; `check.failed` */
export async function runChecks(
  checks: readonly Check[],
  delivery: InDelivery,
  onFailed: OnCheckFailed,
): Promise<void> {
  for (const check of checks) {
    if (check.concerns?.(delivery) === false) continue;
    let verdict: Partial<Verdict> | undefined;
    try {
      verdict = await withinItsTime(check, delivery);
    } catch (error) {
      if (error instanceof Refused) throw error;
      onFailed(check, error);
      verdict = check.withoutIt;
      if (check.whenItFails === 'put off')
        throw new Refused('check.failed', 'The message could not be checked just now; please try again later.');
    }
    if (verdict !== undefined) apply(verdict, delivery);
  }
}

/** @throws Refused what it refuses */
function apply(verdict: Partial<Verdict>, delivery: InDelivery): void {
  delivery.findings += verdict.findings ?? ''; // also of what is refused: the trace tells of it
  delivery.suspicious ||= verdict.suspicious ?? false;
  delivery.unproven ||= verdict.unproven ?? false;
  delivery.disowned ||= verdict.disowned ?? false;
  delivery.borrowed ||= verdict.borrowed ?? false;
  for (const recipient of delivery.recipients) recipient.failure ??= verdict.failures?.get(recipient.address) ?? null;
  if (verdict.refused !== undefined) throw verdict.refused;
}

async function withinItsTime(check: Check, delivery: InDelivery): Promise<Partial<Verdict> | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const stop = new AbortController();
  const timer = setTimeout(() => {
    const error = new Error(`the check ${check.name} took longer than ${check.within} ms`);
    reject(error);
    stop.abort(error);
  }, check.within);
  try {
    return await Promise.race([check.run(delivery, stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
