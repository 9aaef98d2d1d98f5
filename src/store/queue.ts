/**
 * What is on its way to other servers (operations/queue*.ts): `store.queue`. Messages come in by {@link MailStore.deliver}, in the transaction that
 * files them with the people who are here; whoever sends them asks here what is due, and says what became of it.
 */
import { Refused } from '../errors.ts';
import { type Engine, PAGE_ROWS, type Writer } from './engine/engine.ts';
import { type AccountId, type EpochSeconds, nowSeconds, type QueueId } from './ids.ts';
import { type DeliverArgs, deliver, type PreparedMessage, prepareMessage } from './operations/file-message.ts';
import { noteWarned, type Settlement, settle } from './operations/queue.ts';
import { asTheyWere, rerouteQueued, setQueueState } from './operations/queue-change.ts';
import { bringForward, putOffBeyond } from './operations/queue-clock.ts';
import {
  areDue,
  type Contact,
  destinationsDue,
  failuresOf,
  nextDue,
  reschedule,
} from './operations/queue-destination.ts';
import { nextBatches, overdue } from './operations/queue-due.ts';
import {
  countByDestination,
  type DestinationCount,
  type DestinationState,
  destinationState,
  type QueueEntry,
  type QueuePlace,
  type QueueSize,
  queuePage,
  queueSize,
} from './operations/queue-list.ts';
import { hasten, type OwnPlace, queuedOf, withdraw } from './operations/queue-own.ts';
import { bytesForRoom } from './operations/queue-room.ts';
import { type QueuedBatch, type QueuedRecipient, readQueued } from './operations/queue-row.ts';
import { recordEvent } from './operations/trace.ts';
import type { Trace } from './trace.ts';
import type { StagedMessage } from './types.ts';

export type { Settlement } from './operations/queue.ts';
export type { Contact } from './operations/queue-destination.ts';
export type { DestinationCount, DestinationState, QueueEntry, QueuePlace, QueueSize } from './operations/queue-list.ts';
export { isForLater, type OwnPlace } from './operations/queue-own.ts';
export type { QueuedBatch, QueuedMessage, QueuedRecipient } from './operations/queue-row.ts';

/** A message that tells the sender what became of another. */
export interface Report extends Omit<DeliverArgs, 'now' | 'trace'> {
  readonly message: StagedMessage;
}

/** What became of a message's recipients. */
export interface Settled {
  readonly settlements: readonly Settlement[];
  /** How an attempt at a destination went; without contact: it says nothing of that. */
  readonly attempt?: { readonly destination: string; readonly contact: Contact | undefined };
  /** The sender has been told that it takes long. */
  readonly warned?: true | undefined;
  /** What the sender is told of it. */
  readonly report?: Report | undefined;
}

/** What a person does with their own mail that waits. */
export type OwnChange = 'withdraw' | 'hasten';

/** What an administrator does with a recipient that waits. */
export type QueueChange =
  | { readonly kind: 'hold' | 'release' | 'retry' | 'remove' }
  | { readonly kind: 'reroute'; readonly destination: string };

type Filing = <T>(staged: readonly StagedMessage[], file: (tx: Writer) => Promise<T>) => Promise<T>;

export class Queue {
  readonly #engine: Engine;
  readonly #write: Engine['write'];
  readonly #filing: Filing;
  readonly #trace: Pick<Trace, 'delivering'>;

  /** @param filing  files messages that were staged; their bytes are on the disk before */
  constructor(engine: Engine, write: Engine['write'], trace: Pick<Trace, 'delivering'>, filing: Filing) {
    this.#engine = engine;
    this.#write = write;
    this.#trace = trace;
    this.#filing = filing;
  }

  /** When something becomes due next, after a time; undefined when nothing does. */
  nextDue(after: EpochSeconds): Promise<EpochSeconds | undefined> {
    return this.#engine.read((tx) => nextDue(tx, after));
  }

  /** Destinations to be tried now, the longest due first. */
  destinationsDue(limit: number): Promise<string[]> {
    return this.#engine.read((tx) => destinationsDue(tx, nowSeconds(), limit));
  }

  /** Which of these destinations are to be tried now. */
  areDue(destinations: readonly string[]): Promise<string[]> {
    return this.#engine.read((tx) => areDue(tx, destinations, nowSeconds()));
  }

  /** What is to be tried next at a destination, in this order. @param busy  messages that are being tried there already */
  nextBatches(destination: string, busy: ReadonlySet<QueueId>, most: number): Promise<QueuedBatch[]> {
    return this.#engine.read((tx) => nextBatches(tx, destination, nowSeconds(), busy, most));
  }

  /** How often in a row a destination was not reached. */
  failures(destination: string): Promise<number> {
    return this.#engine.read((tx) => failuresOf(tx, destination));
  }

  /** Messages whose time is over, and those whose senders are to be told that it takes long. */
  overdue(limit: number): Promise<{ readonly expired: readonly QueueId[]; readonly late: readonly QueueId[] }> {
    return this.#engine.read((tx) => overdue(tx, nowSeconds(), limit));
  }

  /**
   * Says what became of recipients, durably: what is settled leaves the queue, and the sender's report is on its way, in one transaction. Who was sent
   * to has left, whatever anybody did with him meanwhile; of the others it must be true still.
   * @param batch  all of whom something is said, as they were when it was read
   * @param record  joins it: the trace
   * @throws Refused `queue.changed` when one of the others does not wait as he did: nothing is done, see {@link asTheyWere}
   */
  async settle(batch: QueuedBatch, settled: Settled, record?: (tx: Writer) => Promise<void>): Promise<void> {
    const { message, recipients } = batch;
    const { id } = message;
    const { settlements, attempt, report, warned } = settled;
    const sent = new Set(
      settlements.filter((each) => 'end' in each && each.end === 'sent').map(({ number }) => number),
    );
    const others = recipients.filter(({ number }) => !sent.has(number));
    const prepared: PreparedMessage | undefined = report && prepareMessage(report.message);
    // A report has one reader: whoever sent what it tells of.
    const trace = this.#trace.delivering({ how: 'server', sender: '', recipients: [{ address: message.sender }] });
    const change = async (tx: Writer): Promise<void> => {
      if ((await asTheyWere(tx, { message, recipients: others })).length < others.length) {
        throw new Refused('queue.changed', 'Somebody has changed meanwhile how this message waits in the queue.');
      }
      if (report !== undefined && prepared !== undefined) {
        const { targets, sent, outbound } = report;
        await deliver(tx, prepared, { targets, sent, outbound, now: nowSeconds(), trace });
      }
      if (warned) await noteWarned(tx, id);
      const waited = await settle(tx, id, settlements);
      for (const destination of waited.union(new Set(recipients.map((each) => each.destination)))) {
        await reschedule(tx, destination, attempt?.destination === destination ? attempt.contact : undefined);
      }
      await record?.(tx);
      if (report !== undefined) await recordEvent(tx, message.trace, 'reported', { queue: id });
    };
    await (report === undefined ? this.#write(change) : this.#filing([report.message], change));
  }

  /** Lets go at once who is put off for longer than anybody is, since the clock was ahead. What is for later (RFC 4865) keeps its time. */
  async bringForward(latest: EpochSeconds): Promise<void> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const from: string = after;
      const { found, last } = await this.#engine.read((tx) => putOffBeyond(tx, from, latest));
      for (const each of found) {
        while (await this.#write((tx) => bringForward(tx, each, latest)));
      }
      after = last;
    }
  }

  /** Those of a batch who wait as it says. */
  asTheyWere(batch: QueuedBatch): Promise<QueuedRecipient[]> {
    return this.#engine.read((tx) => asTheyWere(tx, batch));
  }

  /** How much waits for room in the mailbox of an account: bytes, each message with 64 KB at least. */
  bytesForRoom(account: AccountId): Promise<number> {
    return this.#engine.read((tx) => bytesForRoom(tx, account), account);
  }

  /** One message with all who have not got it yet; undefined when it is gone. */
  message(id: QueueId): Promise<QueuedBatch | undefined> {
    return this.#engine.read((tx) => readQueued(tx, id));
  }

  /** All who wait, in the order in which their mail came, a page at a time. Each page is a snapshot of its own. */
  async *pages(after: QueuePlace = { id: 0 as QueueId, number: 0 }): AsyncGenerator<readonly QueueEntry[], void, void> {
    for (let last = after; ; ) {
      const from = last;
      const page = await this.#engine.read((tx) => queuePage(tx, from, PAGE_ROWS));
      if (page.length > 0) yield page;
      if (page.length < PAGE_ROWS) return;
      last = page.at(-1)!;
    }
  }

  /** Messages that wait of an account, the newest first: what it has sent, and what goes on from it. */
  of(account: AccountId, before: OwnPlace | undefined, limit: number): Promise<OwnPlace[]> {
    return this.#engine.read((tx) => queuedOf(tx, account, before, limit));
  }

  /**
   * Does what its person wants with those of a message's recipients who are meant and still wait, durably, in chunks.
   * @param record  joins each transaction, unless there is nobody: the audit for the first, and the trace
   * @returns those it was done with
   */
  async changeOwn(
    id: QueueId,
    change: OwnChange,
    isMeant: (recipient: QueuedRecipient) => boolean,
    record: (tx: Writer, changed: QueuedBatch, isFirst: boolean) => Promise<void>,
  ): Promise<readonly QueuedRecipient[]> {
    const changed = new Map<number, QueuedRecipient>();
    for (let isMore = true; isMore; ) {
      const isNext = (recipient: QueuedRecipient) => !changed.has(recipient.number) && isMeant(recipient);
      const some = await this.#write(async (tx) => {
        const batch = await readQueued(tx, id);
        const recipients = batch?.recipients.filter(isNext).slice(0, CHANGED_ROWS) ?? [];
        if (batch === undefined || recipients.length === 0) return [];
        if (change === 'withdraw') await withdraw(tx, id, recipients);
        else await hasten(tx, id, recipients, nowSeconds());
        await record(tx, { message: batch.message, recipients }, changed.size === 0);
        return recipients;
      });
      for (const recipient of some) changed.set(recipient.number, recipient);
      isMore = some.length === CHANGED_ROWS;
    }
    return [...changed.values()];
  }

  size(): Promise<QueueSize> {
    return this.#engine.read(queueSize);
  }

  /** The destinations for which most wait. */
  byDestination(limit: number): Promise<DestinationCount[]> {
    return this.#engine.read((tx) => countByDestination(tx, limit));
  }

  /** How it stands with destinations, in their order. */
  destinations(counts: readonly DestinationCount[]): Promise<DestinationState[]> {
    return this.#engine.read(async (tx) => {
      const states: DestinationState[] = [];
      for (const count of counts) states.push(await destinationState(tx, count));
      return states;
    });
  }

  /** Does the same with many who wait, in chunks. @param record  joins each transaction: the audit, or the trace */
  async change(
    entries: readonly QueueEntry[],
    change: QueueChange,
    record: (tx: Writer, chunk: readonly QueueEntry[]) => Promise<void>,
  ): Promise<void> {
    for (let from = 0; from < entries.length; from += CHANGED_ROWS) {
      const chunk = entries.slice(from, from + CHANGED_ROWS);
      await this.#write(async (tx) => {
        for (const entry of chunk) await changeOne(tx, entry, change);
        await record(tx, chunk);
      });
    }
  }
}

/** Each touches several rows, those of its destination too. */
const CHANGED_ROWS = 100;

async function changeOne(tx: Writer, entry: QueueEntry, change: QueueChange): Promise<void> {
  const { id, number, attempts } = entry;
  switch (change.kind) {
    case 'hold':
      return void (await setQueueState(tx, id, number, 'held'));
    case 'release':
      return void (await setQueueState(tx, id, number, 'waiting'));
    case 'retry':
      // At once, however often it was not reached.
      for (const each of await hasten(tx, id, [entry], nowSeconds())) await reschedule(tx, each, { reached: true });
      return;
    case 'reroute':
      return rerouteQueued(tx, id, { number, attempts }, change.destination);
    case 'remove':
      for (const each of await settle(tx, id, [{ number, end: 'removed' }])) await reschedule(tx, each);
  }
}
