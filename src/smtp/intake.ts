/**
 * One message on its way from the connection into the store.
 *
 * Invariant: whatever is wrong with the message, its bytes go on being taken (and dropped), so that the session stays in step
 * with the client; what was wrong first is told at the end ({@link Intake.finish}).
 */
import { Refused } from '../errors.ts';
import type { Store } from '../store/api.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { MessageStage, StagedMessage } from '../store/types.ts';
import { FieldFilter, type FieldRule } from './syntax/field-filter.ts';
import { HeaderScan } from './syntax/header-scan.ts';
import { type BareLineEnds, LineEndings } from './syntax/line-endings.ts';

const SPACE = 32;
const TAB = 9;
const CRLF = Buffer.from('\r\n');

/** RFC 5321 6.3: a message that was received this often goes round in circles. */
const MOST_HOPS = 100;

/** What the store is to take at most: mended line ends may double a message, and our trace lines come on top. The client's own bytes are counted here. */
const stageBytes = (limit: number): number => 2 * limit + 16_384;

export interface IntakeOptions {
  /** Bytes of the message as the client may send it. */
  readonly limit: number;
  readonly bareLineEnds: BareLineEnds;
  /** Fields that are taken out of the header. */
  readonly drops: readonly FieldRule[];
  /** Lines that stand before the message. */
  readonly trace: Buffer;
  /** Header lines to add at the end of the header; empty for none. */
  readonly missingFields: (header: HeaderScan) => string;
}

export class Intake {
  /** Bytes the client has sent of the message, those dropped included. */
  received = 0;
  /** When it began to come; as `performance.now()`. */
  readonly begun: Milliseconds = performance.now();
  /** Null when the store had no room from the start. */
  #stage: MessageStage | null = null;
  readonly #options: IntakeOptions;
  readonly #endings: LineEndings;
  readonly #filter: FieldFilter | null;
  readonly #header = new HeaderScan();
  #hasBegun = false;
  #failed = false;
  #problem: unknown;

  constructor(store: Pick<Store, 'stage'>, options: IntakeOptions) {
    this.#options = options;
    this.#endings = new LineEndings(options.bareLineEnds);
    this.#filter = options.drops.length > 0 ? new FieldFilter(options.drops) : null;
    try {
      this.#stage = store.stage(stageBytes(options.limit));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What was seen of the header. */
  get header(): Pick<HeaderScan, 'deliveredTo' | 'fromList' | 'importance' | 'waivesTls'> {
    return this.#header;
  }

  /** Takes the next bytes of the message. Await the promise, if there is one: it is backpressure. Never fails. */
  write(data: Buffer): Promise<void> | undefined {
    this.received += data.length;
    if (this.#failed) return undefined;
    try {
      if (this.received > this.#options.limit) throw tooLarge(this.#options.limit);
      return this.#store(this.#completed(this.#filtered(this.#begun(this.#endings.push(data)))));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /**
   * The message is whole.
   * @throws what was wrong with it first: BadCommand for its content, Refused `message.too-large`, `loop.detected`, `store.*`
   */
  async finish(): Promise<StagedMessage> {
    if (!this.#failed) await this.#rest();
    if (this.#failed || this.#stage === null) throw this.#problem;
    if (this.#stage.size === 0) await this.#stage.write(this.#options.trace); // an empty message
    return this.#stage.finish();
  }

  /** Stores what was held back until it was clear that nothing follows. Never fails, as {@link write}: a message that is wrong at its end is given up. */
  async #rest(): Promise<void> {
    try {
      await this.#store(this.#completed(this.#filtered(this.#endings.finish())));
      if (this.#filter !== null) await this.#store(this.#completed(this.#filter.finish()));
      // A message may be a header and no more (RFC 5322 3.5).
      if (this.#header.atLineStart) await this.#store(Buffer.from(this.#options.missingFields(this.#header), 'latin1'));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Something else than its content put an end to the message. */
  abandon(): void {
    this.#fail(undefined);
  }

  /**
   * A message whose first line begins with a blank has no header: that is a folded line (RFC 5322 2.2.3), with nothing before it to go on from.
   * A blank line goes before it, or it would go on from our Received line and make it say what the sender likes.
   */
  #begun(data: Buffer): Buffer {
    if (this.#hasBegun || data.length === 0) return data;
    this.#hasBegun = true;
    return data[0] === SPACE || data[0] === TAB ? Buffer.concat([CRLF, data]) : data;
  }

  #filtered(data: Buffer): Buffer {
    return this.#filter === null ? data : this.#filter.push(data);
  }

  /** Looks at the header as it goes by. @returns the data, with the fields it lacks where the header ends in it */
  #completed(data: Buffer): Buffer {
    if (this.#header.ended) return data;
    const blankLine = this.#header.push(data);
    if (this.#header.received > MOST_HOPS) {
      throw new Refused('loop.detected', 'This message has been through too many servers: it goes round in circles.');
    }
    const missing = blankLine === -1 ? '' : this.#options.missingFields(this.#header);
    if (missing === '') return data;
    return Buffer.concat([data.subarray(0, blankLine), Buffer.from(missing, 'latin1'), data.subarray(blankLine)]);
  }

  /** A message that came in one piece goes on in one piece, its trace lines with it: that is hashed and parsed fastest. */
  #store(data: Buffer): Promise<void> | undefined {
    if (data.length === 0 || this.#stage === null) return undefined;
    const bytes = this.#stage.size === 0 ? Buffer.concat([this.#options.trace, data]) : data;
    try {
      return this.#stage.write(bytes)?.catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#problem = error;
    this.#stage?.abandon();
  }
}

/** @param limit  in bytes */
export function tooLarge(limit: number): Refused {
  const megabytes = Math.floor(limit / (1024 * 1024));
  return new Refused(
    'message.too-large',
    `The message is too large: this server takes up to ${megabytes < 1 ? `${limit} bytes` : `${megabytes} MB`}.`,
  );
}
