/**
 * People here whose mail was to be there later (RFC 4865): when the time has come it goes the way of all mail that arrives, recipient by recipient,
 * wherever their addresses lead by then.
 *
 * Invariant: the transaction that files it takes the recipient off the queue, so that nobody gets it twice. What the queue notes later is for the trace.
 */
import { replyToRefusal } from '../delivery/replies.ts';
import type { Delivery, Envelope, Outcome } from '../delivery/types.ts';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import type { AccountId } from '../store/ids.ts';
import type { QueuedMessage, QueuedRecipient } from '../store/queue.ts';
import type { StagedMessage } from '../store/types.ts';
import type { RecipientOutcome } from './types.ts';

export interface HereOptions {
  readonly store: Pick<Store, 'stage'>;
  /** The way of mail that arrives, once it is made. */
  readonly delivery: Promise<Pick<Delivery, 'deliver'>>;
  /** Undefined: it is gone. */
  readonly accountOf: (id: AccountId) => Promise<Envelope['signedIn']>;
}

export class Here {
  readonly #options: HereOptions;

  constructor(options: HereOptions) {
    this.#options = options;
  }

  /**
   * @param sizeBytes  of the message
   * @param read  from its first byte
   * @throws Refused `message.gone`, `message.damaged`
   */
  async deliver(
    message: QueuedMessage,
    recipient: QueuedRecipient,
    sizeBytes: number,
    read: () => AsyncIterable<Buffer>,
  ): Promise<RecipientOutcome> {
    const signedIn = await this.#options.accountOf(message.account);
    const { sender, options } = message;
    const { address, notify, original } = recipient;
    const envelope: Envelope = {
      protocol: 'queue',
      remoteAddress: '',
      helo: '',
      sender,
      options,
      ...(signedIn !== undefined && { signedIn }),
      recipients: [{ address, notify, original }],
      arrives: { id: message.id, number: recipient.number },
    };
    try {
      const delivery = await this.#options.delivery;
      const [outcome] = await delivery.deliver(envelope, await this.#staged(sizeBytes, read));
      return outcomeOf(recipient, outcome!);
    } catch (error) {
      if (!(error instanceof Refused) || error.code.startsWith('message.')) throw error;
      const [reply, status] = replyToRefusal(error.code);
      return outcomeOf(recipient, { ok: false, reply, status, text: error.message });
    }
  }

  async #staged(sizeBytes: number, read: () => AsyncIterable<Buffer>): Promise<StagedMessage> {
    const stage = this.#options.store.stage(sizeBytes);
    try {
      for await (const chunk of read()) await stage.write(chunk);
      return await stage.finish();
    } catch (error) {
      stage.abandon();
      throw error;
    }
  }
}

/** Success is told by the pipeline, in the transaction that files the message. */
function outcomeOf(recipient: QueuedRecipient, outcome: Outcome): RecipientOutcome {
  if (outcome.ok) {
    const said = { reply: 250, status: '2.1.5', text: '' };
    return { recipient, kind: 'sent', said, peer: '', relaysNotices: true };
  }
  const { reply, status, text } = outcome;
  const kind = reply >= 500 ? 'failed' : 'deferred';
  return { recipient, kind, said: { reply, status, text }, peer: '', relaysNotices: false };
}
