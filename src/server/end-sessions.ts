/** Whoever may not sign in any more is signed out, before the change that says so is answered. */
import type { Directory } from '../directory/directory.ts';
import type { Sessions } from '../net/sessions.ts';

/** Watches the directory for changes that end sessions. */
export function endWithSignIn(sessions: Sessions, directory: Directory): void {
  directory.onState(async (account, state) => {
    if (state !== 'active') await sessions.end(account, state);
  });
  directory.onRevoked(async (account, credential) => {
    await sessions.end(account, 'revoked', (session) => session.credential.id === credential);
  });
}
