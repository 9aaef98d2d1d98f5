/**
 * A connection of a line protocol over a TCP socket, plain or TLS.
 *
 * Invariants:
 * - Idle costs little: no timer, no buffer, no closure belongs to a connection that waits. One sweep per listener
 *   watches the time for all ({@link Connection.sweep}); the listeners of the socket are the same functions for all.
 * - What is unread is bounded: beyond {@link MOST_UNREAD} the socket is paused unless a reader waits, and a reader waits
 *   for no more than one line of its own limit.
 * - What is unsent is handed to the socket in steps of {@link SEND_STEP}, so that progress shows even in a large message;
 *   sessions await {@link Connection.drained}, which bounds the rest.
 * - A fault of the network is an end of the connection, never an exception.
 */
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { BadCommand } from '../errors.ts';
import { noteBuffer } from '../passing-buffers.ts';
import { type AccountId, type EpochSeconds, type Milliseconds, nowSeconds } from '../store/ids.ts';
import { isLoopback, plainAddress } from './address.ts';
import type { LineConnection, LineProtocol } from './connection-types.ts';
import type { Farewell } from './farewell.ts';
import type { Counted } from './limits.ts';
import { LineTooLong, type Swallowed, swallow } from './line-too-long.ts';
import type { Ends } from './proxy-protocol.ts';
import { nextSessionId, type SessionCredential } from './sessions.ts';

/** Bytes that may wait unread before the socket is paused: a few reads of 64 KB, and more than most pipelines. */
const MOST_UNREAD = 256 * 1024;

/** Bytes the socket is given at a time. Slower than one step in {@link STALLED_AFTER} (1 KB/s) counts as not reading. */
const SEND_STEP = 128 * 1024;

/**
 * Bytes that may wait unsent before {@link Connection.drained} asks to wait. The kernel buffers some megabytes more, so that
 * a larger figure gains no speed, only memory: with the piece of 1 MB that a session adds at a time, about 1.3 MB a connection.
 */
const MOST_UNSENT = 256 * 1024;

/** Time without progress, while something is unsent, after which the peer is dropped. */
const STALLED_AFTER: Milliseconds = 120_000;

/** Time the peer has to close its side after we closed ours. */
const LINGER: Milliseconds = 10_000;

const HANDSHAKE_TIMEOUT: Milliseconds = 30_000;

/** Time that the command under way gets when its session is ended. */
const LAST_COMMAND: Milliseconds = 5_000;

const LF = 10;
const CR = 13;

/** What the connections of one listener share. */
export interface ConnectionHost {
  readonly protocol: LineProtocol;
  /** Bytes of all connections, in clear. */
  readonly traffic: { bytesIn: number; bytesOut: number };
  /** A coarse clock, set by the sweep: any steady origin. */
  readonly now: Milliseconds;
  /** Rises every few seconds; in each, a connection may give so many lines. One that gives more waits for the next. */
  readonly window: number;
  readonly linesAWindow: number;
  /** For a TLS handshake that begins now. */
  tlsOptions(): TLSSocketOptions;
  /** Moves the connection's count from its address to the account; false when the account has too many. */
  claimAccount(connection: Connection, account: AccountId): boolean;
  /** The socket is closed: the connection's last sign of life. */
  onClosed(connection: Connection): void;
}

const connectionOf = Symbol('connection');

/** A socket that knows its connection, so that its listeners can be shared by all. */
interface OwnedSocket extends Socket {
  [connectionOf]: Connection;
}

/** Nothing is left to wait for. */
const SERVED = { promise: Promise.resolve(), resolve: () => {} };

function onData(this: Socket, bytes: Buffer): void {
  (this as OwnedSocket)[connectionOf].received(bytes);
}

function onEnd(this: Socket): void {
  (this as OwnedSocket)[connectionOf].inputEnded();
}

function onDrain(this: Socket): void {
  (this as OwnedSocket)[connectionOf].sendMore();
}

function onClose(this: Socket): void {
  (this as OwnedSocket)[connectionOf].socketClosed();
}

/** 'close' follows, and tells everybody. */
function onError(): void {}

export class Connection implements LineConnection, Counted {
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

  /** What arrived and was not read: the bytes from `#start` to `#end`; null when there are none. */
  #unread: Buffer | null = null;
  #start = 0;
  #end = 0;
  /** No LF is before this place. */
  #scanned = 0;
  /** While in a line beyond its limit, which is thrown away as it comes: its ends. */
  #swallowed: Swallowed | null = null;
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

  /** Written in this turn and not queued yet. */
  #text = '';
  /** Written before `#text`; null, as nearly always, when there is none. */
  #queue: (string | Buffer)[] | null = null;
  #queuedBytes = 0;
  #sendScheduled = false;
  #drain: { promise: Promise<void>; resolve: () => void } | undefined = undefined;

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
    this.#host = host;
    this.#remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.#remotePort = socket.remotePort ?? 0;
    this.#idleTimeout = host.protocol.idleTimeout;
    this.#heardAt = host.now;
    this.#progressAt = host.now;
    this.#attach(socket);
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
    return this.#unread !== null;
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
    const unread = this.#unread;
    this.#held = unread !== null && this.#isTooFast();
    if (unread === null) return this.#inputEnded ? null : undefined;
    if (this.#held) return undefined;

    const lf = unread.indexOf(LF, this.#scanned);
    if (lf === -1 || lf >= this.#end) {
      // One byte more than the limit may be the CR of the line's end.
      if (this.#swallowed !== null || this.#end - this.#start > limit + 1) {
        this.#swallowed = swallow(this.#swallowed, unread.subarray(this.#start, this.#end));
        this.#take(this.#end - this.#start);
      } else {
        this.#scanned = this.#end;
      }
      return this.#inputEnded ? null : undefined;
    }

    this.#lines++;
    const start = this.#start;
    this.#take(lf + 1 - start);
    const hasCr = lf > start && unread[lf - 1] === CR;
    const end = hasCr ? lf - 1 : lf;
    if (this.#swallowed !== null || end - start > limit) {
      const swallowed = swallow(this.#swallowed, unread.subarray(start, end));
      this.#swallowed = null;
      throw new LineTooLong(limit, swallowed);
    }
    const line = unread.subarray(start, end);
    if (this.#host.protocol.strictLines) {
      if (!hasCr) throw new BadCommand('a line must end with CR and LF, not with LF alone');
      if (line.includes(CR)) throw new BadCommand('a CR may only stand before LF');
    }
    return line;
  }

  chunk(most: number): Promise<Buffer | null> {
    return this.#read(false, most);
  }

  unread(bytes: Buffer): void {
    if (bytes.length === 0 || this.closed) return;
    const unread = this.#unread;
    if (unread === null) {
      this.#unread = bytes;
      this.#start = 0;
      this.#end = bytes.length;
    } else if (
      bytes.buffer === unread.buffer &&
      bytes.byteOffset + bytes.length === unread.byteOffset + this.#start &&
      bytes.length <= this.#start
    ) {
      this.#start -= bytes.length; // the very bytes that were taken last
    } else {
      this.#unread = Buffer.concat([bytes, unread.subarray(this.#start, this.#end)]);
      this.#start = 0;
      this.#end = this.#unread.length;
    }
    this.#scanned = this.#start;
  }

  write(data: string | Buffer): void {
    if (this.closed || data.length === 0) return;
    this.#bytesOut += data.length;
    this.#host.traffic.bytesOut += data.length;
    if (typeof data === 'string') {
      this.#text += data;
      if (this.#text.length >= SEND_STEP) this.#queueText();
    } else {
      this.#queueText();
      this.#queue ??= [];
      this.#queue.push(data);
      this.#queuedBytes += data.length;
    }
    if (!this.#sendScheduled) {
      this.#sendScheduled = true;
      process.nextTick(Connection.#sendNow, this); // after all that the session does in this turn
    }
  }

  drained(): Promise<void> | undefined {
    if (this.#unsent <= MOST_UNSENT || this.#destroyed) return undefined;
    this.#drain ??= Promise.withResolvers<void>();
    return this.#drain.promise;
  }

  async flushed(): Promise<void> {
    for (let wait = this.drained(); wait !== undefined; wait = this.drained()) await wait;
    this.#send(Number.POSITIVE_INFINITY);
    if (this.#destroyed || this.#socket.writableLength === 0) return;
    await new Promise((resolve) => this.#socket.write('', resolve));
  }

  async startTls(): Promise<void> {
    await this.flushed();
    // RFC 3501 6.2.1, RFC 3207 4.2: nothing said before the handshake is remembered.
    this.#discardInput();
    while (this.#socket.read() !== null); // what a paused socket holds
    await this.#secure();
  }

  /** TLS from the first byte, or from the first after a proxy's header: what is unread belongs to the handshake. */
  async implicitTls(): Promise<void> {
    const unread = this.#unread?.subarray(this.#start, this.#end);
    this.#discardInput();
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
    this.#discardInput();
    this.#socket.resume(); // what still comes is thrown away, so that the peer can read our last words
    if (!this.#sendScheduled) this.#send();
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
    const unsent = this.#unsent;
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

  get #unsent(): number {
    return this.#text.length + this.#queuedBytes + this.#socket.writableLength;
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    (socket as OwnedSocket)[connectionOf] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /** Leaves the plain socket to TLS; its errors stay ours to swallow. */
  #detach(socket: Socket): void {
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('drain', onDrain);
    socket.off('close', onClose);
  }

  /** From the socket: bytes have come. */
  received(bytes: Buffer): void {
    if (this.closed) return;
    this.#bytesIn += bytes.length;
    this.#host.traffic.bytesIn += bytes.length;
    this.#heardAt = this.#host.now;
    noteBuffer(bytes.length);
    if (this.#unread === null) {
      this.#unread = bytes;
      this.#start = 0;
      this.#end = bytes.length;
      this.#scanned = 0;
    } else {
      this.#append(this.#unread, bytes);
    }
    this.#wake();
    const nobodyReads = this.#reader === undefined || (this.#readsLine && this.#held);
    if (nobodyReads && this.#unread !== null && this.#end - this.#start > MOST_UNREAD) this.#socket.pause();
  }

  /** From the socket: the peer has sent its last byte. */
  inputEnded(): void {
    this.#inputEnded = true;
    this.#wake();
  }

  /** From the socket: it has room again. */
  sendMore(): void {
    this.#send();
  }

  /** From the socket: it is closed. */
  socketClosed(): void {
    this.#destroyed = true;
    this.#discardInput();
    this.#text = '';
    this.#queue = null;
    this.#queuedBytes = 0;
    this.#wake();
    this.#drain?.resolve();
    this.#abort?.abort();
    this.#host.onClosed(this);
  }

  /** Adds to what is unread; room is doubled, so that bytes that come one by one are not copied again and again. */
  #append(unread: Buffer, bytes: Buffer): void {
    const length = this.#end - this.#start + bytes.length;
    if (unread.length - this.#end < bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * length));
      unread.copy(larger, 0, this.#start, this.#end);
      this.#scanned -= this.#start;
      this.#end -= this.#start;
      this.#start = 0;
      this.#unread = larger;
    }
    bytes.copy(this.#unread!, this.#end);
    this.#end += bytes.length;
  }

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

  #take(length: number): void {
    this.#start += length;
    this.#scanned = this.#start;
    if (this.#start === this.#end) this.#unread = null;
  }

  #discardInput(): void {
    this.#unread = null;
    this.#swallowed = null;
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
    this.#reader = undefined;
    reader(read);
  }

  /** As {@link chunk}, when there is one, or none will be; else undefined. */
  #chunkNow(most: number): Buffer | null | undefined {
    if (this.#retiring !== undefined && this.#retiring !== 'shutdown') this.#leave(this.#retiring);
    if (this.closed) return null;
    const unread = this.#unread;
    if (unread === null) return this.#inputEnded ? null : undefined;
    const start = this.#start;
    const length = Math.min(most, this.#end - start);
    this.#take(length);
    return unread.subarray(start, start + length);
  }

  #queueText(): void {
    if (this.#text === '') return;
    this.#queue ??= [];
    this.#queue.push(this.#text);
    this.#queuedBytes += this.#text.length;
    this.#text = '';
  }

  static #sendNow(connection: Connection): void {
    connection.#sendScheduled = false;
    connection.#send();
  }

  /** Gives the socket all it may have at a time; 'drain' brings us back for the rest. */
  #send(atATime = SEND_STEP): void {
    if (this.#destroyed) return;
    const socket = this.#socket;
    if (this.#queue === null && socket.writableLength < atATime) {
      // The usual answer: some text that goes out whole.
      if (this.#text !== '') socket.write(this.#text, 'latin1');
      this.#text = '';
    } else {
      this.#queueText();
      if (this.#queue !== null) this.#sendQueue(socket, this.#queue, atATime);
    }
    if (this.#drain !== undefined && this.#unsent <= MOST_UNSENT) {
      this.#drain.resolve();
      this.#drain = undefined;
    }
    if (this.#ending && this.#queue === null) socket.end();
  }

  #sendQueue(socket: Socket, queue: (string | Buffer)[], atATime: number): void {
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

  /** Puts TLS between the socket and us. @throws BadCommand when the handshake fails; the connection is closed then */
  async #secure(): Promise<void> {
    const plain = this.#socket;
    if (plain instanceof TLSSocket) throw new Error('TLS is on already');
    if (this.closed || this.#inputEnded) {
      this.destroy();
      throw new BadCommand('the connection ended before the TLS handshake');
    }
    this.#detach(plain);
    const tls = new TLSSocket(plain, { ...this.#host.tlsOptions(), isServer: true });
    this.#attach(tls);
    await handshake(tls);
  }
}

/** Waits for the end of a handshake. @throws BadCommand, with the socket destroyed, when it fails or takes too long */
function handshake(tls: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => tls.destroy(new Error('the TLS handshake took too long')), HANDSHAKE_TIMEOUT);
    const finish = (failed: boolean) => {
      clearTimeout(timer);
      tls.off('secure', succeeded).off('end', broken).off('close', broken);
      if (!failed) return resolve();
      tls.destroy();
      reject(new BadCommand('the TLS handshake failed', { cause: tls.errored }));
    };
    const succeeded = () => finish(false);
    const broken = () => finish(true);
    tls.on('secure', succeeded).on('end', broken).on('close', broken);
  });
}
