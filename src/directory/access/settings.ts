/** Every setting of the access policy: how it is written, what it does, and what holds where nobody has set it. Pure. */
import type { Language } from '../../config/languages.ts';
import type { LetGo } from '../../config/let-go.ts';
import { SIGN_IN_PROTOCOLS, type SignInProtocol } from '../types.ts';
import {
  credentialList,
  folderList,
  language,
  letGo,
  networkList,
  onOff,
  preference,
  senderRule,
  tlsRule,
  type ValueKind,
} from './values.ts';

export type PolicyName =
  | SignInProtocol
  | `${SignInProtocol}.${'networks' | 'credentials' | 'tls'}`
  | 'prefer'
  | 'submission.senders'
  | 'forward'
  | keyof Configured;

export interface PolicySetting {
  readonly name: PolicyName;
  /** How its values are written, for help. */
  readonly values: string;
  /** Values that a shell can offer. */
  readonly choices: readonly string[];
  /** What it does, in one sentence. */
  readonly about: string;
  /** The one form in which a value is kept: equal values are equal text. Undefined for text that is no value. */
  canonical(text: string): string | undefined;
  /** What holds where nobody has set it. */
  initial(configured: Configured): string;
}

/** What the configuration file says, for the settings that have their default from there. */
export interface Configured {
  readonly 'pop3.letGo': LetGo;
  readonly 'pop3.folders': readonly string[];
  readonly 'pop3.seenByRetr': boolean;
  readonly 'submission.fileSent': boolean;
  readonly language: Language;
}

/** As a configuration file says that says nothing. */
export const UNCONFIGURED: Configured = {
  'pop3.letGo': { kind: 'keep' },
  'pop3.folders': ['INBOX'],
  'pop3.seenByRetr': false,
  'submission.fileSent': true,
  language: 'en',
};

/** How services are called in texts for people. */
export const SERVICE_TITLES: Readonly<Record<SignInProtocol, string>> = {
  imap: 'IMAP',
  pop3: 'POP3',
  submission: 'sending mail',
  managesieve: 'editing mail filters',
  web: 'the web',
  settings: 'the settings page',
};

/** In the order in which they are shown. */
export const POLICY_SETTINGS: readonly PolicySetting[] = [
  ...SIGN_IN_PROTOCOLS.flatMap(serviceSettings),
  setting(
    'prefer',
    preference,
    'Which of the two mail programs are offered first when they set themselves up.',
    'imap',
  ),
  configured('pop3.letGo', letGo, 'What becomes of a message that a POP3 device deletes.'),
  configured('pop3.folders', folderList, 'The folders that POP3 shows, one after the other.'),
  configured('pop3.seenByRetr', onOff, 'Whether a message that POP3 has retrieved is marked as read.'),
  configured('submission.fileSent', onOff, 'Whether the server files what is sent in the Sent folder.'),
  setting(
    'submission.senders',
    senderRule,
    'Whom one may send as: own addresses, aliases and groups; everybody of the own domain; or anybody at all.',
    'own',
  ),
  setting('forward', onOff, 'Whether one may forward own mail to other addresses, on the settings page.', false),
  configured('language', language, 'The language in which the server tells what became of mail.'),
];

export const POLICY_NAMES: readonly PolicyName[] = POLICY_SETTINGS.map(({ name }) => name);

const BY_NAME = new Map(POLICY_SETTINGS.map((one) => [one.name.toLowerCase(), one]));

/** The setting of this name, in any case; undefined for none. */
export function settingNamed(name: string): PolicySetting | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Whether a service may be used, from where, with what, and how. */
function serviceSettings(service: SignInProtocol): PolicySetting[] {
  const title = SERVICE_TITLES[service];
  return [
    setting(service, onOff, `Whether ${title} may be used.`, true),
    setting(`${service}.networks`, networkList, `From where ${title} may be used.`, null),
    setting(`${service}.credentials`, credentialList, `What ${title} may be signed in to with.`, null),
    setting(
      `${service}.tls`,
      tlsRule,
      `Whether ${title} needs TLS on the server's own machine, too; from elsewhere it always does.`,
      'optional',
    ),
  ];
}

function setting<Value>(name: PolicyName, kind: ValueKind<Value>, about: string, initial: Value): PolicySetting {
  return { name, about, ...described(kind), initial: () => kind.format(initial) };
}

/** One whose default is the configuration file's setting of the same name. */
function configured<Name extends keyof Configured>(
  name: Name,
  kind: ValueKind<Configured[Name]>,
  about: string,
): PolicySetting {
  const initial = (said: Configured) => kind.format(said[name]);
  return { name, about, ...described(kind), initial };
}

function described<Value>(kind: ValueKind<Value>): Pick<PolicySetting, 'values' | 'choices' | 'canonical'> {
  const { values, choices } = kind;
  const canonical = (text: string) => {
    const value = kind.parse(text.trim());
    return value === undefined ? undefined : kind.format(value);
  };
  return { values, choices, canonical };
}
