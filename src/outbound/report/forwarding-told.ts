/**
 * Of which forwardings that fail their owners have been told lately. They keep a copy of each message, so one report a day for each address tells them all
 * that they can do something about. In memory: after a start they hear once more.
 */
import { Lru } from '../../lru.ts';
import { type EpochSeconds, nowSeconds } from '../../store/ids.ts';
import type { QueuedMessage } from '../../store/queue.ts';
import type { RecipientOutcome } from '../types.ts';

/** Addresses that are remembered. */
const REMEMBERED = 10_000;
const DAY = 86_400;

interface ToldOf {
  readonly message: QueuedMessage['id'];
  readonly at: EpochSeconds;
}

export class ForwardingTold {
  readonly #told = new Lru<string, ToldOf>(REMEMBERED);

  /** Those of a message's outcomes that its owner is told of. The same is said of the same message again: it may be that it could not be noted. */
  notLately({ id, account }: QueuedMessage, outcomes: readonly RecipientOutcome[]): RecipientOutcome[] {
    const now = nowSeconds();
    return outcomes.filter(({ recipient, kind }) => {
      if (kind !== 'failed' && kind !== 'delayed') return true;
      const key = `${account} ${kind} ${recipient.address}`;
      const told = this.#told.get(key);
      // The clock may have been ahead.
      if (told !== undefined && Math.abs(now - told.at) < DAY) return told.message === id;
      this.#told.set(key, { message: id, at: now });
      return true;
    });
  }
}
