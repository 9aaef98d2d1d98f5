/**
 * One attempt to deliver a message, and what is noted of it.
 *
 * Invariants
 * - Once the peer has said 250 the recipient is settled in one transaction. Dies between the two: it is sent again (RFC 5321 4.5.5 leaves no
 *   other way), and that window is the time of one commit. A transaction that fails is made again, and until then nobody sends the message.
 * - Whoever is to be told of a recipient's end is told in that transaction. While there is no room for the report, the recipient has not come to its end.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { HERE } from '../delivery/types.ts';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import { type Milliseconds, nowSeconds, type QueueId } from '../store/ids.ts';
import type { Contact, Queue, QueuedBatch, QueuedMessage, QueuedRecipient, Report, Settled } from '../store/queue.ts';
import type { Here } from './here.ts';
import { outcomeOf, recalled, saidOf, sameForAll, settlementOf, summaryOf, untold, withLine } from './outcomes.ts';
import { type Peer, type PeerReply, Unreachable } from './peer.ts';
import { type Reached, type ReachOptions, reach } from './reach.ts';
import { nextAttempt } from './retry.ts';
import type { RecipientOutcome, RecordOutcomes, Reporter, Signer } from './types.ts';

export interface AttemptsOptions extends Omit<ReachOptions, 'signal'> {
  readonly queue: Queue;
  readonly store: Pick<Store, 'bodyRecords' | 'bodies'>;
  readonly reporter: Reporter;
  /** Takes what was to be here later. */
  readonly here: Pick<Here, 'deliver'>;
  readonly signer: Signer;
  readonly record: RecordOutcomes;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** Hears of every outcome, for the counters. */
  readonly onOutcome?: (outcome: RecipientOutcome) => void;
}

/** Hears where something has been queued: a report for a sender elsewhere. */
export type OnQueued = (destinations: readonly string[]) => void;

type Tried = NonNullable<Settled['attempt']>;
/** False: it could not be noted, and everything is as it was. `none can be`: nor can anything of other messages. */
export type Noted = boolean | 'none can be';

/** Between two tries to note what became of a message. */
const NOTE_AGAIN: Milliseconds = 1_000;
/** Messages that are over, or late, looked at in a turn. */
const OVERDUE_A_TURN = 100;
/** A message up to this size is read once, for its signature and for the peer; a larger one goes through in pieces, twice. */
const READ_ONCE_BYTES = 262_144;
const NOTHING = Buffer.alloc(0);
const CLOSING = 421;
const OUR_FAULT: PeerReply = { reply: 451, status: '4.3.0', text: 'something went wrong on this server' };
const NOT_TRIED: PeerReply = { reply: 451, status: '4.4.7', text: 'it could not be delivered in time' };

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #onQueued: OnQueued;
  /** Aborted: what is under way is cut off. */
  readonly #cut = new AbortController();
  #stopping = false;

  constructor(options: AttemptsOptions, onQueued: OnQueued) {
    this.#options = options;
    this.#onQueued = onQueued;
    setMaxListeners(0, this.#cut.signal); // one for each connection
  }

  /** What can't be noted now is not waited for any longer. */
  stop(): void {
    this.#stopping = true;
  }

  /** What is under way ends at once; it is tried again after the next start. */
  cut(): void {
    this.#cut.abort();
  }

  /**
   * A connection for this message.
   * @param doesWithout  asked when none can be had for now: true when others serve the destination, which then is not put off
   * @returns undefined when there is none: what that means is settled
   */
  async reach(destination: string, batch: QueuedBatch, doesWithout: () => boolean): Promise<Reached | undefined> {
    const { requireTls, waiveTls } = batch.message.options;
    const wish = requireTls ? 'required' : waiveTls ? 'waived' : 'usual';
    try {
      return await reach(destination, wish, { ...this.#options, signal: this.#cut.signal });
    } catch (error) {
      // What is wished for one message says nothing of others.
      const isOnlyNow = wish === 'usual' && (saidOf(error)?.reply ?? 500) < 500;
      if (this.#cut.signal.aborted || (isOnlyNow && doesWithout())) return undefined;
      await this.#notReached(destination, batch, error);
      return undefined;
    }
  }

  /** Gives the message to a peer. Who is neither taken nor put off is still due, and the message is read again for them. */
  async give(destination: string, batch: QueuedBatch, reached: Reached): Promise<void> {
    let outcomes: RecipientOutcome[];
    try {
      const results = await this.#send(batch, reached.peer);
      outcomes = batch.recipients.map((recipient, at) => outcomeOf(recipient, results[at]!, reached));
    } catch (error) {
      outcomes = this.#notSent(batch, error);
    }
    // Cut off by us: what the peer has not said is as if it had not been tried.
    if (this.#cut.signal.aborted) outcomes = outcomes.filter(({ kind }) => kind !== 'deferred');
    if (hadEnough(reached, outcomes)) return;
    outcomes = withoutTooMany(outcomes);
    if (outcomes.length > 0) await this.#settle(batch, outcomes, { destination, contact: { reached: true } });
  }

  /** Gives the message to people here, whose time for it has come. */
  async giveHere(batch: QueuedBatch): Promise<void> {
    let outcomes: RecipientOutcome[];
    try {
      const { sizeBytes, read } = await this.#bytesOf(batch);
      const { message, recipients } = batch;
      outcomes = await this.#options.here.deliver(message, recipients, sizeBytes, () => read(NOTHING));
    } catch (error) {
      outcomes = this.#notSent(batch, error);
    }
    await this.#settle(batch, outcomes, { destination: HERE, contact: { reached: true } });
  }

  /**
   * Those whose time is over fail; of those that wait for long their senders are told. Whatever their destinations do.
   * @param unlessTried  settles a message while no connection can take it; undefined when one has it: then its end is near
   * @returns whether there may be more of them
   */
  async settleOverdue(
    unlessTried: (id: QueueId, settle: () => Promise<Noted>) => Promise<Noted | undefined>,
  ): Promise<boolean> {
    const { expired, late } = await this.#options.queue.overdue(OVERDUE_A_TURN);
    const over = new Set(expired);
    const all = [...expired, ...late.filter((id) => !over.has(id))];
    let someSettled = false;
    for (const id of all) {
      const settled = await unlessTried(id, () => this.#settleLate(id, over.has(id) ? 'failed' : 'delayed'));
      if (settled === 'none can be' || this.#stopping) return false;
      someSettled ||= settled === true;
    }
    return someSettled && Math.max(expired.length, late.length) === OVERDUE_A_TURN;
  }

  async #settleLate(id: QueueId, kind: 'failed' | 'delayed'): Promise<Noted> {
    const batch = await this.#options.queue.message(id);
    if (batch === undefined) return true;
    // For those that are held the time does not run: what an administrator holds is not given up meanwhile.
    const waiting = batch.recipients.filter(({ state }) => state === 'waiting');
    const outcomes = waiting.map((recipient): RecipientOutcome => {
      const { said, peer } = recalled(recipient.reply) ?? { said: NOT_TRIED, peer: '' };
      return { recipient, kind, said, peer, relaysNotices: false, unasked: true };
    });
    return this.#settle(batch, outcomes);
  }

  async #send(batch: QueuedBatch, peer: Peer) {
    const { message, recipients } = batch;
    const { signature, sizeBytes, read } = await this.#opened(batch);
    const [{ notify, original }] = recipients as [QueuedRecipient];
    const addresses = recipients.map(({ address }) => address);
    const { sender, options } = message;
    return peer.send({ sender, recipients: addresses, sizeBytes, options, notify, original }, () => read(signature));
  }

  /** What becomes of a message that could not even be read, or signed. */
  #notSent({ message, recipients }: QueuedBatch, error: unknown): RecipientOutcome[] {
    if (error instanceof Refused) {
      // Its bytes can't be read: nobody gets others instead, and it waits for somebody who looks after it.
      this.#options.log.error({ queue: message.id, err: error }, 'a message in the queue can not be read; it is held');
      return sameForAll(recipients, 'held', { reply: 451, status: '4.3.0', text: error.message });
    }
    this.#options.onInternalError(error);
    return sameForAll(recipients, 'deferred', OUR_FAULT);
  }

  /** The message as it leaves: what signs it, and its bytes behind that. @throws Refused `message.gone`, `message.damaged` */
  async #opened(batch: QueuedBatch) {
    const { sizeBytes, read } = await this.#bytesOf(batch);
    const signature = await this.#options.signer.sign(batch.message, () => read(NOTHING));
    return { signature, sizeBytes: signature.length + sizeBytes, read };
  }

  /** The bytes of a message, its own header lines with them. @throws Refused `message.gone`, `message.damaged` */
  async #bytesOf({ message }: QueuedBatch) {
    const { store } = this.#options;
    const { account, email, prefix } = message;
    const [record] = await store.bodyRecords(account, [email]);
    if (record === undefined) throw new Refused('message.gone', 'The message is not there any more.');
    const { body } = record;
    const chunks = () => store.bodies.chunks(account, record.email, body);
    const whole = body.length <= READ_ONCE_BYTES ? await Array.fromAsync(chunks()) : undefined;
    async function* read(before: Buffer): AsyncGenerator<Buffer, void, void> {
      if (before.length + prefix.length > 0) yield Buffer.concat([before, prefix]);
      yield* whole ?? chunks();
    }
    return { sizeBytes: prefix.length + body.length, read };
  }

  async #notReached(destination: string, batch: QueuedBatch, error: unknown): Promise<void> {
    const { queue, onInternalError, random } = this.#options;
    const known = saidOf(error);
    if (known === undefined) onInternalError(error);
    const said = known ?? OUR_FAULT; // put off like others: what is wrong with us is not tried again and again at once
    const failed = said.reply >= 500;
    const peer = error instanceof Unreachable ? error.peer : '';
    const outcomes = sameForAll(batch.recipients, failed ? 'failed' : 'deferred', said, peer);
    const notBefore = nextAttempt(nowSeconds(), (await queue.failures(destination)) + 1, random());
    const contact: Contact = failed ? { reached: true } : { reached: false, notBefore };
    await this.#settle(batch, outcomes, { destination, contact });
  }

  /** @param tried  absent: nobody was asked */
  async #settle(batch: QueuedBatch, all: readonly RecipientOutcome[], tried?: Tried): Promise<Noted> {
    const { log, onOutcome, onInternalError } = this.#options;
    const { message } = batch;
    let [outcomes, wasChanged] = [all, false];
    for (let isFirst = true; ; isFirst = false) {
      try {
        if (wasChanged) outcomes = await this.#stillTrue(message, outcomes);
        if (outcomes.length === 0) return true;
        const noted = await this.#note(message, outcomes, wasChanged && tried ? afterChange(tried) : tried);
        log.info({ queue: message.id, destination: tried?.destination, ...summaryOf(noted) }, 'mail that leaves');
        for (const outcome of noted) onOutcome?.(outcome);
        return true;
      } catch (error) {
        if (error instanceof Refused && error.code === 'queue.changed') {
          wasChanged = true;
          continue;
        }
        if (!(error instanceof Refused)) onInternalError(error);
        else if (isFirst) log.error({ queue: message.id, err: error }, 'what became of a message can not be noted now');
        // Dies here, or stops: what the peer took is sent again. Until it is noted nobody else tries it: the message is busy.
        if (this.#stopping || tried === undefined) return isOfStore(error) ? 'none can be' : false;
        await wait(NOTE_AGAIN, undefined, { ref: false });
      }
    }
  }

  /** What a peer took is taken. Who was held, sent another way or told to be tried again meanwhile waits as he does now, whatever else was said of him. */
  async #stillTrue(message: QueuedMessage, outcomes: readonly RecipientOutcome[]): Promise<RecipientOutcome[]> {
    const recipients = outcomes.map(({ recipient }) => recipient);
    const same = new Set(await this.#options.queue.asTheyWere({ message, recipients }));
    return outcomes.filter(({ kind, recipient }) => kind === 'sent' || same.has(recipient));
  }

  /** Notes what became of recipients, durably, with the report to the sender if there is to be one. @returns what was noted */
  async #note(
    message: QueuedMessage,
    outcomes: readonly RecipientOutcome[],
    tried?: Tried,
  ): Promise<readonly RecipientOutcome[]> {
    const { queue, reporter, record, random, log } = this.#options;
    const now = nowSeconds();
    let noted = outcomes;
    let report: Report | undefined;
    try {
      report = await reporter.report(message, outcomes);
    } catch (error) {
      if (!(error instanceof Refused) || tried === undefined) throw error;
      log.error({ queue: message.id, err: error }, 'the sender can not be told now; who failed is tried again');
      noted = untold(outcomes);
    }
    const settlements = noted.flatMap((outcome) => settlementOf(outcome, now, random()));
    const warned = noted.some(({ kind }) => kind === 'delayed') ? { warned: true as const } : {};
    const recipients = noted.map(({ recipient }) => recipient);
    await queue.settle(
      { message, recipients },
      { settlements, report, ...warned, ...(tried && { attempt: tried }) },
      (tx) => record(tx, message, noted.map(withLine)),
    );
    const queued = report?.outbound.flatMap(({ recipients }) => recipients.map(({ destination }) => destination)) ?? [];
    if (queued.length > 0) this.#onQueued(queued);
    return noted;
  }
}

/** That a destination was not reached puts nobody off whom an administrator has told to be tried again since. */
function afterChange({ destination, contact }: Tried): Tried {
  return { destination, contact: contact?.reached === true ? contact : undefined };
}

function isOfStore(error: unknown): boolean {
  return error instanceof Refused && error.code.startsWith('store.');
}

/** RFC 5321 3.8: it took others over this connection, and has closed it: many servers take only so many, and this one by the next. */
function hadEnough({ peer }: Reached, outcomes: readonly RecipientOutcome[]): boolean {
  return peer.sent > 1 && outcomes.every(({ said }) => said.reply === CLOSING);
}

/** RFC 5321 4.5.3.1.10: whom a server does not take with so many others it takes next. */
function withoutTooMany(outcomes: RecipientOutcome[]): RecipientOutcome[] {
  if (!outcomes.some(({ kind }) => kind === 'sent')) return outcomes;
  return outcomes.filter(({ said: { reply, status } }) => !(reply === 452 && (status === '' || status === '4.5.3')));
}
