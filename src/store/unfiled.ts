/** Messages that have come in whole but that no row points at yet: sweeping must leave their segments alone. */
import { STREAM_ABOVE } from './api.ts';
import type { StagedMessage } from './types.ts';

export class Unfiled {
  readonly #bySegment = new Map<number, Set<StagedMessage>>();
  /** Segments of large messages that were never filed: one message each, and nobody's. */
  readonly #orphans = new Set<number>();

  add(message: StagedMessage): void {
    const messages = this.#bySegment.get(message.body.segment);
    if (messages === undefined) this.#bySegment.set(message.body.segment, new Set([message]));
    else messages.add(message);
  }

  has(segment: number): boolean {
    return this.#bySegment.has(segment);
  }

  /** The message was filed, or never will be. A message may be settled twice; the first time counts. */
  settle(message: StagedMessage, filed: boolean): void {
    const { segment, length } = message.body;
    const messages = this.#bySegment.get(segment);
    if (messages?.delete(message) !== true) return;
    if (messages.size === 0) this.#bySegment.delete(segment);
    if (!filed && length > STREAM_ABOVE) this.#orphans.add(segment);
  }

  /** Segments that can be removed, each told once. Those a crash hides from us are found at the next start (recovery.ts). */
  takeOrphans(): readonly number[] {
    const orphans = [...this.#orphans];
    this.#orphans.clear();
    return orphans;
  }
}
