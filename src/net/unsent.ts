/** What was written to a connection and its socket has not been given yet. */
import type { Socket } from 'node:net';

/** Bytes that a socket is given at a time, so that progress shows even in a large message. */
export const SEND_STEP = 128 * 1024;

export class Unsent {
  /** Text of this turn: nearly always all there is. */
  #text = '';
  /** What was written before it; null when there is nothing. */
  #queue: (string | Buffer)[] | null = null;
  #queuedBytes = 0;

  /** In bytes. */
  get length(): number {
    return this.#text.length + this.#queuedBytes;
  }

  /** @param data  text has one character a byte */
  add(data: string | Buffer): void {
    if (typeof data === 'string') {
      this.#text += data;
      if (this.#text.length >= SEND_STEP) this.#queueText();
    } else {
      this.#queueText();
      this.#queue ??= [];
      this.#queue.push(data);
      this.#queuedBytes += data.length;
    }
  }

  /** Gives a socket what it may hold at a time; it says `drain` when it wants the rest. */
  giveTo(socket: Socket, atATime = SEND_STEP): void {
    if (this.#queue === null && socket.writableLength < atATime) {
      // The usual answer: some text that goes out whole.
      if (this.#text !== '') socket.write(this.#text, 'latin1');
      this.#text = '';
    } else {
      this.#queueText();
      if (this.#queue !== null) this.#giveQueue(socket, this.#queue, atATime);
    }
  }

  discard(): void {
    this.#text = '';
    this.#queue = null;
    this.#queuedBytes = 0;
  }

  #queueText(): void {
    if (this.#text === '') return;
    this.#queue ??= [];
    this.#queue.push(this.#text);
    this.#queuedBytes += this.#text.length;
    this.#text = '';
  }

  #giveQueue(socket: Socket, queue: (string | Buffer)[], atATime: number): void {
    let next = 0;
    socket.cork();
    while (next < queue.length && socket.writableLength < atATime) {
      const piece = queue[next]!;
      if (typeof piece === 'string') {
        socket.write(piece, 'latin1');
        this.#queuedBytes -= piece.length;
        next++;
      } else {
        socket.write(piece.length > SEND_STEP ? piece.subarray(0, SEND_STEP) : piece);
        this.#queuedBytes -= Math.min(piece.length, SEND_STEP);
        if (piece.length > SEND_STEP) queue[next] = piece.subarray(SEND_STEP);
        else next++;
      }
    }
    socket.uncork();
    if (next === queue.length) this.#queue = null;
    else queue.splice(0, next);
  }
}
