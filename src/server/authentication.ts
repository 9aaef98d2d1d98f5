/** Signing in, as this server counts and logs it. */
import type { Logger } from 'pino';
import { PasswordAuthenticator, type SignInReport } from '../auth/authenticator.ts';
import type { OutsidePasswords } from '../auth/outside.ts';
import type { TokenVerifier } from '../auth/token.ts';
import type { Authenticator } from '../auth/types.ts';
import type { VerifiedPasswords } from '../auth/verified.ts';
import type { SignInDirectory } from '../directory/types.ts';
import { partLog } from './log.ts';
import type { Metrics, SignInResult } from './metrics.ts';

/** Sign-ins as they are counted: why one failed is for the log. */
const SIGN_INS: Readonly<Record<SignInReport['result'], SignInResult>> = {
  ok: 'succeeded',
  wrong: 'failed',
  suspended: 'failed',
  'not-allowed': 'not-allowed',
  throttled: 'delayed',
  unavailable: 'unavailable',
};

interface Parts {
  readonly directory: SignInDirectory;
  readonly verified: VerifiedPasswords;
  /** Where an OpenID provider is configured. */
  readonly tokens: TokenVerifier | undefined;
  /** Where people live elsewhere. */
  readonly outside: OutsidePasswords | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The one way to sign in, for every protocol. */
export function authenticating({ directory, verified, tokens, outside, log, metrics }: Parts): Authenticator {
  const authLog = partLog(log, 'auth');
  return new PasswordAuthenticator({
    directory,
    verified,
    tokens,
    outside,
    report(signIn) {
      metrics.signIn(signIn.protocol, SIGN_INS[signIn.result]);
      if (signIn.result === 'ok') authLog.debug(signIn, 'signed in');
      else authLog.info(signIn, 'sign-in refused');
    },
  });
}
