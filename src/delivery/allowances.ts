/**
 * How many recipients at other servers each account may send to, in an hour and in a day: who has stolen a password sends thousands before
 * anybody notices, and the name of the office suffers for weeks.
 *
 * Counted in memory, about 0.5 KB for each account that sent something within a day. What an account sent before the start is read from the trace
 * when it sends again: no restart gives a thief a new allowance.
 */
import { formatCount } from '../config/units.ts';
import type { Account } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../store/ids.ts';
import type { Trace } from '../store/trace.ts';
import { RememberedCounts } from './remembered-counts.ts';
import { DAY, HOUR, SlidingCount } from './sliding-count.ts';

export interface AllowanceOptions {
  /** Recipients. */
  readonly byHour: number;
  readonly byDay: number;
  /** It remembers what was sent. */
  readonly trace: Pick<Trace, 'find'>;
  /** Hears who reached a limit, once an hour for each. */
  readonly onReached: (account: AccountId, recipients: number) => void;
  /** For tests. */
  readonly clock?: () => EpochSeconds;
}

interface Used {
  readonly hour: SlidingCount;
  readonly day: SlidingCount;
  told: EpochSeconds;
}

export class Allowances {
  readonly #options: AllowanceOptions;
  readonly #clock: () => EpochSeconds;
  readonly #used: RememberedCounts<AccountId, Used>;

  constructor(options: AllowanceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? nowSeconds;
    this.#used = new RememberedCounts((account, now, until) => this.#read(account, now, until), this.#clock);
  }

  /** Is there room for so many? @throws Refused `sending.limit` */
  async check({ id }: Account, recipients: number): Promise<void> {
    this.#require(id, await this.#used.of(id), recipients);
  }

  /** Counts so many. @throws Refused `sending.limit`, and counts nothing */
  async take({ id }: Account, recipients: number): Promise<void> {
    const used = await this.#used.of(id);
    this.#require(id, used, recipients); // and nothing comes between that and the next line
    this.#count(used, recipients);
  }

  /** They were not sent to after all. */
  giveBack({ id }: Account, recipients: number): void {
    const used = this.#used.kept(id);
    if (used !== undefined) this.#count(used, -recipients);
  }

  #require(id: AccountId, used: Used, recipients: number): void {
    const now = this.#clock();
    const { byHour, byDay } = this.#options;
    const [inHour, inDay] = [used.hour.sum(now), used.day.sum(now)];
    const reached = (left: number, time: 'hour' | 'day', most: number) => {
      this.#tell(id, used, recipients, now);
      return limitOf(left, time, most);
    };
    if (inDay + recipients > byDay) throw reached(byDay - inDay, 'day', byDay);
    if (inHour + recipients > byHour) throw reached(byHour - inHour, 'hour', byHour);
  }

  #count({ hour, day }: Used, recipients: number): void {
    const now = this.#clock();
    hour.add(now, recipients);
    day.add(now, recipients);
  }

  /** What the trace says of the last day. */
  async #read(account: AccountId, now: EpochSeconds, until: EpochSeconds): Promise<Used> {
    const { trace, byDay } = this.#options;
    const used: Used = { hour: new SlidingCount(HOUR), day: new SlidingCount(DAY), told: 0 };
    for await (const page of trace.find({ account, since: now - DAY, until })) {
      for (const { at, message } of page) {
        if (message.account !== account || message.sends === undefined) continue;
        used.hour.addEarlier(now, at / 1_000, message.sends);
        used.day.addEarlier(now, at / 1_000, message.sends);
      }
      if (used.day.sum(now) >= byDay) break; // what came before is forgotten before
    }
    return used;
  }

  #tell(id: AccountId, used: Used, recipients: number, now: EpochSeconds): void {
    if (now - used.told >= HOUR) {
      used.told = now;
      this.#options.onReached(id, recipients);
    }
  }
}

function limitOf(left: number, time: 'hour' | 'day', most: number): Refused {
  const room = left <= 0 ? 'you have sent to so many already' : `you can send to ${formatCount(left)} more now`;
  const text = `From one account mail goes to ${formatCount(most)} recipients at other servers in ${time === 'day' ? 'a day' : 'an hour'}, and ${room}. Try again later, or ask the administrator.`;
  return new Refused('sending.limit', text);
}
