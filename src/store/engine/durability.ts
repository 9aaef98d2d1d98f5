/**
 * Durable before OK: which commits survive a power cut, and who waits for them.
 *
 * Invariants
 * - `durableSeq` is the last commit whose WAL frames and whose bodies' segment ranges are synced; it only rises.
 * - A sync that starts after a commit covers it; one that runs already does not. So there is at most one at a time, and whoever comes
 *   meanwhile waits for the next: that is what makes the group.
 * - A failed sync is never retried (the kernel may have marked the pages clean): from then on nothing becomes durable.
 */
import type { Change } from './engine.ts';

export interface Syncable {
  /** Syncs everything written before the call. */
  sync(): Promise<void>;
}

interface Waiter {
  readonly seq: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface DurabilityHooks {
  /** What became durable; called before those who wait are answered, so nobody can hear of it later than the one who did it. */
  durable(changes: readonly Change[]): void;
  /** A sync has ended well, and all who waited for it have been answered. */
  synced(): void;
  /** The first failure: nothing will become durable any more. */
  failed(error: Error): void;
}

export class Durability {
  #commitSeq = 0;
  #durableSeq = 0;
  #running = false;
  #failure: Error | undefined;
  /** In the order they came, which is about that of their commits: one that stands behind a later commit waits with it. */
  #waiters: Waiter[] = [];
  #changes: { readonly seq: number; readonly changes: readonly Change[] }[] = [];
  readonly #parts: readonly Syncable[];
  readonly #hooks: DurabilityHooks;

  /** @param parts  what a commit needs on disk: the WAL and the segments */
  constructor(parts: readonly Syncable[], hooks: DurabilityHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** A sync runs. */
  get syncing(): boolean {
    return this.#running;
  }

  get commitSeq(): number {
    return this.#commitSeq;
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** A transaction was committed. @returns its number, for {@link wait} */
  committed(changes: readonly Change[]): number {
    this.#commitSeq++;
    if (changes.length > 0) this.#changes.push({ seq: this.#commitSeq, changes });
    this.#start();
    return this.#commitSeq;
  }

  /** Resolves when the commit of this number is durable. */
  wait(seq: number): Promise<void> {
    if (seq <= this.#durableSeq) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ seq, resolve, reject });
    });
  }

  #start(): void {
    if (this.#running || this.#failure !== undefined) return;
    this.#running = true;
    const seq = this.#commitSeq;
    Promise.all(this.#parts.map((part) => part.sync())).then(
      () => this.#succeeded(seq),
      (error: unknown) => this.fail(error),
    );
  }

  #succeeded(seq: number): void {
    this.#running = false;
    this.#durableSeq = seq;
    if (this.#commitSeq > seq) this.#start();
    const changes: Change[] = [];
    while (this.#changes.length > 0 && this.#changes[0]!.seq <= seq) changes.push(...this.#changes.shift()!.changes);
    if (changes.length > 0) this.#hooks.durable(changes);
    let answered = 0;
    while (answered < this.#waiters.length && this.#waiters[answered]!.seq <= seq) this.#waiters[answered++]!.resolve();
    this.#waiters.splice(0, answered);
    this.#hooks.synced();
  }

  /** Nothing becomes durable any more: a sync failed, or a checkpoint. */
  fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#failure = error;
    this.#running = false;
    this.#hooks.failed(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
