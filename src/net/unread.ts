/**
 * What has come over a connection and was not read: lines and chunks are taken from it. Pure: it knows no socket and no clock.
 *
 * Invariants
 * - Bytes are copied only to be joined: what came in one piece is given as a part of that piece.
 * - A line beyond its limit is not kept: it is thrown away as it comes, but for its ends.
 */
import { BadCommand } from '../errors.ts';
import { LineTooLong, type Swallowed, swallow } from './line-too-long.ts';

const LF = 10;
const CR = 13;

export class Unread {
  /** The bytes from `#start` to `#end`; null when there are none, so that who waits keeps no buffer. */
  #bytes: Buffer | null = null;
  #start = 0;
  #end = 0;
  /** No LF is before this place. */
  #scanned = 0;
  /** While in a line beyond its limit: its ends. */
  #swallowed: Swallowed | null = null;

  get isEmpty(): boolean {
    return this.#bytes === null;
  }

  /** A line has begun, when no whole one is here. */
  get isWithinLine(): boolean {
    return this.#bytes !== null || this.#swallowed !== null;
  }

  get length(): number {
    return this.#bytes === null ? 0 : this.#end - this.#start;
  }

  add(bytes: Buffer): void {
    if (this.#bytes === null) this.#become(bytes);
    else this.#append(this.#bytes, bytes);
  }

  /** Puts bytes back before all others. */
  putBack(bytes: Buffer): void {
    const unread = this.#bytes;
    if (unread === null) {
      this.#become(bytes);
    } else if (
      bytes.buffer === unread.buffer &&
      bytes.byteOffset + bytes.length === unread.byteOffset + this.#start &&
      bytes.length <= this.#start
    ) {
      this.#start -= bytes.length; // the very bytes that were taken last
      this.#scanned = this.#start;
    } else {
      this.#become(Buffer.concat([bytes, unread.subarray(this.#start, this.#end)]));
    }
  }

  /** True when a whole line is here, for {@link takeLine}. */
  hasLine(limit: number): boolean {
    const unread = this.#bytes;
    if (unread === null) return false;
    const lf = unread.indexOf(LF, this.#scanned);
    if (lf !== -1 && lf < this.#end) {
      this.#scanned = lf;
      return true;
    }
    // One byte more than the limit may be the CR of the line's end.
    if (this.#swallowed !== null || this.#end - this.#start > limit + 1) {
      this.#swallowed = swallow(this.#swallowed, unread.subarray(this.#start, this.#end));
      this.#take(this.#end - this.#start);
    } else {
      this.#scanned = this.#end;
    }
    return false;
  }

  /**
   * The line that {@link hasLine} has found, without its end.
   * @param strict  it must end with CR and LF, and have no other CR
   * @throws LineTooLong, and BadCommand when it is not as `strict` wants it; the line is taken all the same
   */
  takeLine(limit: number, strict: boolean): Buffer {
    const unread = this.#bytes!;
    const start = this.#start;
    const lf = this.#scanned;
    this.#take(lf + 1 - start);
    const hasCr = lf > start && unread[lf - 1] === CR;
    const line = unread.subarray(start, hasCr ? lf - 1 : lf);
    if (this.#swallowed !== null || line.length > limit) {
      const swallowed = swallow(this.#swallowed, line);
      this.#swallowed = null;
      throw new LineTooLong(limit, swallowed);
    }
    if (strict) {
      if (!hasCr) throw new BadCommand('a line must end with CR and LF, not with LF alone');
      if (line.includes(CR)) throw new BadCommand('a CR may only stand before LF');
    }
    return line;
  }

  /** Up to so many bytes; undefined when there are none. */
  takeChunk(most: number): Buffer | undefined {
    const unread = this.#bytes;
    if (unread === null) return undefined;
    const start = this.#start;
    const length = Math.min(most, this.#end - start);
    this.#take(length);
    return unread.subarray(start, start + length);
  }

  discard(): void {
    this.#bytes = null;
    this.#swallowed = null;
  }

  #become(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = bytes.length;
    this.#scanned = 0;
  }

  /** Room is doubled, so that bytes that come one by one are not copied again and again. */
  #append(unread: Buffer, bytes: Buffer): void {
    const length = this.#end - this.#start + bytes.length;
    if (unread.length - this.#end < bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * length));
      unread.copy(larger, 0, this.#start, this.#end);
      this.#scanned -= this.#start;
      this.#end -= this.#start;
      this.#start = 0;
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes!, this.#end);
    this.#end += bytes.length;
  }

  #take(length: number): void {
    this.#start += length;
    this.#scanned = this.#start;
    if (this.#start === this.#end) this.#bytes = null;
  }
}
