/** What a SASL mechanism is made of, and what it may ask of the authenticator. */
import type { ScramKeys, ScramParameters } from './scram-keys.ts';
import type { Peer, SaslExchange, SignedIn } from './types.ts';

/** A SASL mechanism (RFC 4422 3): one file each, listed in mechanisms.ts. */
export interface Mechanism {
  readonly name: string;
  /** It takes a token of the OpenID provider, and so there must be one. */
  readonly byToken?: true;
  /** Is it right for this connection? Asked only where passwords may be used at all. */
  readonly offered: (peer: Peer) => boolean;
  readonly start: (peer: Peer, verification: Verification) => SaslExchange;
}

/** What the client claims to be. */
export interface Claim {
  readonly name: string;
  /** Whom it wants to act as; empty: itself, which is all we allow. */
  readonly authzid: string;
}

/**
 * The one way to check a claim: throttled, logged, counted, and alike for names that exist and names that don't.
 * The checks throw Refused `auth.failed`, `auth.not-allowed` or `auth.unavailable`.
 */
export interface Verification {
  password(claim: Claim, password: string): Promise<SignedIn>;
  /** Salt and count of an account, or believable ones for a name that nobody has. */
  scramParameters(name: string): Promise<ScramParameters>;
  /** @param proves  is asked of each credential's keys until one fits */
  scramProof(claim: Claim, proves: (keys: ScramKeys) => boolean): Promise<SignedIn>;
  /** @param claim  its name may be empty: the token's @throws TokenRefused in place of `auth.failed` */
  token(claim: Claim, token: string): Promise<SignedIn>;
}
