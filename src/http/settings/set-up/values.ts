/** What somebody needs to know to set up a mail program, and what is not open to them. Pure. */
import { mailAccount } from '../../../autoconfig/account.ts';
import type { ReachableServices } from '../../../autoconfig/services.ts';
import type { LetGo } from '../../../config/let-go.ts';
import type { Access } from '../../../directory/access/access.ts';
import { refusal } from '../../../directory/access/refusal.ts';
import type { SignInProtocol } from '../../../directory/types.ts';
import type { SetUpValues } from './steps.ts';

/** The services that mail programs use, as far as one can set them up. */
export const MAIL_SERVICES = ['imap', 'pop3', 'submission'] as const satisfies readonly SignInProtocol[];
export type MailService = (typeof MAIL_SERVICES)[number];

/** Where {@link waysToRead} has none. */
export const NOTHING_OPEN = 'There is no way to read mail with a program that is open to you. Ask your administrator.';

const DAY_SECONDS = 86_400;

/** Ways to read mail, the one to take first; of each protocol the server to take first. */
export function waysToRead(services: ReachableServices, access: Access, address: string): SetUpValues[] {
  const { incoming, outgoing, leaveOnServer } = mailAccount(services, access);
  const first = incoming.filter(({ type }, index) => incoming.findIndex((other) => other.type === type) === index);
  return first.map((server) => ({ address, incoming: server, outgoing: outgoing[0] ?? null, leaveOnServer }));
}

/** The services that somebody may use, from where they are or from elsewhere, the one to read mail with first. */
export function openServices({ services, prefer }: Access): MailService[] {
  const reading = prefer === 'pop3' ? (['pop3', 'imap'] as const) : (['imap', 'pop3'] as const);
  return [...reading, 'submission' as const].filter((service) => services[service].on);
}

/** What is not open to them from where they are now, with their password or an app password: in words for people. */
export function obstacles(access: Access, address: string): string[] {
  return MAIL_SERVICES.flatMap((service) => {
    const refused = (['app', 'password'] as const).map((credential) =>
      refusal(access, { service, address, credential, secure: true, local: false }),
    );
    return refused.includes(null) ? [] : [refused[0]!.message];
  });
}

/** What to type where a program asks for a password. */
export function passwordFor({ services }: Access, service: MailService): 'either' | 'app' | 'password' | 'none' {
  const { credentials } = services[service];
  const [app, own] = [credentials?.includes('app') ?? true, credentials?.includes('password') ?? true];
  if (app && own) return 'either';
  return app ? 'app' : own ? 'password' : 'none';
}

/** What becomes of messages that POP3 programs delete, in a sentence. */
export function letGoText(letGo: LetGo): string {
  const each = 'Give each program an app password of its own: then';
  switch (letGo.kind) {
    case 'keep':
      return `${each} what you delete in one is hidden from that one alone, and stays on the server for the others.`;
    case 'remove':
      return `${each} a message leaves the server when you have deleted it in every one of them.`;
    case 'move':
      return `${each} a message goes to the folder "${letGo.folder}" when you have deleted it in every one of them.`;
    case 'after': {
      const days = Math.max(1, Math.round(letGo.seconds / DAY_SECONDS));
      return `${each} a message leaves the server ${days === 1 ? 'a day' : `${days} days`} after every one of them has fetched it.`;
    }
  }
}
