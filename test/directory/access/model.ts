/** What an access policy means, as plainly as it can be said: start with nothing said, and let each who is nearer have their say. */
import type { Use } from '../../../src/directory/access/access.ts';

export interface ModelRule {
  readonly scope: 'account' | 'group' | 'domain' | 'everyone';
  readonly name: string;
  readonly setting: string;
  readonly value: string;
}

export interface ModelPerson {
  readonly name: string;
  readonly groups: readonly { readonly name: string; readonly rank: number }[];
}

const SERVICES = ['imap', 'pop3', 'submission', 'managesieve', 'web', 'settings'];

const DEFAULTS: Readonly<Record<string, string>> = {
  prefer: 'imap',
  'pop3.letGo': 'keep',
  'pop3.folders': 'INBOX',
  'pop3.seenByRetr': 'off',
  'submission.fileSent': 'on',
  'submission.senders': 'own',
  forward: 'off',
  language: 'en',
  ...Object.fromEntries(
    SERVICES.flatMap((service) => [
      [service, 'on'],
      [`${service}.networks`, 'any'],
      [`${service}.credentials`, 'any'],
      [`${service}.tls`, 'optional'],
    ]),
  ),
};

/** Every setting of a person. */
export function settingsOf(rules: readonly ModelRule[], person: ModelPerson): Record<string, string> {
  const said = { ...DEFAULTS };
  const hear = (scope: string, name: string) => {
    for (const rule of rules) if (rule.scope === scope && rule.name === name) said[rule.setting] = rule.value;
  };
  hear('everyone', '');
  hear('domain', person.name.split('@')[1]!);
  // Whoever speaks last is heard: the highest rank first, of equal ranks the last name first.
  const waiting = [...person.groups];
  while (waiting.length > 0) {
    let first = waiting[0]!;
    for (const group of waiting) {
      if (group.rank > first.rank || (group.rank === first.rank && group.name > first.name)) first = group;
    }
    hear('group', first.name);
    waiting.splice(waiting.indexOf(first), 1);
  }
  hear('account', person.name);
  return said;
}

/** May it be done? The networks of the model are /24 and single addresses of IPv4, and /48 of IPv6. */
export function mayUse(settings: Readonly<Record<string, string>>, use: Use): boolean {
  const of = (what: string) => settings[`${use.service}.${what}`]!;
  const isOn = settings[use.service] === 'on';
  const fromThere =
    of('networks') === 'any' ||
    of('networks')
      .split(',')
      .some((network) => holds(network, use.address));
  const withThat = of('credentials') === 'any' || of('credentials').split(',').includes(use.credential);
  let safe = use.secure;
  if (!safe && of('tls') === 'optional') safe = use.local;
  return isOn && fromThere && withThat && safe;
}

function holds(network: string, address: string): boolean {
  if (network.endsWith('/24')) return address.startsWith(network.slice(0, network.lastIndexOf('.') + 1));
  if (network.endsWith('/48')) return address.startsWith(network.slice(0, network.indexOf('::') + 1));
  return network === address;
}
