/**
 * How much mail goes on to other servers from an address of ours in an hour, be it an account's, an alias or a group: what fills a mailbox here must not
 * flood one elsewhere, where it would be this server that is blamed.
 *
 * Counted in memory. What went on before the start is read from the trace, when mail is to go on from there again: no restart begins anew.
 */
import { type EpochSeconds, nowSeconds } from '../store/ids.ts';
import type { Trace } from '../store/trace.ts';
import { RememberedCounts } from './remembered-counts.ts';
import { HOUR, SlidingCount } from './sliding-count.ts';

/** Remembers what went on. */
export type ForwardedBefore = Pick<Trace, 'find'>;

export class ForwardRate {
  readonly #byHour: number;
  readonly #trace: ForwardedBefore;
  readonly #clock: () => EpochSeconds;
  readonly #copies: RememberedCounts<string, SlidingCount>;

  /** @param byHour  copies from each address @param clock  for tests */
  constructor(byHour: number, trace: ForwardedBefore, clock: () => EpochSeconds = nowSeconds) {
    this.#byHour = byHour;
    this.#trace = trace;
    this.#clock = clock;
    this.#copies = new RememberedCounts((address, now, until) => this.#read(address, now, until), clock);
  }

  /** No more may go on from there just now. @param address  in canonical form */
  async isSpent(address: string): Promise<boolean> {
    if (this.#byHour === Number.POSITIVE_INFINITY) return false;
    return (await this.#copies.of(address)).sum(this.#clock()) >= this.#byHour;
  }

  /** A copy has gone on. */
  note(address: string): void {
    this.#copies.kept(address)?.add(this.#clock(), 1);
  }

  /** What the trace says of the last hour. */
  async #read(address: string, now: EpochSeconds, until: EpochSeconds): Promise<SlidingCount> {
    const copies = new SlidingCount(HOUR);
    for await (const page of this.#trace.find({ onFrom: address, since: now - HOUR, until })) {
      for (const { at, message } of page) {
        for (const { from, forRoom, to } of message.queued ?? []) {
          if (from === address && forRoom !== true) copies.addEarlier(now, at / 1_000, to.length);
        }
      }
      if (copies.sum(now) >= this.#byHour) break; // what came before is forgotten before
    }
    return copies;
  }
}
