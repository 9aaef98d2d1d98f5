/**
 * How much mail goes on to other servers from an address of ours in an hour, be it an account's, an alias or a group: what fills a mailbox here must not
 * flood one elsewhere, where it would be this server that is blamed.
 *
 * Counted in memory. What went on before the start is read from the trace, when mail is to go on from there again: no restart begins anew.
 */
import { Lru } from '../lru.ts';
import { type EpochSeconds, nowSeconds } from '../store/ids.ts';
import type { Trace } from '../store/trace.ts';
import { HOUR, SlidingCount } from './sliding-count.ts';

/** Remembers what went on. */
export type ForwardedBefore = Pick<Trace, 'find'>;

/** Addresses that are counted at a time; of others the trace is asked. */
const ADDRESSES = 20_000;

export class ForwardRate {
  readonly #byHour: number;
  readonly #trace: ForwardedBefore;
  readonly #clock: () => EpochSeconds;
  readonly #started: EpochSeconds;
  readonly #copies = new Lru<string, SlidingCount>(ADDRESSES);
  readonly #reading = new Map<string, Promise<SlidingCount>>();

  /** @param byHour  copies from each address @param clock  for tests */
  constructor(byHour: number, trace: ForwardedBefore, clock: () => EpochSeconds = nowSeconds) {
    this.#byHour = byHour;
    this.#trace = trace;
    this.#clock = clock;
    this.#started = clock();
  }

  /** No more may go on from there just now. @param address  in canonical form */
  async isSpent(address: string): Promise<boolean> {
    if (this.#byHour === Number.POSITIVE_INFINITY) return false;
    return (await this.#of(address)).sum(this.#clock()) >= this.#byHour;
  }

  /** A copy has gone on. What {@link isSpent} was not asked of is in the trace. */
  note(address: string): void {
    this.#copies.get(address)?.add(this.#clock(), 1);
  }

  async #of(address: string): Promise<SlidingCount> {
    const known = this.#copies.get(address);
    if (known !== undefined) return known;
    let reading = this.#reading.get(address);
    if (reading === undefined) {
      reading = this.#read(address).finally(() => this.#reading.delete(address));
      this.#reading.set(address, reading);
    }
    return reading;
  }

  /** What the trace says of the last hour. */
  async #read(address: string): Promise<SlidingCount> {
    const copies = new SlidingCount(HOUR);
    const now = this.#clock();
    // What is not known went on before the start, unless some were forgotten.
    const until = this.#copies.size < ADDRESSES ? this.#started : now;
    for await (const page of this.#trace.find({ onFrom: address, since: now - HOUR, until })) {
      for (const { at, message } of page) {
        for (const { from, forRoom, to } of message.queued ?? []) {
          if (from === address && forRoom !== true) copies.addEarlier(now, at / 1_000, to.length);
        }
      }
      if (copies.sum(now) >= this.#byHour) break; // what came before is forgotten before
    }
    this.#copies.set(address, copies);
    return copies;
  }
}
