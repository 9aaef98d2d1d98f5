/**
 * Whoever may not sign in any more is signed out.
 *
 * Invariant: once a change of the directory has been answered, no session that it forbids does anything more. The directory waits for its
 * listeners, they for the sessions; for sign-ins that were being checked meanwhile see `SignedIn.confirm`.
 */
import { refusal } from '../directory/access/refusal.ts';
import type { Directory } from '../directory/directory.ts';
import { allOver, type OpenSession, type Sessions } from '../net/sessions.ts';
import { Pace } from '../pace.ts';
import type { AccountId } from '../store/ids.ts';

/** Watches the directory for changes that end sessions. */
export function endWithSignIn(sessions: Sessions, directory: Directory): void {
  directory.onState(async (account, state) => {
    if (state !== 'active') await sessions.end(account, state);
  });
  directory.onRevoked(async (account, credential) => {
    await sessions.end(account, 'revoked', (session) => session.credential.id === credential);
  });
  directory.onAccess(async (accounts) => {
    await endForbidden(sessions, directory, accounts);
  });
}

/** Ends those sessions of the accounts that the access policy forbids by now, each as soon as it is found. */
async function endForbidden(
  sessions: Sessions,
  directory: Pick<Directory, 'access'>,
  accounts: readonly AccountId[] | 'all',
): Promise<void> {
  const concerned = accounts === 'all' ? null : new Set(accounts);
  const pace = new Pace();
  const ending: Promise<void>[] = [];
  // One that is begun while this waits is not missed: it is confirmed by what holds now.
  for (const session of sessions.list()) {
    const pause = pace.pause();
    if (pause !== undefined) await pause;
    if (concerned !== null && !concerned.has(session.account)) continue;
    if (!(await mayGoOn(session, directory))) ending.push(session.signOut('not-allowed'));
  }
  await allOver(ending);
}

async function mayGoOn(session: OpenSession, directory: Pick<Directory, 'access'>): Promise<boolean> {
  const access = await directory.access(session.account);
  const { protocol: service, address, secure, local } = session;
  return refusal(access, { service, address, credential: session.credential.kind, secure, local }) === null;
}
