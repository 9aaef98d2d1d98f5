/** SASL OAUTHBEARER (RFC 7628): a token of the OpenID provider in place of a password. */
import { BadCommand } from '../errors.ts';
import { BearerExchange, type BearerMessage, bearerToken } from './bearer.ts';
import type { Mechanism } from './mechanism.ts';
import type { TokenHelp, TokenStatus } from './token.ts';

export const oauthbearer: Mechanism = {
  name: 'OAUTHBEARER',
  byToken: true,
  offered: () => true,
  start: (_peer, verification) => new BearerExchange({ parse: parseOauthbearer, failure }, verification),
};

/** RFC 5801 4: no channel binding, which it does not have; then, where the client says it, whom it acts as. */
const GS2_HEADER = /^[ny],(?:a=([^,\x01]+))?,$/;

/** Reads `n,a=anna@example.org,` and pairs of a key and a value, ^A after each and at the end (RFC 7628 3.1). */
export function parseOauthbearer(message: string): BearerMessage {
  const [header = '', ...pairs] = message.split('\x01');
  const gs2 = GS2_HEADER.exec(header);
  if (gs2 === null) throw new BadCommand('an OAUTHBEARER message begins with a GS2 header');
  if (pairs.length < 2 || pairs.at(-1) !== '' || pairs.at(-2) !== '') {
    throw new BadCommand('an OAUTHBEARER message ends with an empty pair');
  }
  let token: string | undefined;
  for (const pair of pairs.slice(0, -2)) {
    const [, key, value = ''] = /^([A-Za-z]+)=([\t\r\n -~]*)$/.exec(pair) ?? [];
    if (key === undefined) throw new BadCommand('a pair is a key, “=” and a value');
    if (key !== 'auth') continue; // host and port are what the client believes (RFC 7628 3.1.1)
    if (token !== undefined) throw new BadCommand('there is one “auth” in an OAUTHBEARER message');
    token = bearerToken(value);
  }
  if (token === undefined) throw new BadCommand('an OAUTHBEARER message needs “auth”');
  return { claim: { name: unescaped(gs2[1] ?? ''), authzid: '' }, token };
}

/** RFC 5801 4, saslname. */
function unescaped(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new BadCommand('an “=” in a name is written =3D, a comma =2C');
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/** RFC 7628 3.2.2. */
function failure(status: TokenStatus, { scope, configurationUrl }: TokenHelp): object {
  return { status, ...(scope === '' ? {} : { scope }), 'openid-configuration': configurationUrl };
}
