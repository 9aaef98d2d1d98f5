/**
 * Sends what is in the queue.
 *
 * Invariants
 * - What waits is in the database alone: a hundred thousand messages cost no more memory than a hundred. In memory is what is being tried.
 * - A message is tried once at a time at a destination; connections are bounded for each destination and in all.
 * - Once the peer has said 250 the recipient is settled in one transaction. Dies between the two: it is sent again (RFC 5321 4.5.5 leaves no
 *   other way), and that window is the time of one commit. A transaction that fails is made again, and until then nobody sends the message.
 * - Destinations that are due have connections in turn: a long queue for some of them holds up nobody who waits for others.
 */
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { HERE } from '../delivery/types.ts';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import { type Milliseconds, nowSeconds, type QueueId } from '../store/ids.ts';
import type { Contact, Queue, QueuedBatch, QueuedRecipient } from '../store/queue.ts';
import type { Here } from './here.ts';
import { outcomeOf, saidOf, settlementOf, summaryOf, withoutPeer } from './outcomes.ts';
import type { Peer, PeerReply } from './peer.ts';
import { type Reached, type ReachOptions, reach } from './reach.ts';
import { nextAttempt } from './retry.ts';
import { SpareConnections } from './spare.ts';
import { Turns } from './turns.ts';
import type { RecipientOutcome, RecordOutcomes, Reporter, Signer } from './types.ts';

export interface DispatcherOptions extends Omit<ReachOptions, 'signal'> {
  readonly queue: Queue;
  readonly store: Pick<Store, 'bodyRecords' | 'bodyChunks'>;
  /** Connections to one destination, and in all. */
  readonly byDestination: number;
  readonly connections: number;
  readonly reporter: Reporter;
  /** Takes what was to be here later. */
  readonly here: Pick<Here, 'deliver'>;
  readonly signer: Signer;
  readonly record: RecordOutcomes;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** For tests: how long a connection waits for the next message. */
  readonly spareFor?: Milliseconds;
  /** Hears of every outcome, for the counters. */
  readonly onOutcome?: (outcome: RecipientOutcome) => void;
}

/** However quiet it is, the queue is looked at so often. */
const LOOK_EVERY: Milliseconds = 60_000;
/** Messages for one connection: then another begins, at another host perhaps. */
const MESSAGES_A_CONNECTION = 100;
/** A connection with nothing more to send waits so long for the next message; no server ends one so soon. */
const SPARE_FOR: Milliseconds = 2_000;
/** Where others wait for a connection, one is given up to them after so many. */
const MESSAGES_A_TURN = 10;
/** Destinations that are looked at for the one whose turn it is. */
const DESTINATIONS_A_LOOK = 1_000;
/** Between two tries to note what became of a message. */
const NOTE_AGAIN: Milliseconds = 1_000;
/** What is cut off has so long to come to its end. */
const CUT_WITHIN: Milliseconds = 5_000;
/** Messages that are over, or late, looked at in a turn. */
const OVERDUE_A_TURN = 100;
/** A message up to this size is read once, for its signature and for the peer; a larger one goes through in pieces, twice. */
const READ_ONCE_BYTES = 262_144;
const NOTHING = Buffer.alloc(0);
const OUR_FAULT: PeerReply = { reply: 451, status: '4.3.0', text: 'something went wrong on this server' };
const NOT_TRIED: PeerReply = { reply: 451, status: '4.4.7', text: 'it could not be delivered in time' };

export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Messages that are being tried, by destination; one connection each. */
  readonly #busy = new Map<string, Set<QueueId>>();
  readonly #running = new Set<Promise<void>>();
  readonly #turns = new Turns();
  readonly #spare = new SpareConnections();
  /** Destinations that have a connection, and where nothing more is due: they are not looked at again for every message that leaves. */
  readonly #drained = new Set<string>();
  #wakes = 0;
  /** Aborted: what is under way is cut off. */
  readonly #cut = new AbortController();
  /** More destinations are due than there are connections. */
  #crowded = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  #again = false;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    setMaxListeners(0, this.#cut.signal); // one for each connection
  }

  /**
   * Something was queued, released or changed: looks what is due. Cheap, and safe to call at any time.
   * @param destinations  where alone something has changed; absent: anywhere
   */
  wake(destinations?: Iterable<string>): void {
    this.#wakes++;
    if (destinations === undefined) this.#drained.clear();
    else for (const destination of destinations) this.#drained.delete(destination);
    this.#wakeUp();
  }

  #wakeUp(): void {
    if (this.#stopping) return;
    this.#again = true;
    this.#turn ??= this.#look()
      .catch((error: unknown) => this.#options.onInternalError(error))
      .finally(() => {
        this.#turn = undefined;
        if (this.#again) this.#wakeUp();
      });
  }

  /** Messages that are being tried now. */
  get trying(): number {
    return this.#running.size;
  }

  /** Begins nothing new and waits for what is under way, but no longer than `within`: then it is cut off, and tried again after the next start. */
  async stop(within: Milliseconds): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#spare.dismissAll();
    await this.#turn;
    if (!(await this.#ended(within))) {
      this.#cut.abort();
      await this.#ended(CUT_WITHIN);
    }
  }

  /** @returns false when something was under way for longer */
  async #ended(within: Milliseconds): Promise<boolean> {
    const late = new AbortController();
    try {
      const ended = Promise.all(this.#running).then(() => true);
      return await Promise.race([ended, wait(within, false, { ref: false, signal: late.signal })]);
    } finally {
      late.abort();
    }
  }

  async #look(): Promise<void> {
    while (this.#again && !this.#stopping) {
      this.#again = false;
      await this.#settleOverdue();
      await this.#start();
    }
    if (this.#stopping) return;
    const due = await this.#options.queue.nextDue();
    const inTime = due === undefined ? LOOK_EVERY : (due - nowSeconds()) * 1_000;
    clearTimeout(this.#timer);
    // What is due now waits for a connection that is free, which wakes us.
    this.#timer = setTimeout(() => this.wake(), inTime <= 0 ? LOOK_EVERY : Math.min(LOOK_EVERY, inTime)).unref();
  }

  /** Begins connections to destinations that are due, as many as there may be. */
  async #start(): Promise<void> {
    const { queue, byDestination } = this.#options;
    const due = this.#turns.inOrder(await queue.destinationsDue(DESTINATIONS_A_LOOK));
    this.#crowded = false;
    // Who serves a drained one takes what comes. A first connection for each, then a second: what there is goes to as many as it can.
    let left = due.filter((destination) => !(this.#busy.has(destination) && this.#drained.has(destination)));
    for (let most = 1; most <= byDestination && left.length > 0; most++) {
      const more: string[] = [];
      for (const destination of left) {
        const open = this.#busy.get(destination)?.size ?? 0;
        if (open >= most || (await this.#begin(destination))) more.push(destination);
      }
      left = more;
    }
  }

  /** One more connection to a destination. @returns false when nothing more waits for it, or there is no place */
  async #begin(destination: string): Promise<boolean> {
    const isFull = () => this.#running.size >= this.#options.connections;
    if (isFull() && !this.#spare.has(destination)) {
      this.#spare.dismissOne(); // which wakes us
      this.#crowded ||= !this.#busy.has(destination);
      return false;
    }
    const wakes = this.#wakes;
    const batch = this.#stopping ? undefined : await this.#take(destination);
    if (batch === undefined && wakes === this.#wakes) this.#drained.add(destination);
    if (batch === undefined) return false;
    this.#turns.had(destination);
    if (this.#spare.give(destination, batch)) return true;
    if (isFull() || this.#stopping) {
      this.#release(destination, batch.message.id); // the one that waited has just left
      return false;
    }
    const run = this.#serve(destination, batch)
      .catch((error: unknown) => this.#options.onInternalError(error))
      .finally(() => {
        this.#running.delete(run);
        this.#wakeUp();
      });
    this.#running.add(run);
    return true;
  }

  /** The next message for a destination, which is nobody else's from now on. */
  async #take(destination: string): Promise<QueuedBatch | undefined> {
    for (;;) {
      const busy = this.#busy.get(destination) ?? new Set();
      const batch = await this.#options.queue.nextBatch(destination, busy);
      if (batch === undefined || batch.recipients.length === 0) return undefined;
      const now = this.#busy.get(destination) ?? new Set();
      if (now.has(batch.message.id)) continue; // another connection took it meanwhile
      this.#busy.set(destination, now.add(batch.message.id));
      return batch;
    }
  }

  #release(destination: string, id: QueueId): void {
    const busy = this.#busy.get(destination);
    busy?.delete(id);
    if (busy?.size === 0) {
      this.#busy.delete(destination);
      this.#drained.delete(destination);
    }
  }

  /** One connection to a destination, for this message and those that follow. */
  async #serve(destination: string, first: QueuedBatch): Promise<void> {
    let reached: Reached | undefined;
    let batch: QueuedBatch | undefined = first;
    try {
      for (let served = 1; batch !== undefined; served++) {
        const { message } = batch;
        try {
          if (reached !== undefined && !fits(reached, batch)) {
            reached.peer.quit();
            reached = undefined;
          }
          if (destination === HERE) await this.#giveHere(batch);
          else {
            reached ??= await this.#reach(destination, batch);
            if (reached === undefined) return;
            await this.#give(destination, batch, reached);
          }
        } finally {
          this.#release(destination, message.id);
        }
        if (this.#stopping || (this.#crowded && served >= MESSAGES_A_TURN)) return;
        batch = await this.#take(destination);
        if (batch === undefined && reached !== undefined && !this.#crowded && !this.#stopping) {
          batch = await this.#spare.wait(destination, this.#options.spareFor ?? SPARE_FOR);
        }
      }
    } finally {
      reached?.peer.quit();
    }
  }

  /** @returns undefined when it can't be reached now: what that means is settled */
  async #reach(destination: string, batch: QueuedBatch): Promise<Reached | undefined> {
    const { requireTls, waiveTls } = batch.message.options;
    const wish = requireTls ? 'required' : waiveTls ? 'waived' : 'usual';
    try {
      return await reach(destination, wish, { ...this.#options, signal: this.#cut.signal });
    } catch (error) {
      if (!this.#cut.signal.aborted) await this.#notReached(destination, batch, error);
      return undefined;
    }
  }

  async #give(destination: string, batch: QueuedBatch, reached: Reached): Promise<void> {
    const { recipients } = batch;
    let outcomes: RecipientOutcome[];
    try {
      const results = await this.#send(batch, reached.peer);
      outcomes = recipients.map((recipient, at) => outcomeOf(recipient, results[at]!, reached));
    } catch (error) {
      outcomes = this.#notSent(batch, error);
    }
    // Cut off by us: what the peer has not said is as if it had not been tried.
    if (this.#cut.signal.aborted) outcomes = outcomes.filter(({ kind }) => kind !== 'deferred');
    if (outcomes.length > 0) await this.#settle(batch, outcomes, { destination, contact: { reached: true } });
  }

  async #giveHere(batch: QueuedBatch): Promise<void> {
    const { message, recipients } = batch;
    const outcomes: RecipientOutcome[] = [];
    for (const recipient of recipients) {
      try {
        const { sizeBytes, read } = await this.#bytesOf(batch);
        outcomes.push(await this.#options.here.deliver(message, recipient, sizeBytes, () => read(NOTHING)));
      } catch (error) {
        outcomes.push(...this.#notSent({ message, recipients: [recipient] }, error));
      }
    }
    await this.#settle(batch, outcomes, { destination: HERE, contact: { reached: true } });
  }

  async #send(batch: QueuedBatch, peer: Peer) {
    const { message, recipients } = batch;
    const { signature, sizeBytes, read } = await this.#opened(batch);
    const [{ notify, original }] = recipients as [QueuedRecipient];
    const addresses = recipients.map(({ address }) => address);
    const { sender, options } = message;
    return peer.send({ sender, recipients: addresses, sizeBytes, options, notify, original }, () =>
      Readable.from(read(signature)),
    );
  }

  /** What becomes of a message that could not even be read, or signed. */
  #notSent({ message, recipients }: QueuedBatch, error: unknown): RecipientOutcome[] {
    if (error instanceof Refused) {
      // Its bytes can't be read: nobody gets others instead, and it waits for somebody who looks after it.
      this.#options.log.error({ queue: message.id, err: error }, 'a message in the queue can not be read; it is held');
      return withoutPeer(recipients, 'held', { reply: 451, status: '4.3.0', text: error.message });
    }
    this.#options.onInternalError(error);
    return withoutPeer(recipients, 'deferred', OUR_FAULT);
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
    const chunks = () => store.bodyChunks(account, record.email, body);
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
    const outcomes = withoutPeer(batch.recipients, failed ? 'failed' : 'deferred', said);
    const notBefore = nextAttempt(nowSeconds(), (await queue.failures(destination)) + 1, random());
    const contact: Contact = failed ? { reached: true } : { reached: false, notBefore };
    await this.#settle(batch, outcomes, { destination, contact });
  }

  /** Those whose time is over fail; of those that wait for long their senders are told. Whatever their destinations do. */
  async #settleOverdue(): Promise<void> {
    const { expired, late } = await this.#options.queue.overdue(OVERDUE_A_TURN);
    for (const id of expired) await this.#settleLate(id, 'failed');
    for (const id of late) if (!expired.includes(id)) await this.#settleLate(id, 'delayed');
  }

  async #settleLate(id: QueueId, kind: 'failed' | 'delayed'): Promise<void> {
    if ([...this.#busy.values()].some((busy) => busy.has(id))) return; // it is just being tried
    const batch = await this.#options.queue.message(id);
    if (batch === undefined) return;
    // For those that are held the time does not run: what an administrator holds is not given up meanwhile.
    const waiting = batch.recipients.filter(({ state }) => state === 'waiting');
    const outcomes = waiting.flatMap((recipient) => {
      const text = recipient.reply === '' ? NOT_TRIED.text : recipient.reply;
      return withoutPeer([recipient], kind, { ...NOT_TRIED, text });
    });
    await this.#settle(batch, outcomes);
  }

  async #settle(
    batch: QueuedBatch,
    outcomes: readonly RecipientOutcome[],
    attempt?: { readonly destination: string; readonly contact: Contact },
  ): Promise<void> {
    const { log, onOutcome } = this.#options;
    for (;;) {
      try {
        await this.#note(batch, outcomes, attempt);
        break;
      } catch (error) {
        // Dies here, or stops: what the peer took is sent again. Until it is noted nobody else tries it: the message is busy.
        this.#options.onInternalError(error);
        if (this.#stopping) return;
        await wait(NOTE_AGAIN, undefined, { ref: false });
      }
    }
    log.info(
      { queue: batch.message.id, destination: attempt?.destination, ...summaryOf(outcomes) },
      'mail that leaves',
    );
    for (const outcome of outcomes) onOutcome?.(outcome);
  }

  /** Notes what became of recipients, durably, with the report to the sender if there is to be one. */
  async #note(
    batch: QueuedBatch,
    outcomes: readonly RecipientOutcome[],
    attempt?: { readonly destination: string; readonly contact: Contact },
  ): Promise<void> {
    const { queue, reporter, record, random } = this.#options;
    const { message } = batch;
    const now = nowSeconds();
    const settlements = outcomes.flatMap((outcome) => settlementOf(outcome, now, random()));
    const report = await reporter.report(message, outcomes);
    const warned = outcomes.some(({ kind }) => kind === 'delayed') ? { warned: true as const } : {};
    await queue.settle(batch, { settlements, report, ...warned, ...(attempt && { attempt }) }, (tx) =>
      record(tx, message, outcomes),
    );
  }
}

/**
 * A connection serves the next message, too, while it is well and not used up. What needs TLS begins one of its own; so does what follows a message
 * that did without.
 */
function fits({ peer, alone }: Reached, { message }: QueuedBatch): boolean {
  return !peer.over && !alone && peer.sent < MESSAGES_A_CONNECTION && message.options.requireTls !== true;
}
