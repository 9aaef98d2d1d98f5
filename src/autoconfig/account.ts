/** What a mail program needs to know of an account: servers in the order in which to try them. Pure. */
import type { LetGo } from '../config/let-go.ts';
import type { ReachablePort, ReachableServices, Security } from './services.ts';

/** What somebody may use, and which of IMAP and POP3 is set up first: a part of what the access policy says. */
export interface MailAccess {
  readonly services: Readonly<Record<'imap' | 'pop3' | 'submission', { readonly on: boolean }>>;
  readonly prefer: 'imap' | 'pop3';
  readonly pop3: { readonly letGo: Pick<LetGo, 'kind'> };
}

export interface MailServer {
  readonly type: 'imap' | 'pop3' | 'smtp';
  readonly host: string;
  readonly port: number;
  readonly security: Security;
}

export interface MailAccount {
  /** In the order in which a program should try them: all of the preferred protocol first, TLS from the first byte before STARTTLS. */
  readonly incoming: readonly MailServer[];
  readonly outgoing: readonly MailServer[];
  /** What is fetched over POP3 stays on the server until the person deletes it. */
  readonly leaveOnServer: boolean;
  readonly organisation: string;
}

/** The servers for somebody with this access. What they may not use is not among them. */
export function mailAccount(services: ReachableServices, access: MailAccess): MailAccount {
  const { host, organisation } = services;
  const at = (type: MailServer['type'], ports: readonly ReachablePort[]): MailServer[] =>
    ports.map(({ port, security }) => ({ type, host, port, security }));
  const { imap, pop3, submission } = access.services;
  const imapServers = imap.on ? at('imap', services.imap) : [];
  const pop3Servers = pop3.on ? at('pop3', services.pop3) : [];
  return {
    incoming: access.prefer === 'pop3' ? [...pop3Servers, ...imapServers] : [...imapServers, ...pop3Servers],
    outgoing: submission.on ? at('smtp', services.submission) : [],
    // Where deleting on the last device removes for good, that is what is wanted; else the server keeps all.
    leaveOnServer: access.pop3.letGo.kind !== 'remove',
    organisation,
  };
}
