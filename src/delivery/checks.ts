/**
 * Where every check on arriving mail stands: one after the other, each with its time.
 *
 * Invariant: a check that fails or takes too long is told to those who look after the server, and decides nothing but by what it says of itself
 * (`whenItFails`): mail is accepted without it, or put off. What it would have proved is not proven then.
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
      delivery.unproven = true;
      if (check.whenItFails === 'accept') continue;
      throw new Refused('check.failed', 'The message could not be checked just now; please try again later.');
    }
    delivery.findings += verdict?.findings ?? '';
    delivery.suspicious ||= verdict?.suspicious ?? false;
    delivery.unproven ||= verdict?.unproven ?? false;
    delivery.disowned ||= verdict?.disowned ?? false;
    delivery.borrowed ||= verdict?.borrowed ?? false;
  }
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
