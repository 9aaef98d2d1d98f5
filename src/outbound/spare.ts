/** Connections that have nothing more to send, and wait a moment for the next message to their destination. */
import type { Milliseconds } from '../store/ids.ts';
import type { QueuedBatch } from '../store/queue.ts';

/** Told what comes; undefined: nothing, say goodbye. */
type Waiting = (batch: QueuedBatch | undefined) => void;

export class SpareConnections {
  /** By destination; those that wait longest stand first, in it and in each. */
  readonly #waiting = new Map<string, Waiting[]>();

  has(destination: string): boolean {
    return this.#waiting.has(destination);
  }

  /** Called by a connection. @returns what it is to send next; undefined when nothing came in time, or others need its place */
  wait(destination: string, within: Milliseconds): Promise<QueuedBatch | undefined> {
    const { promise, resolve } = Promise.withResolvers<QueuedBatch | undefined>();
    const timer = setTimeout(() => {
      this.#forget(destination, waiting);
      resolve(undefined);
    }, within).unref();
    const waiting: Waiting = (batch) => {
      clearTimeout(timer);
      this.#forget(destination, waiting);
      resolve(batch);
    };
    this.#waiting.set(destination, [...(this.#waiting.get(destination) ?? []), waiting]);
    return promise;
  }

  /** Gives a message to a connection that waits for one. @returns false when none does */
  give(destination: string, batch: QueuedBatch): boolean {
    const first = this.#waiting.get(destination)?.[0];
    first?.(batch);
    return first !== undefined;
  }

  /** Lets one go whose place others need. */
  dismissOne(): void {
    const [first] = this.#waiting.values();
    first?.[0]?.(undefined);
  }

  dismissAll(): void {
    while (this.#waiting.size > 0) this.dismissOne();
  }

  #forget(destination: string, waiting: Waiting): void {
    const others = (this.#waiting.get(destination) ?? []).filter((each) => each !== waiting);
    if (others.length > 0) this.#waiting.set(destination, others);
    else this.#waiting.delete(destination);
  }
}
