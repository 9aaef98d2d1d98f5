/** Whom a token signs in. */
import type { Credential, SignInDirectory } from '../directory/types.ts';
import type { Checked, TokenTrouble } from './checked.ts';
import type { TokenVerifier } from './token.ts';

/**
 * A token signs in the person whose name it says, to the account that the client names: which must be the same one.
 * @param name  of the account; empty: the token's
 * @throws Refused `auth.unavailable`
 */
export async function checkToken(
  tokens: TokenVerifier,
  directory: SignInDirectory,
  name: string,
  token: string,
): Promise<Checked> {
  const asOf = directory.generation;
  const wrong = { record: null, asOf, credential: null, remembered: false } as const;
  if (token === '') return { ...wrong, token: noGuess('none was given') }; // the client asks how to get one (RFC 7628 4.3)
  const verdict = await tokens.verify(token);
  if (verdict.kind === 'wrong') {
    const { status, reason, remembered } = verdict;
    return { ...wrong, remembered, token: { status, reason, isNoGuess: false } };
  }
  const record = await directory.ownerRecord(verdict.name);
  if (record === null) return { ...wrong, token: noGuess('nobody here has the name that it says') };
  if (verdict.kind === 'expired') return { ...wrong, record, token: noGuess('its time is over') };
  const named = name === '' ? record : await directory.ownerRecord(name);
  if (named?.account.id !== record.account.id) {
    const reason = 'it is of somebody else than the account that was named';
    return { ...wrong, record, token: { status: 'invalid_token', reason, isNoGuess: false } };
  }
  return { record, asOf, credential: credentialFor(verdict.client), remembered: false };
}

function noGuess(reason: string): TokenTrouble {
  return { status: 'invalid_token', reason, isNoGuess: true };
}

/** A token is none of the credentials that are kept; all it has is the program's name. */
function credentialFor(client: string): Credential {
  return { id: 0, kind: 'oauth', label: client, protocols: null, hash: '', scram: [] };
}
