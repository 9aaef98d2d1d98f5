/** Why we end a connection. Each protocol says it in its own way. */
export type Farewell = 'busy' | 'timeout' | 'shutdown' | SignedOut;

/** Why somebody is signed out. */
export type SignedOut =
  | 'suspended'
  | 'closed'
  | 'removed'
  | 'revoked'
  | 'ended'
  | 'ended-by-you'
  | 'not-allowed'
  | 'changed';

/** For the person who was signed out. */
export const SIGNED_OUT: Readonly<Record<SignedOut, string>> = {
  suspended: 'Your account was suspended; please ask your administrator',
  closed: 'Your account was closed; please ask your administrator',
  removed: 'Your account was removed; please ask your administrator',
  revoked: 'The password of this session was revoked',
  ended: 'Your administrator has ended this session',
  'ended-by-you': 'You have ended this session on your settings page',
  'not-allowed': 'Your administrator has changed what is open to you, and this is not any more; please ask',
  changed: 'Something was changed while you signed in; please sign in again',
};

export function isSignedOut(why: Farewell): why is SignedOut {
  return why in SIGNED_OUT;
}
