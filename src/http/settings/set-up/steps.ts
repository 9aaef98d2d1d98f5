/** How the common mail programs are set up by hand, step by step, with the person's own values. Pure. */
import type { MailServer } from '../../../autoconfig/account.ts';

export interface Program {
  readonly name: string;
  readonly steps: readonly string[];
  /** Lines for a configuration file. */
  readonly file?: { readonly name: string; readonly text: string };
}

/** The servers to set up, and for whom. */
export interface SetUpValues {
  readonly address: string;
  readonly incoming: MailServer;
  /** Null: they may not send. */
  readonly outgoing: MailServer | null;
  /** Of POP3: whether what is fetched stays on the server. */
  readonly leaveOnServer: boolean;
}

const KINDS = { imap: 'IMAP', pop3: 'POP3', smtp: 'SMTP' } as const;

/** How the kinds of TLS are called in most programs. */
export const SECURITY = { tls: 'SSL/TLS', starttls: 'STARTTLS' } as const;

export function programs(values: SetUpValues): readonly Program[] {
  return [
    outlook(values),
    thunderbird(values),
    appleMail(values),
    iphone(values),
    gmail(values),
    thunderbirdAndroid(values),
    mutt(values),
  ];
}

function outlook({ address, incoming, outgoing, leaveOnServer }: SetUpValues): Program {
  const kind = incoming.type === 'imap' ? 'IMAP' : 'POP';
  return {
    name: 'Outlook (Windows)',
    steps: [
      `Choose File, then Add Account. Type ${address}, open "Advanced options", tick "Let me set up my account manually", and go on.`,
      `Choose ${kind}.`,
      `Incoming mail: server ${incoming.host}, port ${incoming.port}, encryption ${SECURITY[incoming.security]}.`,
      ...(outgoing === null
        ? []
        : [
            `Outgoing mail: server ${outgoing.host}, port ${outgoing.port}, encryption ${SECURITY[outgoing.security]}.`,
          ]),
      `Leave "Require logon using Secure Password Authentication" off. Go on, and type your password or app password.`,
      ...(incoming.type === 'pop3'
        ? [
            leave(
              'Afterwards open File, Account Settings, choose the account, then Change, More Settings, Advanced',
              leaveOnServer,
            ),
          ]
        : []),
    ],
  };
}

function thunderbird({ address, incoming, outgoing, leaveOnServer }: SetUpValues): Program {
  return {
    name: 'Thunderbird (Windows, Mac, Linux)',
    steps: [
      `Choose New Account, then Email. Type your name, ${address} and your password or app password. Thunderbird finds the rest; if it does, you are done.`,
      `Otherwise choose "Configure manually". Incoming server: protocol ${KINDS[incoming.type]}, host name ${incoming.host}, port ${incoming.port}, connection security ${SECURITY[incoming.security]}, authentication "Normal password", user name ${address}.`,
      ...(outgoing === null
        ? []
        : [
            `Outgoing server: host name ${outgoing.host}, port ${outgoing.port}, connection security ${SECURITY[outgoing.security]}, authentication "Normal password", user name ${address}.`,
          ]),
      ...(incoming.type === 'pop3' ? [leave('In Account Settings, Server Settings', leaveOnServer)] : []),
    ],
  };
}

function appleMail({ address, incoming, outgoing, leaveOnServer }: SetUpValues): Program {
  return {
    name: 'Apple Mail (Mac)',
    steps: [
      'Choose Mail, Add Account, then "Other Mail Account".',
      `Type your name, ${address} and your password or app password, and sign in. If Mail can not find the servers, it asks for them.`,
      `User name ${address}, account type ${incoming.type === 'imap' ? 'IMAP' : 'POP'}, incoming mail server ${incoming.host}${outgoing === null ? '' : `, outgoing mail server ${outgoing.host}`}.`,
      `The ports are ${incoming.port} for incoming${outgoing === null ? '' : ` and ${outgoing.port} for outgoing`} mail, with "Use TLS/SSL" on and authentication "Password".`,
      ...(incoming.type === 'pop3' ? [leave('In Settings, Accounts, Account Information', leaveOnServer)] : []),
    ],
  };
}

function iphone({ address, incoming, outgoing }: SetUpValues): Program {
  return {
    name: 'iPhone and iPad',
    steps: [
      'The quickest way is the page "Phone" here: it gives the phone everything in one go. By hand:',
      'Open Settings, Apps, Mail, Mail Accounts, Add Account, then Other, then Add Mail Account.',
      `Type your name, ${address} and your password or app password, and go on.`,
      `Choose ${incoming.type === 'imap' ? 'IMAP' : 'POP'}. Incoming mail server: host name ${incoming.host}, user name ${address}, and the password again.`,
      ...(outgoing === null
        ? []
        : [`Outgoing mail server: host name ${outgoing.host}, user name ${address}, and the password again.`]),
      `If it asks: SSL on, ports ${incoming.port}${outgoing === null ? '' : ` and ${outgoing.port}`}.`,
    ],
  };
}

function gmail({ address, incoming, outgoing, leaveOnServer }: SetUpValues): Program {
  return {
    name: 'Gmail app (Android)',
    steps: [
      'Touch your picture, then "Add another account", then Other.',
      `Type ${address}, touch "Manual setup", and choose "Personal (${KINDS[incoming.type]})".`,
      `Type your password or app password. Incoming server: ${incoming.host}, port ${incoming.port}, security type ${SECURITY[incoming.security]}${incoming.type === 'pop3' ? `, delete email from server: ${leaveOnServer ? 'never' : 'when I delete from Inbox'}` : ''}.`,
      ...(outgoing === null
        ? []
        : [
            `Outgoing server: ${outgoing.host}, port ${outgoing.port}, security type ${SECURITY[outgoing.security]}, with "Require sign-in" on.`,
          ]),
    ],
  };
}

function thunderbirdAndroid({ address, incoming, outgoing }: SetUpValues): Program {
  return {
    name: 'Thunderbird and K-9 Mail (Android)',
    steps: [
      `Add an account, type ${address}, and your password or app password. The app finds the rest.`,
      `If it does not: ${KINDS[incoming.type]}, server ${incoming.host}, security ${SECURITY[incoming.security]}, port ${incoming.port}, user name ${address}, authentication "Normal password".`,
      ...(outgoing === null
        ? []
        : [
            `Outgoing: server ${outgoing.host}, security ${SECURITY[outgoing.security]}, port ${outgoing.port}, the same user name and password.`,
          ]),
    ],
  };
}

function mutt({ address, incoming, outgoing }: SetUpValues): Program {
  const [user, host] = [encodeURIComponent(address), `${incoming.host}:${incoming.port}`];
  const tls = incoming.security === 'tls';
  const lines = [
    set('from', address),
    ...(incoming.type === 'imap'
      ? [set('imap_user', address), set('folder', `${tls ? 'imaps' : 'imap'}://${host}`), set('spoolfile', '+INBOX')]
      : [set('pop_host', `${tls ? 'pops' : 'pop'}://${user}@${host}`)]),
    ...(outgoing === null
      ? []
      : [
          set(
            'smtp_url',
            `${outgoing.security === 'tls' ? 'smtps' : 'smtp'}://${user}@${outgoing.host}:${outgoing.port}`,
          ),
        ]),
    'set ssl_force_tls = yes',
  ];
  const name = '.muttrc';
  return {
    name: 'mutt and NeoMutt',
    steps: [`Put this into ${name}. It asks for the password.`],
    file: { name, text: lines.join('\n') },
  };
}

/** Within double quotes these four mean something to mutt. */
function set(name: string, value: string): string {
  return `set ${name} = "${value.replace(/["\\`$]/g, '\\$&')}"`;
}

function leave(where: string, leaveOnServer: boolean): string {
  return leaveOnServer
    ? `${where}, let copies of messages stay on the server ("Leave a copy on the server", without a number of days).`
    : `${where}, do not leave copies of messages on the server.`;
}
