/** LOGIN-DELAY (RFC 2449 6.5): the least time between two sign-ins of one account, where the office wants one. */
import type { AccountId, Milliseconds } from '../store/ids.ts';

/** Accounts remembered; the oldest go first, and may come sooner then. */
const MOST = 100_000;

export class LoginDelay {
  readonly #delay: Milliseconds;
  /** In order of sign-in. */
  readonly #last = new Map<AccountId, Milliseconds>();

  constructor(delay: Milliseconds) {
    this.#delay = delay;
  }

  /** @param now of a clock that doesn't go back @returns false when it is too soon */
  mayEnter(account: AccountId, now: Milliseconds = performance.now()): boolean {
    if (this.#delay === 0) return true;
    const last = this.#last.get(account);
    if (last !== undefined && now - last < this.#delay) return false;
    this.#last.delete(account);
    this.#last.set(account, now);
    if (this.#last.size > MOST) this.#last.delete(this.#last.keys().next().value!);
    return true;
  }
}
