/** Facts of an office, as mail programs are told them. */
import type { MailAccess } from '../../src/autoconfig/account.ts';
import type { ReachableServices } from '../../src/autoconfig/services.ts';

const both = (tls: number, starttls: number) => [
  { port: tls, security: 'tls' as const },
  { port: starttls, security: 'starttls' as const },
];

export const services: ReachableServices = {
  host: 'mail.office.test',
  organisation: 'Fruit & Sons <Ltd>',
  imap: both(993, 143),
  pop3: both(995, 110),
  submission: both(465, 587),
  https: 443,
};

interface Rules {
  readonly imap?: boolean;
  readonly pop3?: boolean;
  readonly submission?: boolean;
  readonly prefer?: 'imap' | 'pop3';
  readonly letGo?: 'keep' | 'remove';
}

/** Everything is open unless it is said otherwise. */
export function access(rules: Rules = {}): MailAccess {
  const { imap = true, pop3 = true, submission = true, prefer = 'imap', letGo = 'keep' } = rules;
  return {
    services: { imap: { on: imap }, pop3: { on: pop3 }, submission: { on: submission } },
    prefer,
    pop3: { letGo: { kind: letGo } },
  };
}
