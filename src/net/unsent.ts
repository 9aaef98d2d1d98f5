/** What was written to a connection, and is kept until its socket may have it. */
import type { Socket } from 'node:net';

/** Bytes that a socket is given at a time, so that progress shows even in a large message. */
const SEND_STEP = 128 * 1024;

/**
 * Bytes that may wait unsent before {@link Unsent.drained} asks to wait. The kernel buffers some megabytes more, so that
 * a larger figure gains no speed, only memory: with the piece of 1 MB that a session adds at a time, about 1.3 MB a connection.
 */
const MOST_UNSENT = 256 * 1024;

export class Unsent {
  #socket: Socket;
  /** Text of this turn: nearly always all there is. */
  #text = '';
  /** What was written before it; null when there is nothing. */
  #queue: (string | Buffer)[] | null = null;
  #queuedBytes = 0;

  #scheduled = false;
  #drain: { promise: Promise<void>; resolve: () => void } | undefined = undefined;
  #ending = false;
  #discarded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** In bytes, with what the socket holds. */
  get length(): number {
    return this.#text.length + this.#queuedBytes + this.#socket.writableLength;
  }

  /** From now on to another socket: TLS over the one before. */
  goesTo(socket: Socket): void {
    this.#socket = socket;
  }

  /** Sends at the end of the turn, with all that is written in it. @param data  text has one character a byte */
  write(data: string | Buffer): void {
    if (typeof data === 'string') {
      this.#text += data;
      if (this.#text.length >= SEND_STEP) this.#queueText();
    } else {
      this.#queueText();
      this.#queue ??= [];
      this.#queue.push(data);
      this.#queuedBytes += data.length;
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(Unsent.#sendNow, this); // after all that the session does in this turn
    }
  }

  /** As {@link LineConnection.drained}. */
  drained(): Promise<void> | undefined {
    if (this.length <= MOST_UNSENT || this.#discarded) return undefined;
    this.#drain ??= Promise.withResolvers<void>();
    return this.#drain.promise;
  }

  /** As {@link LineConnection.flushed}. */
  async flushed(): Promise<void> {
    for (let wait = this.drained(); wait !== undefined; wait = this.drained()) await wait;
    this.send(Number.POSITIVE_INFINITY);
    if (this.#discarded || this.#socket.writableLength === 0) return;
    await new Promise((resolve) => this.#socket.write('', resolve));
  }

  /** Ends the socket when all of it is sent. */
  end(): void {
    this.#ending = true;
    if (!this.#scheduled) this.send();
  }

  /** The socket is closed. */
  discard(): void {
    this.#discarded = true;
    this.#text = '';
    this.#queue = null;
    this.#queuedBytes = 0;
    this.#drain?.resolve();
  }

  /** Gives the socket all it may have at a time; it says `drain` when it wants the rest. */
  send(atATime = SEND_STEP): void {
    if (this.#discarded) return;
    this.#give(atATime);
    if (this.#drain !== undefined && this.length <= MOST_UNSENT) {
      this.#drain.resolve();
      this.#drain = undefined;
    }
    if (this.#ending && this.#text === '' && this.#queue === null) this.#socket.end();
  }

  static #sendNow(unsent: Unsent): void {
    unsent.#scheduled = false;
    unsent.send();
  }

  #give(atATime: number): void {
    if (this.#queue === null && this.#socket.writableLength < atATime) {
      // The usual answer: some text that goes out whole.
      if (this.#text !== '') this.#socket.write(this.#text, 'latin1');
      this.#text = '';
    } else {
      this.#queueText();
      if (this.#queue !== null) this.#giveQueue(this.#socket, this.#queue, atATime);
    }
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
