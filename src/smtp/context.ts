/** What a listener's sessions need from outside. One for all sessions of a listener. */
import type { Authenticator } from '../auth/types.ts';
import type { Delivery } from '../delivery/types.ts';
import type { Store } from '../store/api.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { Reception } from './strangers.ts';

export interface SmtpContext {
  /** Our name in the greeting and in Received lines. */
  readonly hostname: string;
  readonly delivery: Delivery;
  readonly store: Pick<Store, 'stage'>;
  /** Knows strangers and limits them; absent: whoever connects is trusted. */
  readonly reception?: Reception | undefined;
  readonly limits: SmtpLimits;
  /** There is a certificate: STARTTLS is offered on plain connections. */
  readonly startTls: boolean;
  /** An error of our own: to be logged with its cause and counted. */
  readonly onInternalError: (error: unknown, connectionId: number) => void;
  /** Each command, by its verb in upper case (`unknown` for what is none): to be counted. */
  readonly onCommand: (verb: string) => void;
}

/** Submission: SMTP for people who sign in. */
export interface SubmissionContext extends SmtpContext {
  readonly authenticator: Authenticator;
}

export interface SmtpLimits {
  /** Bytes of a message as the client sends it. */
  readonly messageBytes: number;
  /** Recipients of one message (RFC 5321 4.5.3.1.8: at least 100). */
  readonly recipients: number;
  readonly idleTimeout: Milliseconds;
  /** How long a message may take to come, besides a second for each {@link leastBytesASecond}. */
  readonly patience: Milliseconds;
  readonly leastBytesASecond: number;
  /** How long a stranger may stay without bringing a message. */
  readonly visit: Milliseconds;
  /** How long people may have what they send wait before it leaves; 0: not at all. */
  readonly hold: Milliseconds;
}

export const DEFAULT_SMTP_LIMITS: SmtpLimits = {
  messageBytes: 50 * 1024 * 1024,
  recipients: 1_000,
  idleTimeout: 5 * 60_000, // RFC 5321 4.5.3.2.7
  patience: 10 * 60_000, // RFC 5321 4.5.3.2.5: three minutes for each block
  leastBytesASecond: 512,
  visit: 30 * 60_000,
  hold: 0,
};
