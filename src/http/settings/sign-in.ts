/** Signing in to the settings page: with one's own password, by the common way of all protocols. */
import type { Authenticator, Peer, SignedIn } from '../../auth/types.ts';
import type { SignInDirectory } from '../../directory/types.ts';
import { Refused } from '../../errors.ts';
import { type Grant, grantOf } from './grant.ts';

/** A password may be changed while it is checked; then it is checked again. */
const TRIES = 3;

export interface Granted {
  readonly grant: Grant;
  readonly signedIn: SignedIn;
}

/**
 * Checks a name and a password.
 *
 * Invariant: the grant is of the very password that was checked: one that was changed while the check ran grants nothing.
 * @throws Refused `auth.failed`, `auth.not-allowed` (also for app passwords, which are for mail programs), `auth.unavailable`
 */
export async function signIn(
  name: string,
  password: string,
  peer: Peer,
  { authenticator, directory }: { readonly authenticator: Authenticator; readonly directory: SignInDirectory },
): Promise<Granted> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await directory.signInRecord(name);
    const signedIn = await authenticator.password(name, password, peer);
    if (signedIn.credential.kind !== 'password') {
      throw new Refused(
        'auth.not-allowed',
        'This is an app password: it is for a mail program. Sign in here with your own password.',
      );
    }
    const grant = grantOf(signedIn, await directory.signInRecord(name));
    // Hashes are salted: the same one before and after was the one in between.
    if (grant.hash === grantOf(signedIn, before).hash) return { grant, signedIn };
  }
  throw new Refused('auth.unavailable', 'Your password is being changed right now. Try again in a moment.');
}
