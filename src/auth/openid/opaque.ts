/** Tokens that only the provider can read: it is asked about each (RFC 7662). */
import type { IntrospectionResponse } from 'openid-client';
import { nowSeconds } from '../../store/ids.ts';
import { scopesOf, TokenWrong } from './claims.ts';
import type { OpenIdProvider } from './provider.ts';
import type { OpenIdSettings } from './settings.ts';

/** @returns what the provider says of a token that is good now @throws TokenWrong; Refused `auth.unavailable` */
export async function askAbout(
  token: string,
  provider: Pick<OpenIdProvider, 'introspect'>,
  settings: OpenIdSettings,
): Promise<IntrospectionResponse> {
  if (settings.client === null) throw new TokenWrong('it can not be read here, and no openid.clientId is set to ask');
  const answer = await provider.introspect(token);
  const { active, iss, exp, nbf } = answer;
  if (active !== true) throw new TokenWrong('the provider does not know it, or not any more');
  // RFC 7662 4: the provider has checked its times; one that does not is not relied on.
  const now = nowSeconds();
  if ((exp !== undefined && exp <= now) || (nbf !== undefined && nbf > now))
    throw new TokenWrong('its time is not now');
  if (iss !== undefined && iss !== settings.issuer) throw new TokenWrong('it is of another provider');
  if (!isForUs(answer, settings)) throw new TokenWrong('it is for another service');
  return answer;
}

/**
 * RFC 7662 2.2 leaves `aud` out where it likes. A token that says nothing of whom it is for is ours only by what it is good for: else any program
 * that people sign in to with this provider could read their mail.
 */
function isForUs(answer: IntrospectionResponse, { audience, scope }: OpenIdSettings): boolean {
  const { aud } = answer;
  if (aud !== undefined) return [aud].flat().some((one) => audience.includes(one));
  return scope !== '' && scopesOf(answer).includes(scope);
}
