/**
 * Sends what is in the queue.
 *
 * Invariants
 * - What waits is in the database alone: a hundred thousand messages cost no more memory than a hundred. In memory is what is being tried.
 * - A message is tried once at a time at a destination; connections are bounded for each destination and in all.
 * - Once the peer has said 250 the recipient is settled in one transaction. Dies between the two: it is sent again (RFC 5321 4.5.5 leaves no
 *   other way), and that window is the time of one commit.
 */
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds, type QueueId } from '../store/ids.ts';
import type { Contact, Queue, QueuedBatch, QueuedRecipient, Settlement } from '../store/queue.ts';
import { NoSuchDestination } from './hosts.ts';
import { type Peer, type PeerReply, type RecipientResult, Unreachable } from './peer.ts';
import { type Reached, type ReachOptions, reach } from './reach.ts';
import { nextAttempt } from './retry.ts';
import type { RecipientOutcome, RecordOutcomes, Reporter, Signer } from './types.ts';

export interface DispatcherOptions extends ReachOptions {
  readonly queue: Queue;
  readonly store: Pick<Store, 'bodyRecords' | 'bodyChunks'>;
  /** Connections to one destination, and in all. */
  readonly byDestination: number;
  readonly connections: number;
  readonly reporter: Reporter;
  readonly signer: Signer;
  readonly record: RecordOutcomes;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** Hears of every outcome, for the counters. */
  readonly onOutcome?: (outcome: RecipientOutcome) => void;
}

/** However quiet it is, the queue is looked at so often. */
const LOOK_EVERY: Milliseconds = 60_000;
/** Messages for one connection: then another begins, at another host perhaps. */
const MESSAGES_A_CONNECTION = 100;
/** Messages that are over, or late, looked at in a turn. */
const OVERDUE_A_TURN = 100;
const NOT_TRIED: PeerReply = { reply: 451, status: '4.4.7', text: 'it could not be delivered in time' };

export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Messages that are being tried, by destination; one connection each. */
  readonly #busy = new Map<string, Set<QueueId>>();
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  #again = false;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Something was queued, released or changed: looks what is due. Cheap, and safe to call at any time. */
  wake(): void {
    if (this.#stopping) return;
    this.#again = true;
    this.#turn ??= this.#turns()
      .catch((error: unknown) => this.#options.onInternalError(error))
      .finally(() => {
        this.#turn = undefined;
        if (this.#again) this.wake();
      });
  }

  /** Messages that are being tried now. */
  get trying(): number {
    return this.#running.size;
  }

  /** Begins nothing new and waits for what is under way, but no longer than `within`: what is not settled then is tried again. */
  async stop(within: Milliseconds): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#turn;
    await Promise.race([Promise.all(this.#running), wait(within, undefined, { ref: false })]);
  }

  async #turns(): Promise<void> {
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
    const { queue, connections, byDestination } = this.#options;
    const room = () => connections - this.#running.size;
    if (room() <= 0) return;
    for (const destination of await queue.destinationsDue(this.#busy.size + room())) {
      while (room() > 0 && (this.#busy.get(destination)?.size ?? 0) < byDestination) {
        const batch = await this.#take(destination);
        if (batch === undefined || this.#stopping) break;
        const run = this.#serve(destination, batch)
          .catch((error: unknown) => this.#options.onInternalError(error))
          .finally(() => {
            this.#running.delete(run);
            this.wake();
          });
        this.#running.add(run);
      }
    }
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
    if (busy?.size === 0) this.#busy.delete(destination);
  }

  /** One connection to a destination, for this message and those that follow. */
  async #serve(destination: string, first: QueuedBatch): Promise<void> {
    let reached: Reached | undefined;
    let batch: QueuedBatch | undefined = first;
    try {
      while (batch !== undefined) {
        const { message } = batch;
        try {
          if (reached !== undefined && !fits(reached.peer, batch)) {
            reached.peer.quit();
            reached = undefined;
          }
          reached ??= await reach(destination, message.options.requireTls ?? false, this.#options);
          await this.#give(destination, batch, reached);
        } catch (error) {
          await this.#notReached(destination, batch, error);
          return;
        } finally {
          this.#release(destination, message.id);
        }
        batch = this.#stopping ? undefined : await this.#take(destination);
      }
    } finally {
      reached?.peer.quit();
    }
  }

  async #give(destination: string, batch: QueuedBatch, reached: Reached): Promise<void> {
    const { message, recipients } = batch;
    const { peer } = reached;
    let outcomes: RecipientOutcome[];
    try {
      const { signature, sizeBytes, read } = await this.#opened(batch);
      const [{ notify, original }] = recipients as [QueuedRecipient];
      const addresses = recipients.map(({ address }) => address);
      const { sender, options } = message;
      const results = await peer.send({ sender, recipients: addresses, sizeBytes, options, notify, original }, () =>
        Readable.from(read(signature)),
      );
      outcomes = recipients.map((recipient, at) => outcomeOf(recipient, results[at]!, reached));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Its bytes can't be read: nobody gets others instead, and it waits for somebody who looks after it.
      this.#options.log.error({ queue: message.id, err: error }, 'a message in the queue can not be read; it is held');
      const said = { reply: 451, status: '4.3.0', text: error.message };
      outcomes = recipients.map((recipient) => ({ recipient, kind: 'held', said, peer: '', relaysNotices: false }));
    }
    await this.#settle(batch, outcomes, { destination, contact: { reached: true } });
  }

  /** The message as it leaves: what signs it, its own header lines, its bytes. @throws Refused `message.gone`, `message.damaged` */
  async #opened({ message }: QueuedBatch) {
    const { store, signer } = this.#options;
    const { account, email, prefix } = message;
    const [record] = await store.bodyRecords(account, [email]);
    if (record === undefined) throw new Refused('message.gone', 'The message is not there any more.');
    async function* read(before: Buffer): AsyncGenerator<Buffer, void, void> {
      if (before.length + prefix.length > 0) yield Buffer.concat([before, prefix]);
      yield* store.bodyChunks(account, record!.email, record!.body);
    }
    const signature = await signer.sign(message, () => read(Buffer.alloc(0)));
    return { signature, sizeBytes: signature.length + prefix.length + record.body.length, read };
  }

  async #notReached(destination: string, batch: QueuedBatch, error: unknown): Promise<void> {
    const { queue, log, random } = this.#options;
    const said = saidOf(error);
    if (said === undefined) throw error;
    log.info({ destination, reply: said.reply, text: said.text }, 'a destination was not reached');
    const kind = said.reply >= 500 ? 'failed' : 'deferred';
    const outcomes = batch.recipients.map(
      (recipient): RecipientOutcome => ({ recipient, kind, said, peer: '', relaysNotices: false }),
    );
    const notBefore = nextAttempt(nowSeconds(), (await queue.failures(destination)) + 1, random());
    const contact: Contact = kind === 'failed' ? { reached: true } : { reached: false, notBefore };
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
    const outcomes = batch.recipients.map((recipient): RecipientOutcome => {
      const text = recipient.reply === '' ? NOT_TRIED.text : recipient.reply;
      return { recipient, kind, said: { ...NOT_TRIED, text }, peer: '', relaysNotices: false };
    });
    await this.#settle(batch, outcomes);
  }

  async #settle(
    batch: QueuedBatch,
    outcomes: readonly RecipientOutcome[],
    attempt?: { readonly destination: string; readonly contact: Contact },
  ): Promise<void> {
    const { queue, reporter, record, random, onOutcome } = this.#options;
    const { message } = batch;
    const now = nowSeconds();
    const settlements = outcomes.flatMap((outcome) => settlementOf(outcome, now, random()));
    const report = await reporter.report(message, outcomes);
    const warned = outcomes.some(({ kind }) => kind === 'delayed') ? { warned: true as const } : {};
    await queue.settle(batch, { settlements, report, ...warned, ...(attempt && { attempt }) }, (tx) =>
      record(tx, message, outcomes),
    );
    for (const outcome of outcomes) onOutcome?.(outcome);
  }
}

/** A connection serves the next message, too, while it is well and not used up. What needs TLS begins one of its own. */
function fits(peer: Peer, { message }: QueuedBatch): boolean {
  return !peer.over && peer.sent < MESSAGES_A_CONNECTION && message.options.requireTls !== true;
}

function outcomeOf(
  recipient: QueuedRecipient,
  { reply, status, text }: RecipientResult,
  { peer, name, tls }: Reached,
): RecipientOutcome {
  const kind = reply < 300 ? 'sent' : reply >= 500 ? 'failed' : 'deferred';
  return { recipient, kind, said: { reply, status, text }, peer: name, relaysNotices: peer.relaysNotices, tls };
}

function settlementOf({ recipient, kind, said }: RecipientOutcome, now: EpochSeconds, random: number): Settlement[] {
  const { number, attempts } = recipient;
  switch (kind) {
    case 'sent':
    case 'failed':
      return [{ number, end: kind }];
    case 'held':
      return [{ number, held: true, reply: said.text }];
    case 'deferred':
      return [
        { number, due: nextAttempt(now, attempts + 1, random), reply: `${said.reply} ${said.status} ${said.text}` },
      ];
    case 'delayed':
      return [];
  }
}

/** What an error that is nobody's fault here says; undefined: it is ours. */
function saidOf(error: unknown): PeerReply | undefined {
  if (error instanceof Unreachable) return error.said;
  if (error instanceof NoSuchDestination) return { reply: error.reply, status: error.status, text: error.message };
  if (error instanceof Refused && error.code === 'dns.unavailable')
    return { reply: 451, status: '4.4.3', text: error.message };
  return undefined;
}
