/**
 * The bytes of one message as its owner sees them: the trace lines of this recipient, then the body that all share.
 *
 * Offsets count from the first byte of the body, as in the analysis; the trace lines stand below 0.
 */
import type { BodyRecord } from '../store/types.ts';

/** Half-open: `from` is in, `to` is not. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export class MessageBytes {
  readonly record: BodyRecord;
  /** The whole body, or null when it is too large to be held: then it is read in chunks. */
  readonly body: Buffer | null;
  readonly #read: (from: number, to: number) => AsyncIterable<Buffer>;

  /** @param read reads a part of the body in chunks */
  constructor(record: BodyRecord, body: Buffer | null, read: (from: number, to: number) => AsyncIterable<Buffer>) {
    this.record = record;
    this.body = body;
    this.#read = read;
  }

  /** The whole message. */
  get all(): ByteRange {
    return { from: -this.record.prefix.length, to: this.record.body.length };
  }

  /** The header of the message, its blank line included. */
  get header(): ByteRange {
    return { from: -this.record.prefix.length, to: this.record.root().body };
  }

  /** The bytes of a range, without copying; undefined when the body is not in memory. */
  pieces({ from, to }: ByteRange): Buffer[] | undefined {
    const { prefix } = this.record;
    if (to <= 0) return from < to ? [prefix.subarray(prefix.length + from, prefix.length + to)] : [];
    if (this.body === null) return undefined;
    const body = this.body.subarray(Math.max(from, 0), to);
    return from < 0 ? [prefix.subarray(prefix.length + from), body] : [body];
  }

  /** The bytes of a range, in memory or not, some at a time. @throws Refused `message.gone`, `message.damaged` (perhaps at the end) */
  async *chunks(range: ByteRange): AsyncGenerator<Buffer, void, undefined> {
    const pieces = this.pieces(range);
    if (pieces !== undefined) {
      yield* pieces;
      return;
    }
    if (range.from < 0) yield* this.pieces({ from: range.from, to: 0 })!;
    yield* this.#read(Math.max(range.from, 0), range.to);
  }

  /** The bytes of a range in one buffer; for what is known to be small enough. */
  async collect(range: ByteRange): Promise<Buffer> {
    const pieces = this.pieces(range) ?? (await Array.fromAsync(this.chunks(range), (chunk) => Buffer.from(chunk)));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
}
