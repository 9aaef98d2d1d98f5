/** Looks whether the settings of LDAP do what they should: server by server, then what would be taken over. Changes nothing. */
import { formatAddress } from '../directory/address.ts';
import type { Directory } from '../directory/directory.ts';
import type { OutsidePerson } from '../directory/outside/types.ts';
import { requireAddress } from '../directory/rules.ts';
import { endLdap } from './connection.ts';
import { comparableDn } from './dn.ts';
import { isPerson, type LdapPerson } from './entry.ts';
import { type Everything, LdapReader } from './reader.ts';
import { LdapServers } from './servers.ts';
import { type LdapSettings, placeOf } from './settings.ts';

/** Problems and addresses that are told one by one. */
const LIST_LIMIT = 20;

export interface CheckReport {
  readonly place: string;
  /** Each server: null when it takes a connection and the bind, else what is wrong and what to do. */
  readonly servers: readonly { readonly url: string; readonly trouble: string | null }[];
  /** Why people could not be read; null when they could. */
  readonly trouble: string | null;
  /** Null when they could not be read. */
  readonly found: Findings | null;
  /** What the person who was asked for would be; null: nobody was asked for, or they are not there. */
  readonly person: CheckedPerson | null;
  /** Nothing is wrong. */
  readonly good: boolean;
}

export interface Findings {
  readonly people: number;
  /** Of them, may not sign in. */
  readonly disabled: number;
  readonly groups: number;
  /** Entries that are people by the filter, and can't be accounts; and other things to look at. */
  readonly problems: readonly string[];
  /** Accounts made here, or of people who are gone, whose addresses somebody has there: they stay as they are until they are adopted. */
  readonly madeHere: readonly string[];
  readonly referrals: number;
}

export interface CheckedPerson extends Omit<OutsidePerson, 'quotaBytes'> {
  readonly dn: string;
  readonly quotaBytes: number | null;
  readonly groups: readonly string[];
}

/** @param name  an address: what would its person be here? @param directory  null: without a look at what is here */
export async function checkLdap(
  settings: LdapSettings,
  name: string | null,
  directory: Directory | null,
): Promise<CheckReport> {
  const wanted = name === null ? null : formatAddress(requireAddress(name));
  const servers = await Promise.all(settings.urls.map((url) => tryServer(settings, url)));
  const place = placeOf(settings);
  const reader = new LdapReader({ ...settings, connections: 1 }, new LdapServers(settings, () => {}));
  try {
    const everything = await reader.everything();
    const found = await findings(everything, settings, directory);
    const person = wanted === null ? null : checkedPerson(wanted, everything, settings);
    const isGood =
      servers.every(({ trouble }) => trouble === null) && found.problems.length === 0 && found.madeHere.length === 0;
    return { place, servers, trouble: null, found, person, good: isGood };
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error);
    return { place, servers, trouble, found: null, person: null, good: false };
  } finally {
    await reader.close();
  }
}

async function tryServer(settings: LdapSettings, url: string): Promise<CheckReport['servers'][number]> {
  try {
    await endLdap(await new LdapServers({ ...settings, urls: [url] }, () => {}).connect(true));
    return { url, trouble: null };
  } catch (error) {
    return { url, trouble: (error as Error).message.replace(`${url}: `, '') };
  }
}

async function findings(
  everything: Everything,
  settings: LdapSettings,
  directory: Directory | null,
): Promise<Findings> {
  const people = everything.people.filter(isPerson);
  const problems = everything.people.flatMap((one) =>
    isPerson(one) || one.problem === null ? [] : [`${one.dn}: ${one.problem}`],
  );
  const owners = new Map<string, string>();
  for (const { dn, person } of people) {
    const [address] = person.addresses;
    const other = owners.get(address);
    if (other === undefined) owners.set(address, dn);
    else problems.push(`${dn}: has the address ${address}, as ${other} has. Each needs one of their own.`);
  }
  if (people.length === 0) {
    const domains = [...settings.domains].join(', ');
    problems.push(`Nobody was found with an address in ${domains}: are base, the filter people and domains right?`);
  }
  const madeHere: string[] = [];
  const known = new Set<string>();
  if (directory !== null) {
    for await (const { name, sourceState } of directory.outside.people()) if (sourceState !== 'gone') known.add(name);
    for await (const { name } of directory.accounts()) if (owners.has(name) && !known.has(name)) madeHere.push(name);
  }
  return {
    people: people.length,
    disabled: people.filter(({ person }) => !person.active).length,
    groups: everything.groups.length,
    problems: problems.slice(0, LIST_LIMIT),
    madeHere: madeHere.slice(0, LIST_LIMIT),
    referrals: everything.referrals,
  };
}

function checkedPerson(address: string, { people, groups }: Everything, settings: LdapSettings): CheckedPerson | null {
  const found = people
    .filter(isPerson)
    .find(({ person }) => person.addresses.includes(address) || person.aliases.includes(address));
  if (found === undefined) return null;
  const { dn, person } = found;
  const names = groups.filter((group) => isMember(found, group, settings)).map(({ group }) => group.name);
  return { ...person, dn, quotaBytes: person.quotaBytes ?? null, groups: names };
}

function isMember(
  { dn, uids, groups }: LdapPerson,
  group: Everything['groups'][number],
  { membership }: LdapSettings,
): boolean {
  switch (membership.by) {
    case 'person':
      return groups.map(comparableDn).includes(comparableDn(group.dn));
    case 'dn':
      return group.members.map(comparableDn).includes(comparableDn(dn));
    case 'uid':
      return group.members.some((member) => uids.includes(member));
  }
}
