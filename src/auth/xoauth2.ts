/** SASL XOAUTH2, as Google made it before OAUTHBEARER: for the many mail programs that know it alone. */
import { BadCommand } from '../errors.ts';
import { BearerExchange, type BearerMessage, bearerToken } from './bearer.ts';
import type { Mechanism } from './mechanism.ts';
import type { TokenHelp, TokenStatus } from './token.ts';

export const xoauth2: Mechanism = {
  name: 'XOAUTH2',
  byToken: true,
  offered: () => true,
  start: (_peer, verification) => new BearerExchange({ parse: parseXoauth2, failure }, verification),
};

/** Reads `user=anna@example.org`, ^A, `auth=Bearer `, the token, ^A, ^A. */
export function parseXoauth2(message: string): BearerMessage {
  const fields = /^user=([^\x01]+)\x01auth=([^\x01]*)\x01\x01$/.exec(message);
  if (fields === null) throw new BadCommand('an XOAUTH2 message holds user and auth');
  return { claim: { name: fields[1]!, authzid: '' }, token: bearerToken(fields[2]!) };
}

function failure(status: TokenStatus, { scope }: TokenHelp): object {
  const code = status === 'insufficient_scope' ? '403' : '401';
  return { status: code, schemes: 'bearer', ...(scope === '' ? {} : { scope }) };
}
