/** The settings of the LDAP directory with everything filled in that is usual for its kind. */
import { type Filter, FilterParser } from 'ldapts';
import type { Config } from '../config/schema.ts';
import { parseDomain } from '../directory/address.ts';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';

type LdapConfig = Config['ldap'];
type Kind = LdapConfig['kind'];

interface Usual {
  readonly people: string;
  /** Empty: nobody is disabled there. */
  readonly disabled: string;
  readonly groups: string;
  readonly id: string;
  readonly address: string;
  readonly aliases: string;
  readonly name: string;
  readonly members: string;
}

const USUAL: Readonly<Record<Kind, Usual>> = {
  openldap: {
    people: '(&(objectClass=inetOrgPerson)(mail=*))',
    disabled: '',
    groups: '(objectClass=groupOfNames)',
    id: 'entryUUID', // RFC 4530
    address: 'mail',
    aliases: 'mailAlternateAddress',
    name: 'displayName',
    members: 'member',
  },
  'active-directory': {
    people: '(&(objectCategory=person)(objectClass=user)(mail=*))',
    // The bit ACCOUNTDISABLE, by the rule that compares bits.
    disabled: '(userAccountControl:1.2.840.113556.1.4.803:=2)',
    groups: '(objectClass=group)',
    id: 'objectGUID',
    address: 'mail',
    aliases: 'proxyAddresses',
    name: 'displayName',
    // Large groups tell their members there only in pieces; people tell all their groups.
    members: 'memberOf',
  },
};

/** How it is told who is in a group. */
export type Membership =
  /** The group names members (`member`), by their DN. */
  | { readonly by: 'dn'; readonly attribute: string }
  /** The group names members by their `uid` (RFC 2307). */
  | { readonly by: 'uid'; readonly attribute: string }
  /** People name their groups, by DN. */
  | { readonly by: 'person'; readonly attribute: string };

export interface LdapSettings {
  readonly urls: readonly string[];
  readonly startTls: boolean;
  /** A file; empty: what the system trusts. */
  readonly ca: string;
  readonly bind: string;
  readonly passwordFile: string;
  readonly base: string;
  /** In canonical form. */
  readonly domains: ReadonlySet<string>;
  readonly people: Filter;
  readonly disabled: Filter | null;
  readonly groups: Filter | null;
  readonly attributes: PersonAttributes;
  readonly membership: Membership;
  readonly refresh: Milliseconds;
  readonly remember: Milliseconds;
  readonly offline: Milliseconds;
  readonly timeout: Milliseconds;
  readonly connections: number;
  /** Of those who are known, in a hundred. */
  readonly suspendAtMost: number;
}

/** Names of the attributes of people; empty: there is none. */
export interface PersonAttributes {
  readonly id: string;
  readonly address: string;
  readonly aliases: string;
  readonly name: string;
  readonly quota: string;
}

/** @returns null when nobody lives in LDAP @throws Refused `config.invalid` */
export function ldapSettings(config: LdapConfig): LdapSettings | null {
  if (config.urls.length === 0) return null;
  const usual = USUAL[config.kind];
  const disabled = config.disabled || usual.disabled;
  const { urls, startTls, ca, bind, passwordFile, base, quota } = config;
  const { refresh, remember, offline, timeout, connections, suspendAtMost } = config;
  return {
    urls,
    startTls,
    ca,
    bind,
    passwordFile,
    base,
    domains: new Set(config.domains.map(domainOf)),
    people: filterOf('people', config.people || usual.people),
    disabled: disabled === '' ? null : filterOf('disabled', disabled),
    groups: config.groups === 'none' ? null : filterOf('groups', config.groups || usual.groups),
    attributes: {
      id: config.id || usual.id,
      address: config.address || usual.address,
      aliases: config.aliases || usual.aliases,
      name: config.name || usual.name,
      quota,
    },
    membership: membershipOf(config.members || usual.members),
    refresh,
    remember,
    offline,
    timeout,
    connections,
    suspendAtMost,
  };
}

/** Where it is, for people: `LDAP (ldaps://ldap.example.org)`. */
export function placeOf({ urls }: LdapSettings): string {
  return `LDAP (${urls[0]})`;
}

function filterOf(setting: string, text: string): Filter {
  try {
    return FilterParser.parseString(text);
  } catch (cause) {
    throw new Refused('config.invalid', `ldap.${setting}: "${text}" is not a filter (RFC 4515).`, { cause });
  }
}

function domainOf(text: string): string {
  const domain = parseDomain(text);
  if (domain === null) throw new Refused('config.invalid', `ldap.domains: "${text}" is not a domain.`);
  return domain;
}

function membershipOf(attribute: string): Membership {
  const lower = attribute.toLowerCase();
  if (lower === 'memberof') return { by: 'person', attribute };
  return { by: lower === 'memberuid' ? 'uid' : 'dn', attribute };
}
