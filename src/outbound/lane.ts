/**
 * A destination while mail goes there: what is read ahead from the queue for its connections, and what these are trying.
 *
 * Invariants
 * - A message is in one pair of hands: what is read ahead, or tried, is not read again until it is released. Nor is what another lane is trying: somebody
 *   who is sent another way meanwhile is tried there when it is known what became of him.
 * - Reading ahead is bounded in number and in time, so that memory does not grow with the queue, and what matters more does not wait for long.
 */
import type { Milliseconds, QueueId } from '../store/ids.ts';
import type { Queue, QueuedBatch } from '../store/queue.ts';

/** Messages read at once. */
const AHEAD = 20;
/** What was read ahead so long ago is read anew: something that matters more may have come. */
const FRESH_FOR: Milliseconds = 5_000;
/** When one more connection could not be had, none is tried for so long. */
const ENOUGH_FOR: Milliseconds = 60_000;
/** As a count of changes: before all of them. */
const OUTDATED = -1;

export class Lane {
  readonly destination: string;
  /** Connections that serve it. */
  connections = 0;
  /** More than what was read is due: its connections are too few. */
  isLong = false;
  readonly #queue: Pick<Queue, 'nextBatches'>;
  readonly #patience: Milliseconds;
  readonly #aside: Pick<ReadonlySet<QueueId>, 'has' | 'keys'>;
  /** What is in somebody's hands, and how many changes there had been when it was read. */
  readonly #held = new Map<QueueId, number>();
  /** What connections have of it, or are about to have. */
  readonly #tried = new Map<QueueId, QueuedBatch>();
  /** Those of it that a server may be taking. */
  readonly #giving = new Set<QueueId>();
  /** Messages that another lane is giving to the same people. */
  readonly #leftOut = new Set<QueueId>();
  #ahead: QueuedBatch[] = [];
  #readAt = 0;
  #takenAt = 0;
  #reading: Promise<void> | undefined;
  /** Something may have come since it was last read. */
  #hasNews = false;
  #changes = 0;
  #leaves = 0;
  #enoughUntil = 0;

  /**
   * @param patience  a message waits for no longer behind others, if there may be one more connection
   * @param aside  messages that no connection takes just now
   */
  constructor(
    destination: string,
    queue: Pick<Queue, 'nextBatches'>,
    patience: Milliseconds,
    aside: Pick<ReadonlySet<QueueId>, 'has' | 'keys'>,
  ) {
    this.destination = destination;
    this.#queue = queue;
    this.#patience = patience;
    this.#aside = aside;
  }

  /** Something was queued for it. */
  hasNews(): void {
    this.#hasNews = true;
  }

  /** Something may wait here. */
  get waits(): boolean {
    return this.#hasNews || this.#reading !== undefined || this.#ahead.length > 0;
  }

  /** Whoever waits has waited for long enough behind others, or there are too many of them. */
  get wantsMore(): boolean {
    const now = performance.now();
    return now >= this.#enoughUntil && (this.isLong || (this.waits && now - this.#takenAt >= this.#patience));
  }

  /** When whoever waits will have waited for long enough; Infinity: has, or nobody does. */
  get wantsMoreIn(): Milliseconds {
    const left = this.#takenAt + this.#patience - performance.now();
    return this.waits && left > 0 ? left : Infinity;
  }

  /**
   * One more connection could not be had, as with servers that allow each sender a few: those that are there go on, and get what was meant for it.
   * @returns false when there are no others: the destination can't be reached
   */
  doesWithout(): boolean {
    if (this.connections < 2) return false;
    this.#enoughUntil = performance.now() + ENOUGH_FOR;
    return true;
  }

  /** It is being tried, or about to be. */
  holds(id: QueueId): boolean {
    return this.#held.has(id);
  }

  /** The next message, which is nobody else's until it is released; undefined: nothing is due. */
  async take(): Promise<QueuedBatch | undefined> {
    for (;;) {
      if (performance.now() - this.#readAt >= FRESH_FOR) this.#putBack();
      const batch = this.#ahead.shift();
      if (batch !== undefined) {
        this.#takenAt = performance.now();
        this.#tried.set(batch.message.id, batch);
        return batch;
      }
      this.#reading ??= this.#read();
      await this.#reading;
      if (!this.waits) return undefined;
    }
  }

  /** What a connection has of a message; undefined: nothing. */
  tried(id: QueueId): QueuedBatch | undefined {
    return this.#tried.get(id);
  }

  /** A message is set aside, or was changed: what was read ahead of it, or is just being read, may not be true later. */
  leaves(id: QueueId): void {
    this.#leaves++;
    if (this.#tried.has(id) || !this.#held.delete(id)) return;
    this.#ahead = this.#ahead.filter(({ message }) => message.id !== id);
  }

  release(id: QueueId): void {
    this.#held.delete(id);
    this.#tried.delete(id);
    // What is being read leaves it out, and some of its recipients may be due still.
    if (this.#reading !== undefined) this.#hasNews = true;
  }

  /** From now on a server may take it. */
  gives({ message }: QueuedBatch): void {
    this.#giving.add(message.id);
  }

  /** What became of it is noted. */
  hasGiven({ message }: QueuedBatch): void {
    this.#giving.delete(message.id);
  }

  /** A server may be taking it for one of these recipients. */
  isGivingAnyOf({ message: { id }, recipients }: QueuedBatch): boolean {
    const given = this.#giving.has(id) ? this.#tried.get(id)?.recipients : undefined;
    return given?.some(({ number }) => recipients.some((other) => other.number === number)) ?? false;
  }

  /** Another lane is giving it to the same people: it is not read until {@link readAnew}. */
  leaveOut({ message }: QueuedBatch): void {
    this.#leftOut.add(message.id);
  }

  /** Another lane has given it, or tried to, while somebody changed how it waits: what was read of it here may not be true any more. */
  readAnew({ message: { id } }: QueuedBatch): void {
    this.leaves(id);
    this.#hasNews = true;
    this.#leftOut.delete(id);
    if (this.#tried.has(id) && !this.#giving.has(id)) this.#held.set(id, OUTDATED);
  }

  /** False: since it was read somebody has changed what waits; this message, perhaps. */
  isUnchanged({ message }: QueuedBatch): boolean {
    return this.#held.get(message.id) === this.#changes;
  }

  /** What waits was changed by somebody: what was read ahead may not be true any more. */
  changed(): void {
    this.#changes++;
    this.#hasNews = true;
    this.#leftOut.clear();
    this.#putBack();
  }

  #putBack(): void {
    for (const { message } of this.#ahead) this.#held.delete(message.id);
    this.#ahead = [];
  }

  async #read(): Promise<void> {
    try {
      const [changes, leaves] = [this.#changes, this.#leaves];
      this.#hasNews = false;
      const busy = new Set([...this.#held.keys(), ...this.#aside.keys(), ...this.#leftOut]);
      const batches = await this.#queue.nextBatches(this.destination, busy, AHEAD);
      if (changes !== this.#changes || leaves !== this.#leaves) {
        this.#hasNews = true; // it is read again
        return;
      }
      this.#ahead = batches;
      this.#readAt = performance.now();
      this.isLong = batches.length === AHEAD;
      for (const { message } of this.#ahead) this.#held.set(message.id, changes);
    } catch (error) {
      this.#hasNews = true;
      throw error;
    } finally {
      this.#reading = undefined;
    }
  }
}
