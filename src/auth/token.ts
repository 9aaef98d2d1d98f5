/** Tokens that stand for a sign-in somewhere else (RFC 6750), as the authenticator sees them. */
import { Refused } from '../errors.ts';

/** What is known of a token that is right. */
export interface TokenFacts {
  /** Whose it is: the address or name that it says. */
  readonly name: string;
  /** The program that it was given to, as the provider calls it. May be empty; strangers may have chosen it. */
  readonly client: string;
}

/** RFC 7628 3.2.2, RFC 6750 3.1. */
export type TokenStatus = 'invalid_token' | 'insufficient_scope';

export type TokenVerdict =
  | ({ readonly kind: 'valid' } & TokenFacts)
  /** It was right once. */
  | ({ readonly kind: 'expired' } & TokenFacts)
  | {
      readonly kind: 'wrong';
      readonly status: TokenStatus;
      /** For the log; nothing of the token. */
      readonly reason: string;
      /** The same token was wrong before: no new guess. */
      readonly remembered: boolean;
    };

export interface TokenVerifier {
  /** What a client is told of how to get a token that would do. */
  readonly help: TokenHelp;
  /** @throws Refused `auth.unavailable` */
  verify(token: string): Promise<TokenVerdict>;
}

export interface TokenHelp {
  /** Where the provider describes itself. */
  readonly configurationUrl: string;
  /** What a token must be good for; empty: nothing special. */
  readonly scope: string;
}

/** A token was not taken: the mechanism tells it in its own way before the exchange fails. */
export class TokenRefused extends Refused {
  readonly status: TokenStatus;
  readonly help: TokenHelp;

  constructor(status: TokenStatus, help: TokenHelp) {
    super('auth.failed', 'The token is not valid here. Sign in to your mail program again.');
    this.status = status;
    this.help = help;
  }
}
