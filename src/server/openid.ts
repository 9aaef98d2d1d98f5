/** Signing in with tokens, where a provider is configured. */
import type { Logger } from 'pino';
import { openIdSettings } from '../auth/openid/settings.ts';
import type { TokenVerifier } from '../auth/token.ts';
import type { Config } from '../config/schema.ts';

/** Nobody waits for the provider: it may come up later than we. @throws Refused `config.invalid` */
export async function openIdTokens(config: Config['openid'], log: Logger): Promise<TokenVerifier | undefined> {
  if (config.issuer === '') return undefined;
  const { OpenIdTokens } = await import('../auth/openid/tokens.ts'); // most offices need none of it
  const tokens = new OpenIdTokens({
    settings: await openIdSettings(config),
    onTrouble: (error) => log.warn({ err: error, issuer: config.issuer }, 'the OpenID provider could not be asked'),
  });
  void tokens.prepare(); // never rejects
  return tokens;
}
