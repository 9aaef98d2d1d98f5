/** What an entry of LDAP tells of a person or a group. Pure. */
import type { Entry } from 'ldapts';
import { parseSize } from '../config/units.ts';
import { formatAddress, parseAddress } from '../directory/address.ts';
import type { OutsideGroup, OutsidePerson } from '../directory/outside/types.ts';
import type { Membership, PersonAttributes } from './settings.ts';

/** A person of LDAP, and what they are known by among groups. */
export interface LdapPerson {
  readonly dn: string;
  /** As the server needs it to find the entry again: text, or bytes. */
  readonly id: string | Buffer;
  readonly person: OutsidePerson;
  /** The DNs of groups, where people tell theirs. */
  readonly groups: readonly string[];
  /** Empty where groups don't name people so. */
  readonly uids: readonly string[];
}

export interface LdapGroup {
  readonly dn: string;
  readonly group: OutsideGroup;
  /** DNs or uids; none where people tell their groups. */
  readonly members: readonly string[];
}

/** An entry that is no person of ours: `problem` says what is wrong with it; without one it is just none of ours. */
export interface NoPerson {
  readonly dn: string;
  readonly problem: string | null;
}

export interface Mapping {
  readonly attributes: PersonAttributes;
  readonly membership: Membership;
  readonly domains: ReadonlySet<string>;
}

const NAME_LIMIT = 256;
/** Addresses of one person: each is a row, and they are taken in one transaction. */
const ADDRESSES_LIMIT = 100;
/** Of Exchange: an address of mail among those of other systems; capitals mark the main one. */
const SMTP_PREFIX = /^smtp:/i;
const OTHER_PREFIX = /^[a-z0-9]+:/i;

/** The names of all attributes that a mapping reads of people. */
export function personAttributes({ attributes, membership }: Mapping): string[] {
  const { id, address, aliases, name, quota } = attributes;
  const groups = membership.by === 'person' ? membership.attribute : membership.by === 'uid' ? 'uid' : '';
  return [id, address, aliases, name, 'cn', quota, groups].filter((one) => one !== '');
}

export function groupAttributes({ attributes, membership }: Mapping): string[] {
  return [attributes.id, 'cn', 'description', ...(membership.by === 'person' ? [] : [membership.attribute])];
}

/** @param active  may sign in there */
export function personOf(entry: Entry, mapping: Mapping, active: boolean): LdapPerson | NoPerson {
  const { attributes, membership, domains } = mapping;
  const { dn } = entry;
  const values = (name: string) => (name === '' ? [] : textsOf(entry, name));
  const id = idOf(entry, attributes.id);
  if (id === null) return { dn, problem: `has no ${attributes.id}, or it may not be read.` };
  const own = addressesOf(values(attributes.address), domains);
  const [first, ...others] = own.ours;
  if (first === undefined) return { dn, problem: own.bad.length > 0 ? noAddress(own.bad[0]!) : null };
  const aliases = addressesOf(values(attributes.aliases), domains).ours.filter((one) => !own.ours.includes(one));
  const person: OutsidePerson = {
    externalId: id.text,
    addresses: [first, ...others],
    aliases: aliases.slice(0, ADDRESSES_LIMIT),
    displayName: oneLine(values(attributes.name)[0] ?? values('cn')[0] ?? ''),
    quotaBytes: attributes.quota === '' ? undefined : quotaOf(values(attributes.quota)[0]),
    active,
  };
  return {
    dn,
    id: id.value,
    person,
    groups: membership.by === 'person' ? values(membership.attribute) : [],
    uids: membership.by === 'uid' ? values('uid') : [],
  };
}

/** Null: it can't be a group here. */
export function groupOf(entry: Entry, { attributes, membership }: Mapping): LdapGroup | null {
  const id = idOf(entry, attributes.id);
  const name = oneLine(textsOf(entry, 'cn')[0] ?? '');
  if (id === null || name === '') return null;
  return {
    dn: entry.dn,
    group: { externalId: id.text, name, description: oneLine(textsOf(entry, 'description')[0] ?? '').slice(0, 200) },
    members: membership.by === 'person' ? [] : textsOf(entry, membership.attribute),
  };
}

export function isPerson(one: LdapPerson | NoPerson): one is LdapPerson {
  return 'person' in one;
}

/** True for the attributes by which Active Directory knows entries. */
export function isBinary(attribute: string): boolean {
  return attribute.toLowerCase() === 'objectguid';
}

/** What an entry is known by for good: bytes (objectGUID) as hexadecimal digits. */
export function idOf(
  entry: Entry,
  attribute: string,
): { readonly value: string | Buffer; readonly text: string } | null {
  const [found] = valuesOf(entry, attribute);
  if (found === undefined || found.length === 0) return null;
  if (!isBinary(attribute)) return { value: found, text: found.toString() };
  const value = Buffer.from(found); // 16 bytes that happen to be UTF-8 come as text
  return { value, text: value.toString('hex') };
}

/** In canonical form, each once: those in domains whose people live there, and what is no address at all. */
function addressesOf(texts: readonly string[], domains: ReadonlySet<string>): { ours: string[]; bad: string[] } {
  const ours = new Set<string>();
  const bad: string[] = [];
  for (const text of texts) {
    const isMail = SMTP_PREFIX.test(text);
    if (!isMail && OTHER_PREFIX.test(text)) continue; // x500:, sip:
    const address = parseAddress(text.replace(SMTP_PREFIX, '').trim());
    if (address === null) bad.push(text);
    else if (domains.has(address.domain)) ours.add(formatAddress(address));
  }
  return { ours: [...ours].slice(0, ADDRESSES_LIMIT), bad };
}

function noAddress(text: string): string {
  return `"${oneLine(text).slice(0, 100)}" is not a mail address.`;
}

/** A size, or a number of bytes; what is neither, or nothing, is no quota of its own. */
function quotaOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = /^\d+$/.test(text) ? Number(text) : parseSize(text);
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** Text for people, as the directory takes it. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Surrogate}]+/gu, ' ')
    .trim()
    .slice(0, NAME_LIMIT)
    .toWellFormed();
}

function textsOf(entry: Entry, attribute: string): string[] {
  return valuesOf(entry, attribute).filter((value) => typeof value === 'string');
}

/** Servers give names of attributes in any case, and with options (`cn;lang-de`), which are other attributes. */
function valuesOf(entry: Entry, attribute: string): readonly (string | Buffer)[] {
  const wanted = attribute.toLowerCase();
  const name = Object.keys(entry).find((one) => one.toLowerCase() === wanted);
  const value = name === undefined ? [] : entry[name]!;
  return Array.isArray(value) ? value : [value];
}
