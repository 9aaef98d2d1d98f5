/**
 * What open sessions may still retrieve: `store.leases`. A POP3 session's list is that of its sign-in (RFC 1939 3), so a message that is removed
 * later must not be purged while the session may ask for it.
 *
 * Invariants
 * - A lease covers all that is removed from the account after it was taken: who takes it before reading the list has all of the list.
 * - It ends with its session, or when it was not renewed for its time: no session holds a purge up for ever.
 */
import { type AccountId, type EpochSeconds, type Milliseconds, nowSeconds } from './ids.ts';

/** Removals are dated when they are asked for, a list may lag behind those that are not durable yet, and a clock is set back a little. */
const LEEWAY: EpochSeconds = 60;

export interface Lease {
  /** The session goes on. */
  renew(): void;
  /** Safe to call twice. */
  end(): void;
}

class AccountLease implements Lease {
  readonly since: EpochSeconds = nowSeconds() - LEEWAY;
  readonly #leases: Leases;
  readonly #account: AccountId;
  readonly #lasts: Milliseconds;
  #renewed = performance.now();

  constructor(leases: Leases, account: AccountId, lasts: Milliseconds) {
    this.#leases = leases;
    this.#account = account;
    this.#lasts = lasts;
  }

  get isOver(): boolean {
    return performance.now() - this.#renewed > this.#lasts;
  }

  renew(): void {
    this.#renewed = performance.now();
  }

  end(): void {
    this.#leases.ended(this.#account, this);
  }
}

export class Leases {
  /** An account has few at a time. */
  readonly #byAccount = new Map<AccountId, AccountLease[]>();
  /** Accounts with something to purge that was leased when somebody asked for it. */
  readonly #waiting = new Set<AccountId>();
  readonly #onFree: (account: AccountId) => void;

  /** @param onFree  what {@link purgeWaits} announced can be purged now */
  constructor(onFree: (account: AccountId) => void) {
    this.#onFree = onFree;
  }

  /** @param lasts  how long, unless it is renewed */
  take(account: AccountId, lasts: Milliseconds): Lease {
    const lease = new AccountLease(this, account, lasts);
    const others = this.#byAccount.get(account);
    if (others === undefined) this.#byAccount.set(account, [lease]);
    else others.push(lease);
    return lease;
  }

  /** What was removed from the account then or later is leased. To be asked within the transaction that purges. */
  since(account: AccountId): EpochSeconds {
    let since = Number.MAX_SAFE_INTEGER;
    for (const lease of this.#byAccount.get(account) ?? []) if (!lease.isOver) since = Math.min(since, lease.since);
    return since;
  }

  /** Something of the account is to be purged as soon as it is not leased any more. */
  purgeWaits(account: AccountId): void {
    if (this.#byAccount.has(account)) this.#waiting.add(account);
    else this.#onFree(account);
  }

  ended(account: AccountId, lease: AccountLease): void {
    const left = this.#byAccount.get(account)?.filter((each) => each !== lease) ?? [];
    if (left.length > 0) this.#byAccount.set(account, left);
    else if (this.#byAccount.delete(account) && this.#waiting.delete(account)) this.#onFree(account);
  }
}
