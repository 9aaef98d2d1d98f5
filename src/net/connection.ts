/**
 * A connection of a line protocol over a TCP socket, plain or TLS.
 *
 * Invariants:
 * - Idle costs little: no timer, no buffer, no closure belongs to a connection that waits. One sweep per listener
 *   watches the time for all ({@link Connection.sweep}); the listeners of sockets are the same functions for all (owned-socket.ts).
 * - What is unread is bounded: beyond {@link MOST_UNREAD} the socket is paused unless a reader waits, and a reader waits
 *   for no more than one line of its own limit.
 * - What is unsent is handed to the socket in steps (unsent.ts), so that progress shows even in a large message; sessions await
 *   {@link Connection.drained}, which bounds the rest.
 * - A fault of the network is an end of the connection, never an exception.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { BadCommand } from '../errors.ts';
import { noteBuffer } from '../passing-buffers.ts';
import { type AccountId, type EpochSeconds, type Milliseconds, nowSeconds } from '../store/ids.ts';
import { isLoopback, plainAddress } from './address.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { LineConnection } from './connection-types.ts';
import type { Farewell } from './farewell.ts';
import type { Counted } from './limits.ts';
import { disown, own, type SocketOwner } from './owned-socket.ts';
import type { Ends } from './proxy-protocol.ts';
import { nextSessionId, type SessionCredential } from './sessions.ts';
import { handshake } from './tls-handshake.ts';
import { Unread } from './unread.ts';
import { Unsent } from './unsent.ts';

/** Bytes that may wait unread before the socket is paused: a few reads of 64 KB, and more than most pipelines. */
const MOST_UNREAD = 256 * 1024;

/** Time without progress, while something is unsent, after which the peer is dropped. Less than one step of sending in it (1 KB/s) counts as not reading. */
const STALLED_AFTER: Milliseconds = 120_000;

/** Time the peer has to close its side after we closed ours. */
const LINGER: Milliseconds = 10_000;

/** Time that the command under way gets when its session is ended. */
const LAST_COMMAND: Milliseconds = 5_000;

/** Nothing is left to wait for. */
const SERVED = { promise: Promise.resolve(), resolve: () => {} };

export class Connection implements LineConnection, Counted, SocketOwner {
  readonly id = nextSessionId();
  countedTo: string | AccountId;
  client = '';
  /** What somebody signed in with, and when; null before. */
  credential: SessionCredential | null = null;
  signedInAt: EpochSeconds = 0;
  readonly #host: ConnectionHost;
  #socket: Socket;
  #remoteAddress: string;
  #remotePort: number;
  /** The ends as a proxy told them, null when it couldn't; undefined: there is no proxy. */
  #proxied: Ends | null | undefined = undefined;

  readonly #unread = new Unread();
  /** The peer has sent its last byte. */
  #inputEnded = false;
  /** Resolves the promise of the reader that waits; undefined when none does. */
  #reader: ((read: Buffer | null | Promise<never>) => void) | undefined = undefined;
  /** What it waits for: a line, which is a place to say goodbye, or a chunk; and how long that may be. */
  #readsLine = false;
  #readsMost = 0;
  /** Lines read since the beginning of `#window`, which is one of the host's. */
  #lines = 0;
  #window = 0;
  /** Lines are here, but the reader gets none before the next window. */
  #held = false;
  /** Why it ends as soon as the session waits for a line, and since when; undefined: it doesn't. */
  #retiring: Farewell | undefined = undefined;
  #retiringSince: Milliseconds = 0;

  readonly #unsent: Unsent;

  #ending = false;
  #destroyed = false;
  /** Made when somebody waits for the end of the session; see {@link whenServed}. */
  #served: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined = undefined;
  #abort: AbortController | undefined = undefined;

  #idleTimeout: Milliseconds;
  /** When the peer was last heard, when the last progress in sending was seen, when it was ended: by the host's clock. */
  #heardAt: Milliseconds;
  #progressAt: Milliseconds;
  #endedAt: Milliseconds = 0;
  #sentAtSweep = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  /**
   * @param socket connected, with `allowHalfOpen`, not read yet
   * @param peer what the limits count it to
   */
  constructor(socket: Socket, host: ConnectionHost, peer: string) {
    this.countedTo = peer;
    this.#socket = socket;
    this.#unsent = new Unsent(socket);
    this.#host = host;
    this.#remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.#remotePort = socket.remotePort ?? 0;
    this.#idleTimeout = host.protocol.idleTimeout;
    this.#heardAt = host.now;
    this.#progressAt = host.now;
    own(socket, this);
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get remotePort(): number {
    return this.#remotePort;
  }

  get localAddress(): string {
    return plainAddress(this.#proxied?.localAddress ?? this.#socket.localAddress ?? '');
  }

  get localPort(): number {
    return this.#proxied?.localPort ?? this.#socket.localPort ?? 0;
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  get local(): boolean {
    return this.#proxied !== null && isLoopback(this.remoteAddress) && isLoopback(this.localAddress);
  }

  get closed(): boolean {
    return this.#ending || this.#destroyed;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  get pending(): boolean {
    return !this.#unread.isEmpty;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#destroyed) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  line(limit: number): Promise<Buffer | null> {
    return this.#read(true, limit);
  }

  lineNow(limit: number): Buffer | null | undefined {
    if (this.#retiring !== undefined) this.#leave(this.#retiring);
    if (this.closed) return null;
    this.#held = !this.#unread.isEmpty && this.#isTooFast();
    if (this.#held) return undefined;
    if (!this.#unread.hasLine(limit)) return this.#inputEnded ? null : undefined;
    this.#lines++;
    return this.#unread.takeLine(limit, this.#host.protocol.strictLines);
  }

  chunk(most: number): Promise<Buffer | null> {
    return this.#read(false, most);
  }

  unread(bytes: Buffer): void {
    if (bytes.length > 0 && !this.closed) this.#unread.putBack(bytes);
  }

  write(data: string | Buffer): void {
    if (this.closed || data.length === 0) return;
    this.#bytesOut += data.length;
    this.#host.traffic.bytesOut += data.length;
    this.#unsent.write(data);
  }

  drained(): Promise<void> | undefined {
    return this.#unsent.drained();
  }

  flushed(): Promise<void> {
    return this.#unsent.flushed();
  }

  async startTls(): Promise<void> {
    await this.flushed();
    // RFC 3501 6.2.1, RFC 3207 4.2: nothing said before the handshake is remembered.
    this.#unread.discard();
    while (this.#socket.read() !== null); // what a paused socket holds
    await this.#secure();
  }

  /** TLS from the first byte, or from the first after a proxy's header: what is unread belongs to the handshake. */
  async implicitTls(): Promise<void> {
    const unread = this.#unread.takeChunk(Number.POSITIVE_INFINITY);
    this.#unread.discard();
    this.#socket.pause();
    if (unread !== undefined) this.#socket.unshift(unread);
    await this.#secure();
  }

  setIdleTimeout(after: Milliseconds): void {
    this.#idleTimeout = after;
    this.#heardAt = this.#host.now;
  }

  claimAccount(account: AccountId, credential: SessionCredential): boolean {
    if (!this.#host.claimAccount(this, account)) return false;
    this.credential = credential;
    this.signedInAt = nowSeconds();
    return true;
  }

  end(): void {
    if (this.closed) return;
    this.#ending = true;
    this.#endedAt = this.#host.now;
    this.#unread.discard();
    this.#socket.resume(); // what still comes is thrown away, so that the peer can read our last words
    this.#unsent.end();
    this.#wake();
  }

  destroy(): void {
    this.#ending = true;
    this.#socket.destroy();
    this.#wake();
  }

  /** A trusted proxy is the other end of the socket; `ends`, when it knows them, stand in place of the socket's. */
  comesThrough(ends: Ends | null): void {
    this.#proxied = ends;
    if (ends === null) return;
    this.#remoteAddress = plainAddress(ends.remoteAddress);
    this.#remotePort = ends.remotePort;
  }

  /**
   * Ends the connection, with the protocol's farewell, as soon as the session waits for a line: a command under way is finished. At shutdown
   * the listener sees to those that take too long. Who is signed out is not waited for within a command either, where nothing is
   * acknowledged yet, and {@link LAST_COMMAND} is all that our own work gets.
   */
  retire(why: Farewell = 'shutdown'): void {
    this.#retiring ??= why;
    this.#retiringSince = this.#host.now;
    if (this.#reader !== undefined && (this.#readsLine || why !== 'shutdown')) this.#leave(why);
  }

  /** Resolves when the session is over: nothing more is done for it. */
  whenServed(): Promise<void> {
    this.#served ??= Promise.withResolvers<void>();
    return this.#served.promise;
  }

  get isServed(): boolean {
    return this.#served === SERVED;
  }

  /** From the listener: the session is over. */
  served(): void {
    this.#served?.resolve();
    this.#served = SERVED;
    this.end();
  }

  /** Ends the connection if its time is over; called every few seconds. */
  sweep(): void {
    const now = this.#host.now;
    if (this.#isOverdue(now)) {
      this.destroy();
      return;
    }
    const unsent = this.#unsent.length;
    if (unsent > 0) {
      const sent = this.#bytesOut - unsent;
      if (sent !== this.#sentAtSweep) {
        this.#sentAtSweep = sent;
        this.#progressAt = now;
      } else if (now - this.#progressAt >= STALLED_AFTER) {
        this.destroy();
      }
      this.#heardAt = now;
      return;
    }
    this.#progressAt = now;
    if (this.#ending) {
      if (now - this.#endedAt >= LINGER) this.destroy();
    } else if (this.#reader === undefined) {
      this.#heardAt = now; // it is the peer that waits for us
    } else if (this.#held && this.#readsLine) {
      this.#heardAt = now;
      if (this.#isTooFast()) return;
      this.#socket.resume();
      this.#wake();
    } else if (now - this.#heardAt >= this.#idleTimeout) {
      this.#leave('timeout');
    }
  }

  #isOverdue(now: Milliseconds): boolean {
    const why = this.#retiring;
    return why !== undefined && why !== 'shutdown' && !this.#ending && now - this.#retiringSince >= LAST_COMMAND;
  }

  // ---- heard from the socket

  received(bytes: Buffer): void {
    if (this.closed) return;
    this.#bytesIn += bytes.length;
    this.#host.traffic.bytesIn += bytes.length;
    // A line that goes on is no new sign of life: else a byte now and then would keep the connection for good.
    const goesOn = this.#reader !== undefined && this.#readsLine && !this.#held && this.#unread.isWithinLine;
    if (!goesOn) this.#heardAt = this.#host.now;
    noteBuffer(bytes.length);
    this.#unread.add(bytes);
    this.#wake();
    const nobodyReads = this.#reader === undefined || (this.#readsLine && this.#held);
    if (nobodyReads && this.#unread.length > MOST_UNREAD) this.#socket.pause();
  }

  inputEnded(): void {
    this.#inputEnded = true;
    this.#wake();
  }

  sendMore(): void {
    this.#unsent.send();
  }

  socketClosed(): void {
    this.#destroyed = true;
    this.#unread.discard();
    this.#unsent.discard();
    this.#wake();
    this.#abort?.abort();
    this.#host.onClosed(this);
  }

  // ---- within

  /** True when the peer has used up its lines of this window; the sweep wakes the reader in the next one. */
  #isTooFast(): boolean {
    if (this.#window !== this.#host.window) {
      this.#window = this.#host.window;
      this.#lines = 0;
    }
    return this.#lines >= this.#host.linesAWindow;
  }

  #leave(why: Farewell): void {
    this.write(this.#host.protocol.farewell(why));
    this.end();
  }

  /** Not an async function: its frame would be kept by each connection that waits. */
  #read(line: boolean, most: number): Promise<Buffer | null> {
    if (this.#reader !== undefined) return Promise.reject(new Error('two readers of one connection'));
    let read: Buffer | null | undefined;
    try {
      read = line ? this.lineNow(most) : this.#chunkNow(most);
    } catch (error) {
      return Promise.reject(error);
    }
    if (read !== undefined) return Promise.resolve(read);
    this.#readsLine = line;
    this.#readsMost = most;
    if (this.#socket.isPaused() && !(line && this.#held)) this.#socket.resume();
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  /** Gives the reader that waits what it waits for, if it is here now. */
  #wake(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    let read: Buffer | null | undefined | Promise<never>;
    try {
      read = this.#readsLine ? this.lineNow(this.#readsMost) : this.#chunkNow(this.#readsMost);
    } catch (error) {
      read = Promise.reject(error);
    }
    if (read === undefined) return;
    this.#heardAt = this.#host.now;
    this.#reader = undefined;
    reader(read);
  }

  /** As {@link chunk}, when there is one, or none will be; else undefined. */
  #chunkNow(most: number): Buffer | null | undefined {
    if (this.#retiring !== undefined && this.#retiring !== 'shutdown') this.#leave(this.#retiring);
    if (this.closed) return null;
    return this.#unread.takeChunk(most) ?? (this.#inputEnded ? null : undefined);
  }

  /** Puts TLS between the socket and us. @throws BadCommand when the handshake fails; the connection is closed then */
  async #secure(): Promise<void> {
    const plain = this.#socket;
    if (plain instanceof TLSSocket) throw new Error('TLS is on already');
    if (this.closed || this.#inputEnded) {
      this.destroy();
      throw new BadCommand('the connection ended before the TLS handshake');
    }
    disown(plain);
    const tls = new TLSSocket(plain, { ...this.#host.tlsOptions(), isServer: true });
    this.#socket = tls;
    this.#unsent.goesTo(tls);
    own(tls, this);
    await handshake(tls);
  }
}
