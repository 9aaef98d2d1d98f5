/** Makes a connection the account's, once its sign-in has succeeded. */
import { Refused } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import type { SignedIn } from './types.ts';

/**
 * In this order no change is missed (net/sessions.ts): who changes something from now on finds the session, and what was changed while the
 * password was being checked shows in `confirm`.
 *
 * @throws Refused `limit.reached` when the account has as many connections as it may; as {@link SignedIn.confirm}, and then the connection
 * ends after the answer
 */
export async function claimConnection(connection: LineConnection, signedIn: SignedIn): Promise<void> {
  if (!connection.claimAccount(signedIn.account.id, signedIn.credential)) {
    throw new Refused('limit.reached', 'Your account has too many connections open; close some and try again.');
  }
  try {
    await signedIn.confirm();
  } catch (error) {
    connection.retire('changed');
    throw error;
  }
}
