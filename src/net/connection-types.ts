/**
 * A connection of a line protocol (IMAP, POP3, SMTP, LMTP), plain or TLS. One consumer reads, in order; writing never
 * blocks the session but {@link LineConnection.drained} tells when to wait. Bounds on everything are the connection's own.
 */
import type { TLSSocket } from 'node:tls';
import type { AccountId, Milliseconds } from '../store/ids.ts';
import type { Farewell } from './farewell.ts';
import type { SessionCredential } from './sessions.ts';

export interface LineConnection {
  /** For logs: rises with each connection of the process. */
  readonly id: number;
  /** What the client calls itself, for those who look at the sessions; empty until it says. Short: it is kept. */
  client: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** TLS is on, from the start or by STARTTLS. */
  readonly secure: boolean;
  /** Both ends are loopback and no proxy says otherwise: plain text sign-in is allowed without TLS. */
  readonly local: boolean;
  /** The TLS socket, for channel binding; undefined while plain. */
  readonly tls: TLSSocket | undefined;
  /** Nothing can be written any more: the connection is gone, or {@link end} or {@link destroy} was called. */
  readonly closed: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;

  /**
   * The next line without its CRLF. A bare LF ends a line too, unless the protocol refuses it (`strictLines`: BadCommand).
   * The buffer is a view of what arrived with it: copy what is kept for long.
   * @returns null at the end of the connection (by the peer, by a timeout, by shutdown)
   * @throws LineTooLong (a BadCommand) when it is longer than `limit` bytes: it has been swallowed whole and the session may go on
   */
  line(limit: number): Promise<Buffer | null>;

  /** As {@link line} when a whole line is already here, else undefined: the way to see whether a client pipelines. */
  lineNow(limit: number): Buffer | null | undefined;

  /** The next bytes, at least one and at most `most`: for literals and message data. The buffer is the caller's. Null at the end. */
  chunk(most: number): Promise<Buffer | null>;

  /** Puts bytes back in front of what is not read yet (after a chunk that went beyond what was wanted). */
  unread(bytes: Buffer): void;

  /** True when bytes are here that were not read yet. */
  readonly pending: boolean;

  /** Queues bytes; a string is written one byte a character (latin1). Everything queued in one turn of the loop goes out together. */
  write(data: string | Buffer): void;

  /** Undefined when there is room; else a promise to await before writing more (resolves, too, when the connection ends). Await it once a piece of up to about 1 MB. */
  drained(): Promise<void> | undefined;

  /** Resolves when all that was written is with the operating system, or the connection has ended: written buffers may change now. */
  flushed(): Promise<void>;

  /**
   * Turns TLS on after the go-ahead (already written) has been sent. What the peer sent in plain text before the handshake is
   * discarded (RFC 3501 6.2.1 and the STARTTLS injection attacks). @throws BadCommand when the handshake fails; the connection is closed then
   */
  startTls(): Promise<void>;

  /**
   * Counts this connection to the account from now on, and no more to its address (connections before sign-in). Given back
   * when the connection ends. Sessions use it by `claimConnection` (auth/claim.ts).
   * @returns false when the account has too many: refuse the sign-in (`limit.reached`)
   */
  claimAccount(account: AccountId, credential: SessionCredential): boolean;

  /**
   * Time without a byte from the peer after which the connection ends, with the protocol's farewell. Runs only while the
   * session waits for the peer and nothing is on its way to it. In steps of some seconds.
   */
  setIdleTimeout(after: Milliseconds): void;

  /** Ends the connection, with the protocol's farewell, once the session waits for its next line. */
  retire(why: Farewell): void;

  /** Sends what is queued, then ends the connection: a waiting reader gets null, later writes go nowhere. Safe to call twice. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
  /** Aborts when the connection ends, whoever ended it. Made at first use. */
  readonly signal: AbortSignal;
}

/** Serves one connection from greeting to end. Rejections are our own faults: logged and counted by the listener. */
export type Serve = (connection: LineConnection) => Promise<void>;

/** What a protocol tells the listener about itself. */
export interface LineProtocol {
  readonly name: 'imap' | 'pop3' | 'smtp' | 'submission' | 'lmtp';
  readonly idleTimeout: Milliseconds;
  /** SMTP: a bare CR or LF in a line is an error (RFC 5321 2.3.8). */
  readonly strictLines: boolean;
  serve: Serve;
  /** What to send when we end a connection. With CRLF; may be empty. */
  readonly farewell: (why: Farewell) => string;
}
