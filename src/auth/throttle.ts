/**
 * Slows guessing down, and never locks anybody out.
 *
 * Each failure is a strike against the account's name and against the peer's network; strikes fade with time. From some
 * strikes on an attempt waits before it is checked, longer with each, up to {@link LONGEST}.
 *
 * Where somebody has signed in before, the pair of account and network is trusted: it answers for its own strikes alone. So
 * guessing from elsewhere can't slow the owner, and one phone with an old password can't slow the office behind the same address.
 *
 * Invariants
 * - Names that exist and names that don't are treated alike: all that is kept is by the text of the name.
 * - An attempt is a strike from its beginning until it turns out to be none, so guesses made at the same time don't slip through.
 * - Success takes back its own strike only: an owner who signs in gives a guesser nothing.
 * - All maps are bounded, and so are those who wait: in all and by network. Who finds no room to wait is refused unchecked.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Lru } from '../lru.ts';
import type { Milliseconds } from '../store/ids.ts';
import { networkOf } from './network.ts';

/** Strikes without a delay: by account, and by network, behind which a whole office may be. */
const FREE_BY_ACCOUNT = 5;
const FREE_BY_NETWORK = 20;
/** The first delay; each further strike doubles it. */
const SHORTEST: Milliseconds = 500;
/** No mail program gives up a sign-in before this. */
const LONGEST: Milliseconds = 20_000;
/** After this time half of the strikes are forgotten. */
const HALF_LIFE: Milliseconds = 10 * 60_000;
const CAPACITY = 50_000;
const WAITING_BY_NETWORK = 4;
const WAITING_IN_ALL = 2_000;

/** Fades: half of it is gone after each {@link HALF_LIFE}. */
interface Strikes {
  count: number;
  /** When `count` was right. */
  at: Milliseconds;
}

export interface ThrottleOptions {
  /** Monotonic. */
  readonly clock?: () => Milliseconds;
  readonly sleep?: (time: Milliseconds) => Promise<unknown>;
}

export class Throttle {
  readonly #accounts = new Lru<string, Strikes>(CAPACITY);
  readonly #networks = new Lru<string, Strikes>(CAPACITY);
  readonly #trusted = new Lru<string, Strikes>(CAPACITY);
  readonly #waiting = new Map<string, number>(); // by network; only those above zero
  #waitingInAll = 0;
  readonly #clock: () => Milliseconds;
  readonly #sleep: (time: Milliseconds) => Promise<unknown>;

  constructor(options: ThrottleOptions = {}) {
    this.#clock = options.clock ?? (() => performance.now());
    this.#sleep = options.sleep ?? ((time) => wait(time, undefined, { ref: false }));
  }

  /** Begins an attempt; it must come to one of the ends of {@link Attempt}. */
  attempt(name: string, address: string): Attempt {
    const network = networkOf(address);
    const pair = `${name}\0${network}`;
    const own = this.#trusted.get(pair);
    const account = own ?? this.#strikes(this.#accounts, name);
    const now = this.#clock();
    const delay = Math.max(
      delayAfter(fade(account, now) - FREE_BY_ACCOUNT),
      own === undefined ? delayAfter(this.#strikesNow(network, now) - FREE_BY_NETWORK) : 0,
    );
    account.count += 1;
    return {
      delay,
      wait: () => this.#wait(network, delay),
      succeeded: () => {
        retract(account);
        if (own === undefined) this.#trusted.set(pair, { count: 0, at: now });
      },
      failed: () => {
        if (own === undefined) this.#strike(network);
      },
      withdrawn: () => retract(account),
    };
  }

  /**
   * The same for a token, which nobody guesses by trying: a wrong one is a strike against the network alone, so that no name can be made to
   * wait; and where somebody has signed in before, their right one does not wait.
   */
  tokenAttempt(name: string, address: string): Attempt {
    const network = networkOf(address);
    const pair = `${name}\0${network}`;
    const trusted = this.#trusted.get(pair) !== undefined;
    const now = this.#clock();
    const delay = trusted ? 0 : delayAfter(this.#strikesNow(network, now) - FREE_BY_NETWORK);
    return {
      delay,
      wait: () => this.#wait(network, delay),
      succeeded: () => {
        if (!trusted) this.#trusted.set(pair, { count: 0, at: now });
      },
      failed: () => this.#strike(network),
      withdrawn: () => {},
    };
  }

  #strikes(map: Lru<string, Strikes>, key: string): Strikes {
    let strikes = map.get(key);
    if (strikes === undefined) {
      strikes = { count: 0, at: this.#clock() };
      map.set(key, strikes);
    }
    return strikes;
  }

  #strikesNow(network: string, now: Milliseconds): number {
    const strikes = this.#networks.get(network);
    return strikes === undefined ? 0 : fade(strikes, now);
  }

  #strike(network: string): void {
    const strikes = this.#strikes(this.#networks, network);
    fade(strikes, this.#clock());
    strikes.count += 1;
  }

  async #wait(network: string, delay: Milliseconds): Promise<boolean> {
    const waiting = this.#waiting.get(network) ?? 0;
    if (waiting >= WAITING_BY_NETWORK || this.#waitingInAll >= WAITING_IN_ALL) return false;
    this.#waiting.set(network, waiting + 1);
    this.#waitingInAll += 1;
    try {
      await this.#sleep(delay);
    } finally {
      const left = this.#waiting.get(network)! - 1;
      if (left === 0) this.#waiting.delete(network);
      else this.#waiting.set(network, left);
      this.#waitingInAll -= 1;
    }
    return true;
  }
}

export interface Attempt {
  /** To wait before anything is checked; usually 0. */
  readonly delay: Milliseconds;
  /** Waits that long. @returns false at once when too many wait already: refuse unchecked, with the answer of a failure */
  readonly wait: () => Promise<boolean>;
  readonly succeeded: () => void;
  readonly failed: () => void;
  /** It was no guess: the same wrong password again, or it could not be checked. */
  readonly withdrawn: () => void;
}

/** Brings the count up to now, and gives it. */
function fade(strikes: Strikes, now: Milliseconds): number {
  if (strikes.count > 0) strikes.count *= 2 ** ((strikes.at - now) / HALF_LIFE);
  strikes.at = now;
  return strikes.count;
}

function retract(strikes: Strikes): void {
  strikes.count = Math.max(0, strikes.count - 1);
}

/** No delay below the free strikes; the first beyond waits {@link SHORTEST}. */
function delayAfter(beyondFree: number): Milliseconds {
  // Rounded, so that what faded within the moment does not make a strike free.
  const over = Math.round(beyondFree);
  return over < 0 ? 0 : Math.min(LONGEST, SHORTEST * 2 ** over);
}
