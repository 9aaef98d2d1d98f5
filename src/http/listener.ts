/**
 * Listens for HTTP on some addresses, plain or with TLS, and keeps its connections within their bounds. Requests are read by Node's own HTTP
 * server, which is given each connection once it is ready: sockets, limits, proxies and certificates are ours, as for the line protocols.
 *
 * Invariants:
 * - Every connection is counted from its accept to its close, to the address it comes from: nobody signs in to a connection here.
 * - A wait for the client has an end: for the handshake, a request's head, its body, the next request, and for taking in an answer.
 * - After {@link HttpListener.stop} nothing is left: no socket, no timer.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { Logger } from 'pino';
import { isExpected } from '../errors.ts';
import { libraries } from '../libraries.ts';
import { isIn, peerOf, plainAddress } from '../net/address.ts';
import type { ConnectionLimits, Counted } from '../net/limits.ts';
import { type Address, Listening } from '../net/listening.ts';
import type { Milliseconds } from '../store/ids.ts';
import { comesThrough } from './client.ts';
import { readProxyHeader, secure } from './intake.ts';

/** Requests that a client may have sent ahead of their answers on one connection (RFC 9112 9.3.2). Browsers don't; who sends more is cut off. */
const MOST_PIPELINED = 16;

/** Time that sockets which were destroyed get to say that they are closed. */
const LAST_STEPS: Milliseconds = 5_000;

/** What ALPN calls it (RFC 7301 6). */
export const HTTP = 'http/1.1';

export interface HttpTimes {
  /** For the header of a proxy and the TLS handshake. */
  readonly preparation: Milliseconds;
  /** For the head of a request, and for all of it. */
  readonly head: Milliseconds;
  readonly request: Milliseconds;
  /** Until the next request. */
  readonly idle: Milliseconds;
  /** Without a byte going either way, while an answer is on its way. */
  readonly stalled: Milliseconds;
  /** How often the first ones are looked at. */
  readonly checkEvery: Milliseconds;
}

export const HTTP_TIMES: HttpTimes = {
  preparation: 20_000,
  head: 20_000,
  request: 60_000,
  idle: 15_000,
  stalled: 120_000,
  checkEvery: 2_000,
};

export interface HttpListenerOptions {
  /** `http` or `https`, for the metrics. */
  readonly name: string;
  readonly addresses: readonly Address[];
  /** Answers a request. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Asked at each handshake; null: no TLS. */
  readonly certificates: { tlsOptions(): TLSSocketOptions } | null;
  readonly limits: ConnectionLimits;
  /** Networks from which every connection must begin with a PROXY header. */
  readonly proxies?: BlockList;
  readonly log: Logger;
  /** Called when the last request is answered, once, before {@link HttpListener.stop} resolves. */
  readonly onStopped?: () => Promise<void>;
  /** For tests. */
  readonly times?: HttpTimes;
}

/** A connection, as long as its socket is open. */
interface Open extends Counted {
  /** Its requests come from here, once it is ready: the TLS on the socket, or the socket itself. */
  ready: Socket | null;
  /** Answers that are not given yet. */
  readonly waiting: Set<ServerResponse>;
}

export class HttpListener {
  readonly protocol: { readonly name: string };
  /** Connections accepted, and turned away by a limit, since the start. */
  readonly totals = { accepted: 0, turnedAway: 0 };
  readonly #options: HttpListenerOptions;
  readonly #times: HttpTimes;
  readonly #http: HttpServer;
  readonly #listening: Listening;
  readonly #connections = new Map<Socket, Open>();
  /** By the socket that their requests come from. */
  readonly #byReady = new WeakMap<Socket, Open>();
  /** Of connections that are closed. */
  readonly #closedTraffic = { bytesIn: 0, bytesOut: 0 };
  #stopping: Promise<void> | undefined;
  #quiet: (() => void) | undefined;

  private constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#listening = new Listening((socket) => this.#accept(socket), options.log);
    this.#times = options.times ?? HTTP_TIMES;
    this.protocol = { name: options.name };
    const { head, request, idle, stalled, checkEvery } = this.#times;
    this.#http = libraries.http.createServer(
      {
        headersTimeout: head,
        requestTimeout: request,
        keepAliveTimeout: idle,
        connectionsCheckingInterval: checkEvery,
        maxHeaderSize: 16_384,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#http.timeout = stalled;
    this.#http.on('clientError', (error, socket) => this.#answerNoRequest(error, socket as Socket));
    // It never listens itself. This is what begins its watch over the times of the connections it is given.
    this.#http.emit('listening');
  }

  /** Listens on every address, or on none: then the error of the first that failed is thrown, with `address` and `port`. */
  static async listen(options: HttpListenerOptions): Promise<HttpListener> {
    const listener = new HttpListener(options);
    try {
      await listener.#listening.open(options.addresses);
    } catch (error) {
      await listener.stop(0);
      throw error;
    }
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

  /** Bytes of all connections, without TLS. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    let { bytesIn, bytesOut } = this.#closedTraffic;
    for (const { ready } of this.#connections.values()) {
      bytesIn += ready?.bytesRead ?? 0;
      bytesOut += ready?.bytesWritten ?? 0;
    }
    return { bytesIn, bytesOut };
  }

  /**
   * Stops accepting; requests under way are answered. What is still open after `within` is destroyed. Resolves when all is over; safe to
   * call twice.
   */
  stop(within: Milliseconds): Promise<void> {
    this.#stopping ??= this.#stop(within);
    return this.#stopping;
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? ''); // empty: it is gone already
    const peer = peerOf(address);
    if (address === '' || !this.#options.limits.admit(peer)) {
      if (address !== '') this.totals.turnedAway++;
      socket.destroy();
      return;
    }
    this.totals.accepted++;
    const connection: Open = { countedTo: peer, ready: null, waiting: new Set() };
    this.#connections.set(socket, connection);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#closed(socket, connection));
    const timer = setTimeout(() => socket.destroy(), this.#times.preparation);
    this.#prepare(socket, connection, address)
      .catch((error: unknown) => {
        const about = { address, err: error };
        if (isExpected(error)) this.#options.log.debug(about, 'a connection failed before its first request');
        else this.#options.log.error(about, 'a connection could not be prepared');
        socket.destroy();
      })
      .finally(() => clearTimeout(timer));
  }

  /** Brings a connection to where its first request may come. */
  async #prepare(socket: Socket, connection: Open, address: string): Promise<void> {
    const { proxies, certificates, limits } = this.#options;
    const proxied = proxies !== undefined && isIn(proxies, address);
    const ends = proxied ? await readProxyHeader(socket) : null;
    if (ends !== null && !limits.movePeer(connection, peerOf(plainAddress(ends.remoteAddress)))) {
      this.totals.turnedAway++;
      socket.destroy();
      return;
    }
    const ready = certificates === null ? socket : await secure(socket, certificates.tlsOptions());
    // Another protocol than HTTP was agreed on: the handshake was all of it (RFC 8737 3).
    if (ready instanceof TLSSocket && (ready.alpnProtocol || HTTP) !== HTTP) return ready.destroySoon();
    if (socket.destroyed || this.#stopping !== undefined) return void socket.destroy();
    if (proxied) comesThrough(ready, ends);
    connection.ready = ready;
    this.#byReady.set(ready, connection);
    this.#http.emit('connection', ready); // as Node's documentation allows
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#byReady.get(request.socket);
    if (connection === undefined || connection.waiting.size >= MOST_PIPELINED) return void request.socket.destroy();
    connection.waiting.add(response);
    response.on('close', () => {
      connection.waiting.delete(response);
      if (this.#stopping !== undefined && connection.waiting.size === 0) request.socket.destroySoon();
    });
    if (this.#stopping !== undefined) response.setHeader('connection', 'close');
    this.#options.handle(request, response);
  }

  /** What is not HTTP, or comes too slowly, is told so, and its connection ends. */
  #answerNoRequest(error: NodeJS.ErrnoException, socket: Socket): void {
    const answers = [...(this.#byReady.get(socket)?.waiting ?? [])];
    if (!socket.writable || answers.some(({ headersSent }) => headersSent)) return void socket.destroy();
    const status = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request';
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  }

  #closed(socket: Socket, connection: Open): void {
    this.#connections.delete(socket);
    this.#options.limits.release(connection);
    this.#closedTraffic.bytesIn += connection.ready?.bytesRead ?? 0;
    this.#closedTraffic.bytesOut += connection.ready?.bytesWritten ?? 0;
    connection.ready?.destroy();
    if (this.#connections.size === 0) this.#quiet?.();
  }

  async #stop(within: Milliseconds): Promise<void> {
    const closed = this.#listening.close();
    for (const [socket, { waiting }] of this.#connections) if (waiting.size === 0) socket.destroy();
    await this.#goneWithin(within);
    for (const socket of this.#connections.keys()) socket.destroy();
    await this.#goneWithin(LAST_STEPS);
    this.#http.close(); // ends its watch
    await closed;
    await this.#options.onStopped?.();
  }
  /** Resolves when no connection is open, or when the time is over. */
  async #goneWithin(time: Milliseconds): Promise<void> {
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#quiet = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#quiet = undefined;
  }
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
};
