/** EXPIRE (RFC 2449 6.7): how long messages that all devices have had stay at least. */
import type { LetGo } from '../config/let-go.ts';

const A_DAY = 86_400;

/** Days; null: nothing is removed by time alone. */
export type ExpiryDays = number | null;

export interface LeastExpiry {
  readonly days: ExpiryDays;
  /** Not all accounts have the same. */
  readonly varies: boolean;
}

export function expiryDays(letGo: LetGo): ExpiryDays {
  return letGo.kind === 'after' ? Math.floor(letGo.seconds / A_DAY) : null;
}

/** @param rules  of all accounts, at least one */
export function leastExpiry(rules: readonly LetGo[]): LeastExpiry {
  const days = rules.map(expiryDays);
  const least = days.reduce((a, b) => (a === null || b === null ? (a ?? b) : Math.min(a, b)));
  return { days: least, varies: days.some((each) => each !== days[0]) };
}

/** As CAPA says it. */
export function expireLine(days: ExpiryDays, ofEveryUser = true): string {
  return `EXPIRE ${days ?? 'NEVER'}${ofEveryUser ? '' : ' USER'}`;
}
