/** Messages that have come in whole but that no row points at yet: sweeping must leave their segments alone. */
import type { StagedMessage } from './types.ts';

export class Unfiled {
  readonly #bySegment = new Map<number, Set<StagedMessage>>();
  /** Segments that hold one message each. */
  readonly #alone = new Set<number>();
  /** Those whose message was never filed: nobody's. */
  readonly #orphans = new Set<number>();

  /** @param alone  it has a segment of its own */
  add(message: StagedMessage, alone: boolean): void {
    if (alone) this.#alone.add(message.body.segment);
    const messages = this.#bySegment.get(message.body.segment);
    if (messages === undefined) this.#bySegment.set(message.body.segment, new Set([message]));
    else messages.add(message);
  }

  has(segment: number): boolean {
    return this.#bySegment.has(segment);
  }

  /** The message was filed, or never will be. A message may be settled twice; the first time counts. */
  settle(message: StagedMessage, filed: boolean): void {
    const { segment } = message.body;
    const messages = this.#bySegment.get(segment);
    if (messages?.delete(message) !== true) return;
    if (messages.size === 0) this.#bySegment.delete(segment);
    if (this.#alone.delete(segment) && !filed) this.#orphans.add(segment);
  }

  /** Segments that can be removed, each told once. Those a crash hides from us are found at the next start (recovery.ts). */
  takeOrphans(): readonly number[] {
    const orphans = [...this.#orphans];
    this.#orphans.clear();
    return orphans;
  }
}
