/**
 * The bytes of a message that are in memory while it comes in.
 *
 * Invariant: what all messages together hold is known, so that it can be bounded (stage.ts), and is about what they have sent: a peer that sends
 * one byte at a time would have each cost as much as two hundred.
 */

/** How much all of them hold. */
export interface Collecting {
  bytes: number;
}

/** Pieces that are put together when there are so many. */
const LOOSE = 256;

export class Collected {
  readonly #collecting: Collecting;
  /** Of pieces that were put together, and then as they came. */
  #pieces: Buffer[] = [];
  #loose = 0;
  #bytes = 0;

  constructor(collecting: Collecting) {
    this.#collecting = collecting;
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#collecting.bytes += piece.length;
    if (++this.#loose < LOOSE) return;
    const together = Buffer.concat(this.#pieces.splice(-LOOSE));
    this.#pieces.push(together);
    this.#loose = 0;
  }

  /** All of it, which is not held any more. */
  take(): Buffer[] {
    const pieces = this.#pieces;
    this.#collecting.bytes -= this.#bytes;
    this.#pieces = [];
    this.#loose = 0;
    this.#bytes = 0;
    return pieces;
  }
}
