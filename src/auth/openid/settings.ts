/** What is configured of the OpenID provider, with what its files hold. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { Refused } from '../../errors.ts';
import type { Milliseconds } from '../../store/ids.ts';

export interface OpenIdSettings {
  readonly issuer: string;
  /** A token must be for one of these. */
  readonly audience: readonly string[];
  /** The claim that says whose the token is. */
  readonly claim: string;
  /** Must be among the token's; empty: none is asked for. */
  readonly scope: string;
  /** For asking about tokens that can't be read here. Null: there are none. */
  readonly client: { readonly id: string; readonly secret: string } | null;
  /** How long keys are used when the provider can't be asked for new ones. */
  readonly keysFor: Milliseconds;
  /** PEM; null: the public authorities. */
  readonly authority: string | null;
}

/** @throws Refused `config.invalid` for a file that can't be read */
export async function openIdSettings({ clientSecret, ...openid }: Config['openid']): Promise<OpenIdSettings> {
  const { issuer, audience, claim, scope, clientId, keysFor, authority } = openid;
  const secret = clientId === '' ? '' : (await content(clientSecret, 'clientSecret')).trim();
  return {
    issuer,
    audience,
    claim,
    scope,
    client: clientId === '' ? null : { id: clientId, secret },
    keysFor,
    authority: authority === '' ? null : await content(authority, 'authority'),
  };
}

async function content(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refused('config.invalid', `openid.${setting} can't be read: ${reason}.`, { cause: error });
  }
}
