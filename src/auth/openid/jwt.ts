/**
 * Tokens that can be read here: signed JWTs (RFC 7519, RFC 9068).
 *
 * Invariant: what a token says counts only once its signature has been verified with a key of the provider; by asymmetric signatures
 * alone, so that nobody can sign with what everybody may read (RFC 8725 3.1, 3.2).
 */
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { Refused } from '../../errors.ts';
import { TokenWrong } from './claims.ts';
import type { OpenIdProvider } from './provider.ts';
import type { OpenIdSettings } from './settings.ts';

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** RFC 9068 2.1; before it, plain JWT. Others are for something else: a logout, a proof of possession (RFC 8725 3.11). */
const TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt', 'application/jwt']);
/** Seconds that the clocks may differ. */
const SKEW = 30;
/** Keys tried for a token that does not say which. */
const MOST_KEYS = 8;

export interface VerifiedJwt {
  readonly claims: JWTPayload;
  /** All is right but its time, which is over. */
  readonly expired: boolean;
}

/** True for what claims to be a signed JWT; what else there is, only the provider can read. */
export function isJwt(token: string): boolean {
  if (token.split('.').length !== 3) return false;
  try {
    return typeof decodeProtectedHeader(token).alg === 'string';
  } catch (error) {
    if (error instanceof TypeError) return false; // jose's answer to what it can't decode
    throw error;
  }
}

/** @throws TokenWrong; Refused `auth.unavailable` */
export async function verifyJwt(
  token: string,
  provider: Pick<OpenIdProvider, 'key'>,
  { issuer, audience }: OpenIdSettings,
): Promise<VerifiedJwt> {
  const options = {
    algorithms: ALGORITHMS,
    issuer,
    audience: [...audience],
    requiredClaims: ['exp'],
    clockTolerance: SKEW,
  };
  try {
    checkOrigin(token, issuer);
    return { claims: await verified(token, provider, options), expired: false };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { claims: error.payload, expired: true };
    if (error instanceof TokenWrong || error instanceof Refused) throw error;
    if (error instanceof errors.JOSEError) throw new TokenWrong(error.message);
    throw error;
  }
}

/** What no key is asked for: a token of another provider, or another kind of JWT. @throws TokenWrong, JWTInvalid */
function checkOrigin(token: string, issuer: string): void {
  const { typ } = decodeProtectedHeader(token);
  if (typ !== undefined && !TYPES.has(typ.toLowerCase())) throw new TokenWrong('it is no access token');
  if (decodeJwt(token).iss !== issuer) throw new TokenWrong('it is of another provider');
}

async function verified(
  token: string,
  { key }: Pick<OpenIdProvider, 'key'>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const one of error) {
      if (++tried > MOST_KEYS) break;
      try {
        return (await jwtVerify(token, one, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}
