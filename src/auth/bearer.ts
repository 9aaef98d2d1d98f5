/**
 * What OAUTHBEARER and XOAUTH2 have in common: one message with a token. When it is not taken, the client is told why in JSON; it answers
 * with next to nothing, and then the exchange fails (RFC 7628 3.2.3).
 */
import { BadCommand } from '../errors.ts';
import type { Claim, Verification } from './mechanism.ts';
import { type TokenHelp, TokenRefused, type TokenStatus } from './token.ts';
import type { SaslExchange, SaslStep } from './types.ts';

/** The message of one of them. */
export interface BearerMessage {
  /** The account it is for; an empty name: the token's. */
  readonly claim: Claim;
  /** Empty: the client asks how to get one (RFC 7628 4.3). */
  readonly token: string;
}

export interface BearerSyntax {
  /** @throws BadCommand */
  readonly parse: (message: string) => BearerMessage;
  /** What the client is told of a token that is not taken. */
  readonly failure: (status: TokenStatus, help: TokenHelp) => object;
}

/** Longer than any line may be. */
const MESSAGE_LIMIT = 16_384;

export class BearerExchange implements SaslExchange {
  readonly #syntax: BearerSyntax;
  readonly #verification: Verification;
  #refused: TokenRefused | null = null;
  #over = false;

  constructor(syntax: BearerSyntax, verification: Verification) {
    this.#syntax = syntax;
    this.#verification = verification;
  }

  async respond(response: Buffer | null): Promise<SaslStep> {
    if (this.#refused !== null) throw this.#refused; // whatever the client's dummy response is
    if (response === null && !this.#over) return { done: false, challenge: Buffer.alloc(0) };
    if (response === null || this.#over) throw new BadCommand('the SASL exchange is over');
    this.#over = true;
    if (response.length > MESSAGE_LIMIT) throw new BadCommand('the message is too long');
    const { claim, token } = this.#syntax.parse(response.toString('utf8'));
    try {
      return { done: true, signedIn: await this.#verification.token(claim, token), data: null };
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      this.#refused = error;
      const failure = this.#syntax.failure(error.status, error.help);
      return { done: false, challenge: Buffer.from(JSON.stringify(failure)) };
    }
  }
}

/** The token of an `Authorization` value (RFC 6750 2.1); empty where there is none. @throws BadCommand when it is of another scheme */
export function bearerToken(value: string): string {
  if (/^(bearer *)?$/i.test(value)) return '';
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1];
  if (token === undefined) throw new BadCommand('a token comes as “Bearer” and the token');
  return token;
}
