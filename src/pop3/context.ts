/** What POP3 needs of the rest of the server. One for all sessions. */
import type { Authenticator } from '../auth/types.ts';
import type { Store } from '../store/api.ts';
import type { Devices } from '../store/devices.ts';
import type { AccountId, Milliseconds } from '../store/ids.ts';
import type { Leases } from '../store/leases.ts';
import type { Trace } from '../store/trace.ts';
import type { DevicesInUse } from './devices-in-use.ts';
import type { LeastExpiry } from './expiry.ts';
import type { LoginDelay } from './login-delay.ts';

export interface Pop3Context {
  readonly authenticator: Authenticator;
  readonly store: Pick<Store, 'view' | 'mailboxes' | 'bodyRecords' | 'bodies' | 'messages'> & {
    readonly devices: Pick<Devices, 'meet' | 'delete' | 'noteFetched' | 'noteShared'>;
    readonly leases: Pick<Leases, 'take'>;
    readonly trace: Pick<Trace, 'retrieved'>;
  };
  /** Least time between two sign-ins of one account (LOGIN-DELAY, RFC 2449 6.5); 0: none. */
  readonly loginDelayTime: Milliseconds;
  /** What EXPIRE says to somebody who has not signed in: the least of all accounts. */
  readonly leastExpiry: () => Promise<LeastExpiry>;
  readonly devicesInUse: DevicesInUse;
  readonly loginDelay: LoginDelay;
  readonly limits: Pop3Limits;
  /** There is a certificate: STLS is offered on plain connections. */
  readonly startTls: boolean;
  /** An error of our own: to be logged with its cause and counted. */
  readonly onInternalError: (error: unknown, connectionId: number) => void;
  /** Each command, by its name in upper case (`unknown` for what is none): to be counted. */
  readonly onCommand: (name: string) => void;
}

/** What the protocol is made with. */
export type Pop3Options = Omit<Pop3Context, 'devicesInUse' | 'loginDelay'> & {
  /** Two programs were seen to use the password of one device at once. */
  readonly onSharedDevice: (account: AccountId, credential: number) => void;
};

export interface Pop3Limits {
  readonly idleTimeout: Milliseconds;
  /** Failed sign-ins and malformed commands of one connection after which it ends. */
  readonly errors: number;
}

export const DEFAULT_POP3_LIMITS: Pop3Limits = {
  idleTimeout: 10 * 60_000, // RFC 1939 3: at least ten minutes
  errors: 20,
};
