/**
 * Taking one message in. Up to STREAM_ABOVE it is collected in memory and appended whole; a larger one streams into a segment of its own, and a
 * smaller one, too, while others hold much: hundreds of senders may each begin a message and be slow to end it.
 * Nothing is kept of a message that is abandoned.
 */
import { createHash, type Hash, hash } from 'node:crypto';
import { Refused } from '../errors.ts';
import { MessageAnalyser } from '../message/analyser.ts';
import { STREAM_ABOVE } from './api.ts';
import type { LargeBody, Segments } from './bodies/segments.ts';
import { Collected, type Collecting } from './collected.ts';
import type { BodyAddress, MessageStage, StagedMessage } from './types.ts';
import type { Unfiled } from './unfiled.ts';

/** Bytes on their way to the disk beyond which a sender waits. */
const QUEUE_LIMIT = 16 << 20;

/** Bytes of all messages on their way in beyond which those of more than {@link STREAM_EARLY} stream. */
const MUCH_COLLECTED = 64 << 20;
const STREAM_EARLY = 64 << 10;

export class Stage implements MessageStage {
  readonly #segments: Segments;
  readonly #unfiled: Unfiled;
  readonly #limit: number;
  readonly #collecting: Collecting;
  readonly #collected: Collected;
  readonly #analyser = new MessageAnalyser();
  #size = 0;
  #large: { readonly body: LargeBody; readonly hash: Hash } | undefined;
  #staged: StagedMessage | undefined;

  /** @param collecting  of all stages of the store */
  constructor(segments: Segments, unfiled: Unfiled, limit: number, collecting: Collecting) {
    this.#segments = segments;
    this.#unfiled = unfiled;
    this.#limit = limit;
    this.#collecting = collecting;
    this.#collected = new Collected(collecting);
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    this.#size += chunk.length;
    if (this.#size > this.#limit) {
      this.abandon();
      throw new Refused(
        'message.too-large',
        `The message is larger than the ${Math.floor(this.#limit / 1e6)} MB this server takes.`,
      );
    }
    this.#analyser.push(chunk);
    if (this.#large !== undefined) return this.#stream(chunk);
    this.#collected.add(chunk);
    if (this.#size <= (this.#collecting.bytes > MUCH_COLLECTED ? STREAM_EARLY : STREAM_ABOVE)) return undefined;
    this.#large = { body: this.#segments.large(), hash: createHash('sha256') };
    return this.#stream(Buffer.concat(this.#collected.take()));
  }

  #stream(chunk: Buffer): Promise<void> | undefined {
    this.#large!.hash.update(chunk);
    return this.#large!.body.write(chunk);
  }

  async finish(): Promise<StagedMessage> {
    const analysis = this.#analyser.finish();
    this.#staged = { body: await this.#finishBody(), analysis };
    this.#unfiled.add(this.#staged, this.#large !== undefined);
    return this.#staged;
  }

  async #finishBody(): Promise<BodyAddress> {
    if (this.#large !== undefined) {
      const { body, hash: sum } = this.#large;
      const address = await body.finish(sum.digest());
      // Synced before any row points at it: recovery looks only at what was appended in order (recovery.ts).
      await this.#segments.sync();
      return address;
    }
    if (this.#segments.queuedBytes > QUEUE_LIMIT) await this.#segments.sync();
    const chunks = this.#collected.take();
    return this.#segments.append(chunks, this.#size, hashOf(chunks));
  }

  abandon(): void {
    this.#large?.body.abandon();
    this.#large = undefined;
    this.#collected.take();
    if (this.#staged !== undefined) this.#unfiled.settle(this.#staged, false);
  }
}

function hashOf(chunks: readonly Buffer[]): Buffer {
  if (chunks.length === 1) return hash('sha256', chunks[0]!, 'buffer');
  const sum = createHash('sha256');
  for (const chunk of chunks) sum.update(chunk);
  return sum.digest();
}
