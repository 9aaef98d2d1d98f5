/** What POP3 needs of the rest of the server. One for all sessions. */
import type { Authenticator } from '../auth/types.ts';
import type { Store } from '../store/api.ts';
import type { Milliseconds } from '../store/ids.ts';

export interface Pop3Context {
  readonly authenticator: Authenticator;
  readonly store: Pick<Store, 'view' | 'bodyRecords' | 'body' | 'bodies' | 'bodyChunks' | 'expunge'>;
  readonly limits: Pop3Limits;
  /** There is a certificate: STLS is offered on plain connections. */
  readonly startTls: boolean;
  /** An error of our own: to be logged with its cause and counted. */
  readonly onInternalError: (error: unknown, connectionId: number) => void;
  /** Each command, by its name in upper case (`unknown` for what is none): to be counted. */
  readonly onCommand: (name: string) => void;
}

export interface Pop3Limits {
  readonly idleTimeout: Milliseconds;
  /** Failed sign-ins and malformed commands of one connection after which it ends. */
  readonly errors: number;
}

export const DEFAULT_POP3_LIMITS: Pop3Limits = {
  idleTimeout: 10 * 60_000, // RFC 1939 3: at least ten minutes
  errors: 20,
};
