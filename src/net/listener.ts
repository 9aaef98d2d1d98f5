/**
 * Listens on some addresses for one line protocol, and keeps its connections within their bounds.
 *
 * Invariants:
 * - Every connection is counted from its accept to its close: in all, and either to its address or to its account.
 * - A rejection of `serve` ends its connection and no other; when it is a fault of ours, it is logged and counted.
 * - After {@link Listener.stop} nothing is left: no socket, no timer, and (unless one hangs) no session.
 */
import type { BlockList, Socket } from 'node:net';
import type { TLSSocketOptions } from 'node:tls';
import type { Logger } from 'pino';
import { isExpected } from '../errors.ts';
import type { AccountId, Milliseconds } from '../store/ids.ts';
import { isIn, peerOf, plainAddress } from './address.ts';
import { Connection } from './connection.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { LineProtocol } from './connection-types.ts';
import type { ConnectionLimits } from './limits.ts';
import { LineSession } from './line-session.ts';
import { type Address, Listening } from './listening.ts';
import { MOST_PROXY_HEADER, parseProxyHeader } from './proxy-protocol.ts';
import type { OpenSession, SessionSource, Sessions } from './sessions.ts';

const SWEEP_EVERY: Milliseconds = 2_000;
/** Lines are counted in windows of so many sweeps: ten seconds. */
const SWEEPS_A_WINDOW = 5;

const PROXY_HEADER_TIMEOUT: Milliseconds = 10_000;

/** Time that sessions get, after their connections are gone, to notice it. */
const LAST_STEPS: Milliseconds = 5_000;

export interface ListenerOptions {
  readonly protocol: LineProtocol;
  readonly addresses: readonly Address[];
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  /** Null: no TLS at all, neither implicit nor STARTTLS. */
  readonly certificates: { tlsOptions(): TLSSocketOptions } | null;
  readonly limits: ConnectionLimits;
  /** Where those who signed in can be found and ended. */
  readonly sessions?: Sessions;
  /** Lines (commands) a connection may give in ten seconds; then it waits. */
  readonly linesAWindow: number;
  /** Networks from which every connection must begin with a PROXY header. */
  readonly proxies?: BlockList;
  /** Networks that may connect at all (LMTP: nobody signs in there). Everybody, when absent. */
  readonly allowed?: BlockList;
  readonly log: Logger;
  readonly onInternalError: (where: string, error: unknown) => void;
  /** For tests: time, and how often it is looked at. */
  readonly clock?: () => Milliseconds;
  readonly sweepEvery?: Milliseconds;
}

export class Listener implements ConnectionHost, SessionSource {
  readonly protocol: LineProtocol;
  readonly linesAWindow: number;
  readonly traffic = { bytesIn: 0, bytesOut: 0 };
  /** Connections accepted, and turned away by a limit, since the start. */
  readonly totals = { accepted: 0, turnedAway: 0 };
  now: Milliseconds;
  window = 0;

  readonly #options: ListenerOptions;
  readonly #clock: () => Milliseconds;
  readonly #listening: Listening;
  readonly #connections = new Set<Connection>();
  #sessions = 0;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #stopping: Promise<void> | undefined;
  #quiet: (() => void) | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#listening = new Listening((socket) => this.#accept(socket), options.log);
    this.#clock = options.clock ?? (() => performance.now());
    this.protocol = options.protocol;
    this.linesAWindow = options.linesAWindow;
    this.now = Math.floor(this.#clock());
  }

  /** Listens on every address, or on none: then the error of the first that failed is thrown, with `address` and `port`. */
  static async listen(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    try {
      await listener.#listening.open(options.addresses);
    } catch (error) {
      await listener.stop(0);
      throw error;
    }
    options.sessions?.watch(listener);
    listener.#sweepTimer = setInterval(() => listener.#sweep(), options.sweepEvery ?? SWEEP_EVERY).unref();
    return listener;
  }

  /** Where it listens, with the ports that were free. Empty once it stops. */
  get addresses(): readonly Address[] {
    return this.#listening.addresses;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#connections.size;
  }

  /**
   * Stops accepting; sessions finish the command they are in and say farewell. What is still open after `within` is
   * destroyed. Resolves when all is over; safe to call twice.
   */
  stop(within: Milliseconds): Promise<void> {
    this.#stopping ??= this.#stop(within);
    return this.#stopping;
  }

  tlsOptions(): TLSSocketOptions {
    if (this.#options.certificates === null) throw new Error('this listener has no certificates');
    return this.#options.certificates.tlsOptions();
  }

  claimAccount(connection: Connection, account: AccountId): boolean {
    return this.#options.limits.claimAccount(connection, account);
  }

  *sessions(account?: AccountId): Generator<OpenSession> {
    const { name } = this.protocol;
    if (name === 'smtp' || name === 'lmtp') return; // nobody signs in there
    for (const connection of this.#connections) {
      const { countedTo, credential, isServed } = connection;
      if (typeof countedTo === 'string' || credential === null || isServed) continue;
      if (account !== undefined && countedTo !== account) continue;
      yield new LineSession(connection, name, countedTo, credential);
    }
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#options.limits.release(connection);
    this.#tellQuiet();
  }

  #accept(socket: Socket): void {
    const { limits, allowed, log } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? ''); // empty: it is gone already
    if (address === '' || (allowed !== undefined && !isIn(allowed, address))) {
      if (address !== '')
        log.warn({ address, protocol: this.protocol.name }, 'a connection from a network that may not');
      socket.destroy();
      return;
    }
    const peer = peerOf(address);
    if (!limits.admit(peer)) {
      this.totals.turnedAway++;
      this.#turnAway(socket);
      return;
    }
    this.totals.accepted++;
    const connection = new Connection(socket, this, peer);
    this.#connections.add(connection);
    this.#sessions++;
    this.#serve(connection);
  }

  #turnAway(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    // Before TLS a farewell could not be understood. The socket must go at once, lest the many that come too many stay.
    if (!this.#options.implicitTls) socket.write(this.protocol.farewell('busy'), 'latin1');
    socket.destroySoon();
  }

  /** From greeting to end. Not an async function: its frame would be kept by each connection that waits. */
  #serve(connection: Connection): void {
    this.#prepared(connection).then(
      () => this.#over(connection),
      (error) => this.#over(connection, error),
    );
  }

  /** Serves the connection, once what comes before its greeting is done. */
  #prepared(connection: Connection): Promise<void> {
    const { proxies, implicitTls } = this.#options;
    const proxied = proxies !== undefined && isIn(proxies, connection.remoteAddress);
    return proxied || implicitTls ? this.#prepare(connection, proxied) : this.protocol.serve(connection);
  }

  async #prepare(connection: Connection, proxied: boolean): Promise<void> {
    if (proxied && !(await this.#readProxyHeader(connection))) return;
    if (this.#options.implicitTls) await connection.implicitTls();
    await this.protocol.serve(connection);
  }

  #over(connection: Connection, error?: unknown): void {
    if (error !== undefined) this.#failed(connection, error);
    connection.served();
    this.#sessions--;
    this.#tellQuiet();
  }

  /** False: the connection ended before the header did, or its peer has too many. @throws BadCommand when it is no header */
  async #readProxyHeader(connection: Connection): Promise<boolean> {
    connection.setIdleTimeout(PROXY_HEADER_TIMEOUT);
    let bytes: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await connection.chunk(MOST_PROXY_HEADER);
      if (chunk === null) return false;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const header = parseProxyHeader(bytes);
      if (header === undefined) continue;
      connection.unread(bytes.subarray(header.length));
      connection.comesThrough(header.ends);
      break;
    }
    connection.setIdleTimeout(this.protocol.idleTimeout);
    if (this.#options.limits.movePeer(connection, peerOf(connection.remoteAddress))) return true;
    this.totals.turnedAway++;
    if (!this.#options.implicitTls) connection.write(this.protocol.farewell('busy'));
    return false;
  }

  #failed(connection: Connection, error: unknown): void {
    const { log, onInternalError } = this.#options;
    const about = { connection: connection.id, address: connection.remoteAddress, err: error };
    if (isExpected(error)) {
      log.debug(about, 'a connection failed before or between commands');
      return;
    }
    log.error(about, 'a session ended by a fault of ours');
    onInternalError(this.protocol.name, error);
  }

  #sweep(): void {
    this.now = Math.floor(this.#clock());
    if (++this.#sweeps % SWEEPS_A_WINDOW === 0) this.window++;
    for (const connection of this.#connections) connection.sweep();
  }

  async #stop(within: Milliseconds): Promise<void> {
    const closed = this.#listening.close();
    for (const connection of this.#connections) connection.retire();
    await this.#quietWithin(within);
    clearInterval(this.#sweepTimer);
    for (const connection of this.#connections) connection.destroy();
    await this.#quietWithin(LAST_STEPS);
    await closed;
  }

  /** Resolves when no connection is open and no session runs, or when the time is over. */
  async #quietWithin(time: Milliseconds): Promise<void> {
    if (this.#isQuiet) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#quiet = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#quiet = undefined;
  }

  get #isQuiet(): boolean {
    return this.#connections.size === 0 && this.#sessions === 0;
  }

  #tellQuiet(): void {
    if (this.#isQuiet) this.#quiet?.();
  }
}
