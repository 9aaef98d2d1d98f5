/**
 * How many recipients at other servers each account may send to, in an hour and in a day: who has stolen a password sends thousands before
 * anybody notices, and the name of the office suffers for weeks.
 *
 * In memory, about 0.5 KB for each account that sent something within a day: a restart gives everybody a new allowance, at most, which is no
 * help to a thief who can't cause one.
 */
import { formatCount } from '../config/units.ts';
import type { Account } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { Lru } from '../lru.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../store/ids.ts';
import { DAY, HOUR, SlidingCount } from './sliding-count.ts';

export interface AllowanceOptions {
  /** Recipients. */
  readonly byHour: number;
  readonly byDay: number;
  /** Hears who reached a limit, once an hour for each. */
  readonly onReached: (account: AccountId, recipients: number) => void;
  /** For tests. */
  readonly clock?: () => EpochSeconds;
}

/** Accounts remembered; beyond, those that sent nothing for longest are as new. */
const ACCOUNTS = 20_000;

interface Used {
  readonly hour: SlidingCount;
  readonly day: SlidingCount;
  told: EpochSeconds;
}

export class Allowances {
  readonly #options: AllowanceOptions;
  readonly #clock: () => EpochSeconds;
  readonly #used = new Lru<AccountId, Used>(ACCOUNTS);

  constructor(options: AllowanceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? nowSeconds;
  }

  /** Is there room for so many? @throws Refused `sending.limit` */
  check({ id }: Account, recipients: number): void {
    const used = this.#used.get(id);
    const now = this.#clock();
    const { byHour, byDay } = this.#options;
    const inHour = used?.hour.sum(now) ?? 0;
    const inDay = used?.day.sum(now) ?? 0;
    if (inDay + recipients > byDay) throw this.#reached(id, recipients, now, byDay - inDay, 'day', byDay);
    if (inHour + recipients > byHour) throw this.#reached(id, recipients, now, byHour - inHour, 'hour', byHour);
  }

  /** Counts so many. @throws Refused `sending.limit`, and counts nothing */
  take(account: Account, recipients: number): void {
    this.check(account, recipients);
    this.#count(account.id, recipients);
  }

  /** They were not sent to after all. */
  giveBack({ id }: Account, recipients: number): void {
    this.#count(id, -recipients);
  }

  #count(id: AccountId, recipients: number): void {
    const now = this.#clock();
    const used = this.#of(id);
    used.hour.add(now, recipients);
    used.day.add(now, recipients);
  }

  #of(id: AccountId): Used {
    const known = this.#used.get(id);
    if (known !== undefined) return known;
    const used: Used = { hour: new SlidingCount(HOUR), day: new SlidingCount(DAY), told: 0 };
    this.#used.set(id, used);
    return used;
  }

  #reached(id: AccountId, recipients: number, now: EpochSeconds, left: number, time: 'hour' | 'day', most: number) {
    const used = this.#of(id);
    if (now - used.told >= HOUR) {
      used.told = now;
      this.#options.onReached(id, recipients);
    }
    const room = left <= 0 ? 'you have sent to so many already' : `you can send to ${formatCount(left)} more now`;
    const text = `From one account mail goes to ${formatCount(most)} recipients at other servers in ${time === 'day' ? 'a day' : 'an hour'}, and ${room}. Try again later, or ask the administrator.`;
    return new Refused('sending.limit', text);
  }
}
