/** What IMAP needs of the rest of the server; wired in src/server. */
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/types.ts';
import type { Store } from '../store/api.ts';
import type { Milliseconds } from '../store/ids.ts';

/** Bounds of a session; every one is a setting. Sizes in bytes. */
export interface ImapLimits {
  /** A command with its literals, messages of APPEND apart. */
  readonly commandBytes: number;
  /** The same before sign-in. */
  readonly commandBytesBeforeSignIn: number;
  /** One message of APPEND; shown as APPENDLIMIT (RFC 7889). */
  readonly appendBytes: number;
  /** Messages of one MULTIAPPEND. */
  readonly appendMessages: number;
  /** BAD answers in a row before sign-in after which the connection ends. */
  readonly badCommands: number;
  /** Failed sign-ins after which the connection ends. */
  readonly failedSignIns: number;
  readonly idleTimeout: Milliseconds;
  /** Until sign-in. */
  readonly signInTimeout: Milliseconds;
}

export const DEFAULT_LIMITS: ImapLimits = {
  commandBytes: 64 << 10,
  commandBytesBeforeSignIn: 16 << 10,
  appendBytes: 50 << 20,
  appendMessages: 1000,
  badCommands: 50,
  failedSignIns: 10,
  idleTimeout: 30 * 60_000, // RFC 9051 5.4: at least 30 minutes
  signInTimeout: 60_000,
};

export interface ImapContext {
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly limits: ImapLimits;
  /** There is a certificate: STARTTLS is offered on plain connections. */
  readonly startTls: boolean;
  /** Each command, by its name (`unknown` for what is none): to be counted. */
  readonly onCommand: (name: string) => void;
  readonly log: Pick<Logger, 'debug'>;
  /** A fault of ours: logged with its cause and counted; tests assert zero. */
  readonly onInternalError: (where: string, error: unknown) => void;
}
