/** What the claims of a token come to, once its provider stands for them. Pure. */
import type { TokenFacts, TokenStatus } from '../token.ts';
import type { OpenIdSettings } from './settings.ts';

/** Of a JWT (RFC 9068 2.2) or of an answer about an opaque token (RFC 7662 2.2). */
export type Claims = Readonly<Record<string, unknown>>;

/** Why a token does not do. The reason is for the log: nothing of the token. */
export class TokenWrong extends Error {
  override readonly name = 'TokenWrong';
  readonly status: TokenStatus;

  constructor(reason: string, status: TokenStatus = 'invalid_token') {
    super(reason);
    this.status = status;
  }
}

/** Characters kept of what the provider calls a program. */
const MOST_CLIENT = 80;

/** @throws TokenWrong */
export function factsOf(claims: Claims, { claim, scope }: Pick<OpenIdSettings, 'claim' | 'scope'>): TokenFacts {
  // RFC 7800 3.1: it is good only together with a key, and none of the mechanisms can show one.
  if (claims['cnf'] !== undefined) throw new TokenWrong('it is bound to a key of its client');
  const name = claims[claim];
  if (typeof name !== 'string' || name === '') throw new TokenWrong(`it has no claim "${claim}"`);
  // OpenID Connect Core 5.1: anybody may write what the provider has not checked.
  if (claim === 'email' && isFalse(claims['email_verified'])) throw new TokenWrong('its address is not verified');
  if (scope !== '' && !scopesOf(claims).includes(scope)) {
    throw new TokenWrong(`it lacks the scope "${scope}"`, 'insufficient_scope');
  }
  return { name, client: clientOf(claims) };
}

/** What a token may be used for (RFC 9068 2.2.3); some providers call it `scp` or make it a list. */
export function scopesOf(claims: Claims): readonly string[] {
  const scopes = claims['scope'] ?? claims['scp'];
  return Array.isArray(scopes) ? scopes.map(String) : typeof scopes === 'string' ? scopes.split(' ') : [];
}

function isFalse(value: unknown): boolean {
  return value === false || value === 'false'; // some providers write it in quotes
}

/** The program the token was given to. */
function clientOf(claims: Claims): string {
  const client = claims['client_id'] ?? claims['azp'] ?? claims['appid'];
  return typeof client === 'string' ? client.replace(/\p{Cc}/gu, ' ').slice(0, MOST_CLIENT) : '';
}
