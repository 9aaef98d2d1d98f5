/** What somebody is told who signed in rightly and may not, by the access policy. Pure. */
import { Refused } from '../../errors.ts';
import type { SignInProtocol } from '../types.ts';
import { type Access, obstacle, type Use } from './access.ts';
import { SERVICE_TITLES } from './settings.ts';

const ASK = 'Ask your administrator.';

/** Why this use is refused: `auth.not-allowed`, or `auth.tls-required` where TLS is all that lacks. Null: it is not. */
export function refusal(access: Access, use: Use): Refused | null {
  const setting = obstacle(access, use);
  if (setting === null) return null;
  const { service } = use;
  const title = beginning(SERVICE_TITLES[service]);
  switch (setting) {
    case `${service}.networks`:
      return notAllowed(
        `${title} is not open to you from where you are (${use.address}). Try it from your office, or ask your administrator.`,
      );
    case `${service}.credentials`:
      return notAllowed(`${title} is not open to you with ${CREDENTIALS[use.credential]}. ${instead(access, service)}`);
    case `${service}.tls`:
      return new Refused(
        'auth.tls-required',
        `${title} is open to you over TLS only. Turn on TLS (SSL or STARTTLS) in your mail program.`,
      );
    default:
      return notAllowed(`${title} is not open to you. ${otherwise(access, service)}`);
  }
}

const CREDENTIALS = { password: 'your password', app: 'an app password', oauth: 'a token' } as const;

/** What else they may sign in with. */
function instead({ services }: Access, service: SignInProtocol): string {
  const { credentials } = services[service];
  if (credentials?.includes('app'))
    return 'Use an app password: you make one on your settings page, or your administrator does.';
  if (credentials?.includes('password')) return 'Use your own password.';
  return 'Sign in through your organisation (OAuth), or ask your administrator.';
}

/** Where their mail is instead. */
function otherwise({ services }: Access, service: SignInProtocol): string {
  if (service === 'imap' && services.pop3.on)
    return 'Your mail is on POP3 at the same server: set your mail program up for POP3.';
  if (service === 'pop3' && services.imap.on)
    return 'Your mail is on IMAP at the same server: set your mail program up for IMAP.';
  return ASK;
}

function notAllowed(text: string): Refused {
  return new Refused('auth.not-allowed', text);
}

function beginning(title: string): string {
  return title[0]!.toUpperCase() + title.slice(1);
}
