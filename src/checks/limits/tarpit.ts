/**
 * Makes searching for addresses (directory harvesting) slow: whoever names many that nobody has waits longer with each, and finds few in an hour.
 *
 * Invariant: those who wait are few, in all and by peer, and cost a timer each. Whoever finds no place to wait is sent away.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Milliseconds } from '../../store/ids.ts';
import { LeakyBuckets } from './leaky-buckets.ts';

/** Unknown addresses in an hour that cost no wait: somebody's old address book, typing errors. */
const FREE = 10;
const SHORTEST: Milliseconds = 1_000;
/** Well within the five minutes that a client waits for the reply to RCPT (RFC 5321 4.5.3.2.3). */
const LONGEST: Milliseconds = 20_000;
const WAITING_BY_PEER = 4;
const WAITING_IN_ALL = 500;
const HOUR: Milliseconds = 3_600_000;

export interface TarpitOptions {
  /** In an hour by one peer; who has named more is sent away at once. */
  readonly most: number;
  /** Monotonic. */
  readonly clock: () => Milliseconds;
  readonly sleep?: (time: Milliseconds, signal: AbortSignal) => Promise<unknown>;
}

export class Tarpit {
  readonly #missed: LeakyBuckets;
  readonly #sleep: (time: Milliseconds, signal: AbortSignal) => Promise<unknown>;
  readonly #waiting = new Map<string, number>(); // by peer; only those above zero
  #waitingInAll = 0;

  constructor({ most, clock, sleep }: TarpitOptions) {
    this.#missed = new LeakyBuckets({ most, per: HOUR }, clock);
    this.#sleep = sleep ?? ((time, signal) => wait(time, undefined, { signal, ref: false }));
  }

  /** It has named more than it may in an hour. */
  isStuck(peer: string): boolean {
    return !this.#missed.hasRoom(peer);
  }

  /** The peer named an address that nobody has: waits. @param signal  of its connection @returns false when it is to be sent away, or has gone */
  async missed(peer: string, signal: AbortSignal): Promise<boolean> {
    if (this.isStuck(peer)) return false;
    this.#missed.add(peer);
    const over = Math.round(this.#missed.level(peer)) - FREE;
    if (over <= 0) return true;
    const waiting = this.#waiting.get(peer) ?? 0;
    if (waiting >= WAITING_BY_PEER || this.#waitingInAll >= WAITING_IN_ALL) return false;
    this.#waiting.set(peer, waiting + 1);
    this.#waitingInAll += 1;
    try {
      await this.#sleep(Math.min(LONGEST, SHORTEST * 2 ** (over - 1)), signal);
    } catch {
      return false; // the connection has ended meanwhile
    } finally {
      const left = this.#waiting.get(peer)! - 1;
      if (left === 0) this.#waiting.delete(peer);
      else this.#waiting.set(peer, left);
      this.#waitingInAll -= 1;
    }
    return true;
  }
}
