import type { TLSSocketOptions } from 'node:tls';
import type { AccountId, Milliseconds } from '../store/ids.ts';
import type { Connection } from './connection.ts';
import type { LineProtocol } from './connection-types.ts';

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
