/** The kinds of values that settings of the access policy have: how each is written. Pure. Equal values are equal text once formatted. */
import { LANGUAGES, type Language } from '../../config/languages.ts';
import { type LetGo, parseLetGo } from '../../config/let-go.ts';
import { isNetwork } from '../../config/units.ts';
import { CREDENTIAL_KINDS, type CredentialKind } from '../types.ts';

export interface ValueKind<Value> {
  /** How values are written, for help. */
  readonly values: string;
  /** Those that a shell can offer: all, or the ones without a name in them. */
  readonly choices: readonly string[];
  /** Undefined for text that is no value. */
  parse(text: string): Value | undefined;
  /** In one form: what parses to the same value is formatted alike. */
  format(value: Value): string;
}

/** Entries that a list has at most. */
const LIST_LIMIT = 100;
/** As [pop3] folders in the configuration. */
const FOLDERS_LIMIT = 20;
const DAY_SECONDS = 86_400;
const ANY = 'any';

const ON_OFF: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['off', false],
]);

export const onOff: ValueKind<boolean> = {
  values: 'on or off',
  choices: ['on', 'off'],
  parse: (text) => ON_OFF.get(text.toLowerCase()),
  format: (on) => (on ? 'on' : 'off'),
};

export const tlsRule: ValueKind<'required' | 'optional'> = choice(['required', 'optional']);

export const language: ValueKind<Language> = choice(LANGUAGES);

export const preference: ValueKind<'imap' | 'pop3'> = choice(['imap', 'pop3']);

/** Whom somebody may send as. */
export type SenderRule = 'own' | 'domain' | 'any';

export const senderRule: ValueKind<SenderRule> = choice(['own', 'domain', 'any']);

/** Null: any. */
export const networkList: ValueKind<readonly string[] | null> = {
  values: 'any, or networks such as 192.0.2.0/24,2001:db8::/32',
  choices: [ANY],
  parse(text) {
    const list = items(text.toLowerCase());
    if (list?.length === 1 && list[0] === ANY) return null;
    return list?.every(isNetwork) ? list : undefined;
  },
  format: (list) => list?.join(',') ?? ANY,
};

/** Null: any. */
export const credentialList: ValueKind<readonly CredentialKind[] | null> = {
  values: `any, or some of ${CREDENTIAL_KINDS.join(',')}`,
  choices: [ANY, ...CREDENTIAL_KINDS],
  parse(text) {
    const list = items(text.toLowerCase());
    if (list?.length === 1 && list[0] === ANY) return null;
    const known = CREDENTIAL_KINDS.filter((kind) => list?.includes(kind));
    return known.length > 0 && known.length === list?.length ? known : undefined;
  },
  format: (list) => list?.join(',') ?? ANY,
};

export const letGo: ValueKind<LetGo> = {
  values: 'keep, remove, folder:NAME, or days such as 30d',
  choices: ['keep', 'remove'],
  parse: parseLetGo,
  format(rule) {
    switch (rule.kind) {
      case 'move':
        return `folder:${rule.folder}`;
      case 'after':
        return rule.seconds % DAY_SECONDS === 0 ? `${rule.seconds / DAY_SECONDS}d` : `${rule.seconds}s`;
      default:
        return rule.kind;
    }
  },
};

export const folderList: ValueKind<readonly string[]> = {
  values: 'folders with commas between them (a comma in a name is written \\,)',
  choices: ['INBOX'],
  parse(text) {
    const list = text.split(/(?<!\\),/).map((folder) => folder.replaceAll('\\,', ',').trim());
    return list.length <= FOLDERS_LIMIT && list.every((folder) => folder !== '') ? [...new Set(list)] : undefined;
  },
  format: (list) => list.map((folder) => folder.replaceAll(',', '\\,')).join(','),
};

function choice<const Choice extends string>(choices: readonly Choice[]): ValueKind<Choice> {
  return {
    values: `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`,
    choices,
    parse: (text) => choices.find((one) => one === text.toLowerCase()),
    format: (value) => value,
  };
}

/** What stands between commas, each once; undefined where there is nothing or too much. */
function items(text: string): string[] | undefined {
  const list = [...new Set(text.split(',').map((item) => item.trim()))];
  return list.includes('') || list.length > LIST_LIMIT ? undefined : list;
}
