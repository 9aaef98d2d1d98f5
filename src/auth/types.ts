/** Signing in, as the protocols see it. */
import type { TLSSocket } from 'node:tls';
import type { Access } from '../directory/access/access.ts';
import type { Account, Credential, SignInProtocol } from '../directory/types.ts';

/** The other end, for throttling, the log and channel binding. */
export interface Peer {
  readonly protocol: SignInProtocol;
  readonly address: string;
  /** TLS, or both ends loopback: plain text passwords are allowed. */
  readonly mayUsePassword: boolean;
  /** Undefined while plain: a policy that requires TLS looks at this. */
  readonly tls: TLSSocket | undefined;
}

export interface SignedIn {
  readonly account: Account;
  /** What it was done with: an app password tells which device it is. */
  readonly credential: Pick<Credential, 'id' | 'kind' | 'label' | 'protocols'>;
  /** What the account may do. */
  readonly access: Access;
  readonly mechanism: string;
  /**
   * To be awaited when the session can be found by those who end sessions, and before it does anything: what was changed while the sign-in was
   * being checked counts. Costs nothing where nothing was. @throws Refused what the sign-in would be refused with by now
   */
  readonly confirm: () => void | Promise<void>;
}

/** One SASL exchange (RFC 4422), in raw bytes: protocols do the Base64 and the framing. */
export interface SaslExchange {
  /**
   * Takes the client's next response (null: none was given with the command).
   * @throws Refused `auth.failed` (delayed by the throttle, tells nothing), `auth.not-allowed`, `auth.unavailable`; BadCommand when it is malformed
   */
  respond(response: Buffer | null): Promise<SaslStep>;
}

export type SaslStep =
  | { readonly done: false; readonly challenge: Buffer }
  /** `data`: additional data with success (SCRAM's server-final), for protocols that carry it; others send it as a last challenge. */
  | { readonly done: true; readonly signedIn: SignedIn; readonly data: Buffer | null };

export interface Authenticator {
  /** Mechanism names to offer to this peer, strongest first. Empty before TLS on a connection that needs it. */
  mechanisms(peer: Peer): readonly string[];
  /** @throws Refused `auth.mechanism` for one that is not offered, `auth.tls-required` for one that would be after TLS */
  sasl(mechanism: string, peer: Peer): SaslExchange;
  /** LOGIN and USER/PASS. @throws Refused `auth.failed`, `auth.not-allowed`, `auth.tls-required`, `auth.unavailable` */
  password(name: string, password: string, peer: Peer): Promise<SignedIn>;
}
