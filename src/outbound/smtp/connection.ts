/**
 * One conversation with a server: commands go out, replies come in, over TCP and TLS.
 *
 * Invariants
 * - A reply belongs to the first command that has none yet. What nobody asked for ends the connection: who is out of step would have one message's
 *   answer taken for another's.
 * - What is said is read at any time, also while we write: two who wait for each other to read never come to an end (RFC 2920 3.1).
 * - Every wait ends: with what was waited for, with too long a silence, with the end of the time it may take in all, or with the connection.
 * - Nothing that came before a TLS handshake counts after it: anybody on the way may have said it (RFC 3207 4.2, CVE-2011-0411).
 */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import type { Milliseconds } from '../../store/ids.ts';
import { ConnectionOver, overBy } from './over.ts';
import { Patience } from './patience.ts';
import { isDone, NotAReply, type Reply, ReplyReader } from './syntax/reply-reader.ts';

export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
}

/** Bytes that the socket is given at a time: that they are gone is a sign of life. */
const PIECE = 65_536;
/** RFC 5321 3.8 */
const CLOSING = 421;

export class SmtpConnection {
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  #socket: Socket;
  #replies = new ReplyReader();
  /** Where answers go, and how many are still to come. */
  #answers: Reply[] = [];
  #missing = 0;
  /** TLS is asked for; and what comes now is no more believed, until it is on. */
  #asksForTls = false;
  #deaf = false;
  #over: ConnectionOver | undefined;
  /** Who waits; there is one at most. */
  #wake: (() => void) | undefined;

  /**
   * Begins to connect.
   * @param silence  so long it may say nothing, and take nothing, while we wait for it
   * @param signal  aborted: the connection is over
   */
  constructor(to: Destination, silence: Milliseconds, signal?: AbortSignal) {
    const { address: host, port, localAddress } = to;
    this.#patience = new Patience(silence, (why) => this.close(why));
    this.#signal = signal;
    this.#socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
    this.#listenTo(this.#socket);
    signal?.addEventListener('abort', this.#stop, { once: true });
    if (signal?.aborted) this.#stop();
  }

  /** Nothing can be said any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** TLS, once it is on. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** All that is waited for from now on must come in so long. */
  within(time: Milliseconds): void {
    this.#patience.within(time);
  }

  /** Resolves when it is connected. @throws ConnectionOver */
  async connected(): Promise<void> {
    await this.#until(() => !this.#socket.connecting && !this.over);
  }

  /** Asks to go on with TLS. Once that is granted, {@link secure} is next. @throws ConnectionOver */
  async startTls(): Promise<Reply> {
    this.#asksForTls = true;
    const reply = await this.say('STARTTLS');
    this.#asksForTls = false;
    return reply;
  }

  /** Turns TLS on. @throws ConnectionOver, with the code of node:tls */
  async secure(options: ConnectionOptions): Promise<void> {
    this.#assertOpen();
    const plain = this.#socket;
    plain.off('connect', this.#onLife).off('data', this.#onData).off('drain', this.#onLife);
    plain.off('end', this.#onEnd).off('close', this.#onEnd); // but its errors are those of the one around it
    this.#replies = new ReplyReader();
    this.#deaf = false;
    let secured = false;
    const socket = connectTls({ ...options, socket: plain });
    socket.once('secureConnect', () => {
      secured = true;
      this.#wake?.();
    });
    this.#listenTo(socket);
    await this.#until(() => secured);
  }

  /** Announces that answers come, to what is written next. @param answers  where each is put as it comes */
  expect(count: number, answers: Reply[]): void {
    this.#assertOpen();
    this.#missing = count;
    this.#answers = answers;
  }

  /** Resolves when all answers that were expected are there. @throws ConnectionOver */
  async heard(): Promise<void> {
    await this.#until(() => this.#missing === 0);
  }

  /** Sends commands, as one write, and hears the answer to each. @throws ConnectionOver; what was heard until then is in `answers` */
  async ask(commands: readonly string[], answers: Reply[]): Promise<void> {
    this.expect(commands.length, answers);
    this.#socket.write(`${commands.join('\r\n')}\r\n`, 'utf8');
    await this.heard();
  }

  /** One command and its answer. @throws ConnectionOver */
  async say(command: string): Promise<Reply> {
    const answers: Reply[] = [];
    await this.ask([command], answers);
    return answers[0]!;
  }

  /** Writes as fast as it is taken. @returns false when it was not written whole, because the answer came before @throws ConnectionOver */
  async write(bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.#assertOpen();
      if (this.#missing === 0) return false;
      const hasRoom = this.#socket.write(bytes.subarray(at, at + PIECE));
      if (!hasRoom) await this.#until(() => !this.#socket.writableNeedDrain || this.#missing === 0);
    }
    return true;
  }

  /** Says goodbye (RFC 5321 4.1.1.10), and closes when that was heard, or in so long. */
  quit(within: Milliseconds): void {
    if (this.#missing > 0) this.close();
    if (this.over) return;
    this.within(within);
    const close = () => this.close();
    void this.say('QUIT').then(close, close);
  }

  /** Ends it, at once. @param why  it is not as it should be */
  close(why: string | ConnectionOver = 'this server has closed the connection'): void {
    if (this.#over !== undefined) return;
    this.#over = typeof why === 'string' ? new ConnectionOver(why) : why;
    this.#patience.stop();
    this.#signal?.removeEventListener('abort', this.#stop);
    this.#socket.destroy();
    this.#wake?.();
  }

  readonly #stop = (): void => this.close('this server is stopping');

  #assertOpen(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  #listenTo(socket: Socket): void {
    this.#socket = socket;
    socket.on('connect', this.#onLife).on('data', this.#onData).on('drain', this.#onLife);
    socket.on('error', this.#onError).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  /** The same for every socket, so that the next one can take over. */
  readonly #onData = (bytes: Buffer): void => this.#read(bytes);
  readonly #onLife = (): void => {
    this.#patience.showLife();
    this.#wake?.();
  };
  readonly #onError = (error: NodeJS.ErrnoException): void => this.close(overBy(error));
  readonly #onEnd = (): void => this.close('it has closed the connection');

  #read(bytes: Buffer): void {
    this.#patience.showLife();
    if (!this.#deaf) this.#replies.push(bytes);
    try {
      while (!this.#deaf) {
        const reply = this.#replies.next();
        if (reply === undefined) break;
        this.#hear(reply);
      }
    } catch (error) {
      if (!(error instanceof NotAReply)) throw error;
      this.close(error.message);
    }
    if (this.#missing === 0) this.#wake?.();
  }

  #hear(reply: Reply): void {
    if (this.#over !== undefined) return;
    if (this.#missing > 0) {
      this.#missing--;
      this.#answers.push(reply);
      this.#deaf = this.#asksForTls && isDone(reply);
    } else if (reply.code !== CLOSING) {
      this.close('it said what nobody had asked for');
    }
    if (reply.code === CLOSING) this.close(new ConnectionOver('it closes the connection', { reply }));
  }

  async #until(done: () => boolean): Promise<void> {
    this.#patience.showLife();
    while (!done()) {
      this.#assertOpen();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#patience.begin();
      await promise;
      this.#patience.end();
      this.#wake = undefined;
    }
  }
}
