/**
 * How much mail goes on to other servers for one account in an hour: what fills a mailbox here must not flood one elsewhere, where it would be this
 * server that is blamed.
 */
import { Lru } from '../lru.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../store/ids.ts';
import { HOUR, SlidingCount } from './sliding-count.ts';

/** Accounts that are counted at a time; who is forgotten begins anew. */
const ACCOUNTS = 20_000;

export class ForwardRate {
  readonly #byHour: number;
  readonly #clock: () => EpochSeconds;
  readonly #copies = new Lru<AccountId, SlidingCount>(ACCOUNTS);

  /** @param byHour  copies for each account @param clock  for tests */
  constructor(byHour: number, clock: () => EpochSeconds = nowSeconds) {
    this.#byHour = byHour;
    this.#clock = clock;
  }

  /** No more may go on for it just now. */
  isSpent(account: AccountId): boolean {
    return (this.#copies.get(account)?.sum(this.#clock()) ?? 0) >= this.#byHour;
  }

  /** A copy has gone on. */
  note(account: AccountId): void {
    const copies = this.#copies.get(account) ?? new SlidingCount(HOUR);
    copies.add(this.#clock(), 1);
    this.#copies.set(account, copies);
  }
}
