/** Messages that have come in whole but that no row points at yet: sweeping must leave their segments alone. */
import { STREAM_ABOVE } from './api.ts';
import type { Segments } from './bodies/segments.ts';
import type { StagedMessage } from './types.ts';

export class Unfiled {
  readonly #bySegment = new Map<number, Set<StagedMessage>>();

  add(message: StagedMessage): void {
    const messages = this.#bySegment.get(message.body.segment);
    if (messages === undefined) this.#bySegment.set(message.body.segment, new Set([message]));
    else messages.add(message);
  }

  has(segment: number): boolean {
    return this.#bySegment.has(segment);
  }

  /**
   * The message was filed, or never will be: then `segments` is given, and a large body's own segment is removed at once. A message may
   * be settled twice.
   */
  async settle(message: StagedMessage, segments?: Segments): Promise<void> {
    const { segment, length } = message.body;
    const messages = this.#bySegment.get(segment);
    if (messages?.delete(message) !== true) return;
    if (messages.size === 0) this.#bySegment.delete(segment);
    if (segments !== undefined && length > STREAM_ABOVE) await segments.remove(segment);
  }
}
