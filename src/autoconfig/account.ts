/** What a mail program needs to know of an account: servers in the order in which to try them. Pure. */
import type { ReachablePort, ReachableServices, Security } from './services.ts';

/** Which services somebody may use, and which of them is set up first. */
export interface MailAccess {
  readonly imap: boolean;
  readonly pop3: boolean;
  readonly submission: boolean;
  readonly prefer: 'imap' | 'pop3';
  /** What is fetched over POP3 stays on the server until the person deletes it. */
  readonly leaveOnServer: boolean;
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
  readonly leaveOnServer: boolean;
  readonly organisation: string;
}

/** The servers for somebody with this access. What they may not use is not among them. */
export function mailAccount(services: ReachableServices, access: MailAccess): MailAccount {
  const { host, organisation } = services;
  const at = (type: MailServer['type'], ports: readonly ReachablePort[]): MailServer[] =>
    ports.map(({ port, security }) => ({ type, host, port, security }));
  const imap = access.imap ? at('imap', services.imap) : [];
  const pop3 = access.pop3 ? at('pop3', services.pop3) : [];
  return {
    incoming: access.prefer === 'pop3' ? [...pop3, ...imap] : [...imap, ...pop3],
    outgoing: access.submission ? at('smtp', services.submission) : [],
    leaveOnServer: access.leaveOnServer,
    organisation,
  };
}
