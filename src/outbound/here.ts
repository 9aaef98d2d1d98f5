/**
 * People here whose mail was to be there later (RFC 4865), or for whose copy there was no room: when the time has come it goes the way of all mail that
 * arrives, wherever their addresses lead by then.
 *
 * Invariant: the transaction that files it takes the recipient off the queue, so that nobody gets it twice. What the queue notes later is for the trace.
 */
import { replyToRefusal } from '../delivery/replies.ts';
import type { Delivery, Envelope, Outcome } from '../delivery/types.ts';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import type { AccountId } from '../store/ids.ts';
import type { QueuedMessage, QueuedRecipient } from '../store/queue.ts';
import type { ForRoom, StagedMessage } from '../store/types.ts';
import type { RecipientOutcome } from './types.ts';

export interface HereOptions {
  readonly store: Pick<Store, 'stage'>;
  /** The way of mail that arrives, once it is made. */
  readonly delivery: Promise<Pick<Delivery, 'accepts' | 'deliver'>>;
  /** Undefined: it is gone. */
  readonly accountOf: (id: AccountId) => Promise<Envelope['signedIn']>;
}

export class Here {
  readonly #options: HereOptions;

  constructor(options: HereOptions) {
    this.#options = options;
  }

  /**
   * Gives it to all of these at once: whoever has it by several of them has one copy, and its bytes are stored once.
   * @param sizeBytes  of the message
   * @param read  from its first byte
   * @returns what became of each who is still in the queue
   * @throws Refused `message.gone`, `message.damaged`
   */
  async deliver(
    message: QueuedMessage,
    recipients: readonly QueuedRecipient[],
    sizeBytes: number,
    read: () => AsyncIterable<Buffer>,
  ): Promise<RecipientOutcome[]> {
    try {
      return await this.#together(message, recipients, sizeBytes, read);
    } catch (error) {
      if (!isChanged(error)) throw error;
      if (recipients.length === 1) return [];
      // One of them was taken off the queue meanwhile, or is held: the others are not to wait for that.
      const outcomes: RecipientOutcome[] = [];
      for (const recipient of recipients) outcomes.push(...(await this.deliver(message, [recipient], sizeBytes, read)));
      return outcomes;
    }
  }

  async #together(
    message: QueuedMessage,
    recipients: readonly QueuedRecipient[],
    sizeBytes: number,
    read: () => AsyncIterable<Buffer>,
  ): Promise<RecipientOutcome[]> {
    const { account, sender, options } = message;
    const { forRoom } = options;
    const person = await this.#options.accountOf(account);
    const envelope: Envelope = {
      protocol: 'queue',
      remoteAddress: '',
      helo: '',
      sender,
      options,
      ...(forRoom === undefined ? person && { signedIn: person } : { waitedFor: account, ...junk(forRoom) }),
      recipients: recipients.map(({ address, notify, original }) => {
        // Who gets that address later does not get what was for somebody else.
        return { address: forRoom === undefined ? address : (person?.name ?? address), notify, original };
      }),
      arrives: recipients.map(({ number }) => ({ id: message.id, number })),
    };
    try {
      const delivery = await this.#options.delivery;
      if (forRoom !== undefined) {
        if (person === undefined) throw gone(recipients[0]!);
        // A mailbox that is full still costs a look, and not reading and writing all that it has no room for.
        await delivery.accepts(person.name, { ...envelope, declaredBytes: sizeBytes, withRoom: new Set() });
      }
      const outcomes = await delivery.deliver(envelope, await this.#staged(sizeBytes, read));
      return recipients.map((recipient, at) => outcomeOf(recipient, outcomes[at]!));
    } catch (error) {
      if (!(error instanceof Refused) || error.code.startsWith('message.') || isChanged(error)) throw error;
      const [reply, status] = replyToRefusal(error.code);
      return recipients.map((each) => outcomeOf(each, { ok: false, reply, status, text: error.message }));
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

function junk({ junk }: ForRoom): Pick<Envelope, 'junk'> {
  return junk === undefined ? {} : { junk };
}

function gone({ address }: QueuedRecipient): Refused {
  return new Refused('recipient.unknown', `There is no ${address} here any more.`);
}

function isChanged(error: unknown): boolean {
  return error instanceof Refused && error.code === 'queue.changed';
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
