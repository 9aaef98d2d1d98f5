/** The two questions asked all the time: where an address leads, and against what a sign-in is checked. Behind the directory's caches. */
import type { Reader } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EffectiveAccess } from './access/effective.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, findAccount } from './accounts.ts';
import { type Address, formatAddress, parseAddress, parseDomain, parseLocalPart } from './address.ts';
import { aliasTargets } from './aliases.ts';
import { behind, holderOfRoles, isRole } from './behind.ts';
import { credentialsOf, scramParameters } from './credentials.ts';
import { type Domain, findDomain } from './domains.ts';
import { follow } from './follow.ts';
import { externalIdOf } from './outside/people.ts';
import type { Account, PossibleOwners, Resolved, SignInRecord } from './types.ts';

const BY_LOCAL_PART = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM domain d CROSS JOIN ${ACCOUNT_TABLES} WHERE a.name = ? || '@' || d.name LIMIT 2`);
const UNKNOWN: Resolved = { kind: 'unknown' };
const FOREIGN: Resolved = { kind: 'foreign' };

/**
 * Where an address leads: to the account, alias or group of exactly this name; else, without its detail, to that of the name before it
 * (`anna+lists@` to `anna@`); else postmaster and abuse to somebody; else to the domain's catch-all.
 */
export async function resolveAddress(tx: Reader, text: string): Promise<Resolved> {
  const address = parseAddress(text);
  if (address === null) return resolveOdd(tx, text);
  const domain = await findDomain(tx, address.domain);
  if (domain === undefined) return FOREIGN;
  if (isRole(address.local)) return resolveRole(tx, { local: address.local, domain: domain.name });
  for (const { name, detail } of namesOf(address, domain)) {
    const resolved = await resolveExactly(tx, name);
    if (resolved.kind === 'accounts' && detail !== '') return { ...resolved, detail };
    if (resolved.kind !== 'unknown') return resolved;
  }
  return domain.catchAll === null ? UNKNOWN : byDefault(await resolveExactly(tx, domain.catchAll));
}

function byDefault(resolved: Resolved): Resolved {
  return resolved.kind === 'accounts' ? { ...resolved, byDefault: true } : resolved;
}

/** Whom an address may be of, if it is in a domain of ours, whether anybody has it or not. */
export async function ownersOf(tx: Reader, text: string): Promise<PossibleOwners | null> {
  const address = parseAddress(text);
  const domain = address && (await findDomain(tx, address.domain));
  if (!address || !domain) return null;
  return { domain: domain.name, names: [...namesOf(address, domain)].map(({ name }) => name) };
}

/** The address in the domain's main name, as it is, then with ever less detail: the longest name that somebody has goes before. */
function* namesOf(
  { local }: Address,
  { name: domain, subaddress }: Domain,
): Generator<{ readonly name: string; readonly detail: string }> {
  yield { name: formatAddress({ local, domain }), detail: '' };
  if (subaddress === '') return;
  for (let end = local.lastIndexOf(subaddress); end > 0; end = local.lastIndexOf(subaddress, end - 1)) {
    yield { name: formatAddress({ local: local.slice(0, end), domain }), detail: local.slice(end + 1) };
  }
}

/**
 * RFC 5321 4.5.1: mail to postmaster reaches somebody in every domain, whoever sent it. Where nobody was named for it (by an account, an alias or
 * a group), or those take no mail or can't read it, the domain's first account gets it, else the office's first.
 */
async function resolveRole(tx: Reader, address: Address): Promise<Resolved> {
  const named = await resolveExactly(tx, formatAddress(address));
  const holder = isRead(named) ? undefined : await holderOfRoles(tx, address.domain);
  const isNobodys = named.kind !== 'accounts' || holder?.state === 'active';
  if (isNobodys) return holder === undefined ? UNKNOWN : asRole(byDefault(await resolveExactly(tx, holder.name)));
  return asRole(named.list ? { ...named, list: { ...named.list, who: 'anyone' } } : named);
}

/** Somebody can read what comes there: who is suspended gets mail, and can't sign in. */
function isRead(resolved: Resolved): boolean {
  if (resolved.kind !== 'accounts') return false;
  const { here, forwards } = resolved.onward ?? { here: resolved.accounts, forwards: [] };
  return forwards.length > 0 || here.some(({ state }) => state === 'active');
}

function asRole(resolved: Resolved): Resolved {
  return resolved.kind === 'accounts' ? { ...resolved, role: true } : resolved;
}

/** Where an address in canonical form leads by itself. Closed accounts get nothing. */
async function resolveExactly(tx: Reader, address: string): Promise<Resolved> {
  const found = await behind(tx, address);
  if (found === undefined) return UNKNOWN;
  const { list, ifNobody } = found;
  const accounts = found.accounts.filter(({ state }) => state !== 'closed');
  const onward = await follow(tx, found);
  if (accounts.length === 0 && (onward?.forwards ?? []).length === 0) return { kind: 'closed', text: ifNobody };
  return { kind: 'accounts', accounts, ...(onward && { onward }), ...(list && { list }) };
}

/** Text that is no address of anybody: all that matters is whether it would be ours. */
async function resolveOdd(tx: Reader, text: string): Promise<Resolved> {
  const at = text.lastIndexOf('@');
  if (at < 0) return text.toLowerCase() === 'postmaster' ? resolveAnyPostmaster(tx) : UNKNOWN; // RFC 5321 4.5.1
  const domain = parseDomain(text.slice(at + 1));
  return domain !== null && (await findDomain(tx, domain)) !== undefined ? UNKNOWN : FOREIGN;
}

async function resolveAnyPostmaster(tx: Reader): Promise<Resolved> {
  const holder = await holderOfRoles(tx, '');
  const domain = holder && parseAddress(holder.name)?.domain;
  return domain === undefined ? UNKNOWN : resolveRole(tx, { local: 'postmaster', domain });
}

/** What an answer weighs in a cache: what leads to many counts as many. */
export function weightOf(resolved: Resolved): number {
  if (resolved.kind !== 'accounts') return 1;
  const { accounts, onward, list } = resolved;
  const rest = (onward?.here.length ?? 0) + (onward?.forwards.length ?? 0) + (list?.outsiders.length ?? 0);
  return 1 + accounts.length + rest + (list?.named.length ?? 0);
}

/** The account somebody signs in to by this name, with what the sign-in is checked against; null for nobody. */
export async function findSignIn(tx: Reader, name: string, policy: EffectiveAccess): Promise<SignInRecord | null> {
  const account = await findByName(tx, name);
  if (account === undefined) return null;
  const credentials = await credentialsOf(tx, account.id);
  const scram = (await scramParameters(tx, account.id)) ?? null;
  const outside = (await externalIdOf(tx, account.id)) ?? null;
  return { account, credentials, scram, outside, access: await policy.of(tx, account.id, account.name) };
}

/** The name of the account that an address, or a name without a domain, belongs to; null for what is nobody's, or several people's. */
export async function ownerOf(tx: Reader, text: string): Promise<string | null> {
  const account = await findByName(tx, text);
  if (account !== undefined) return account.name;
  const address = parseAddress(text);
  const domain = address && (await findDomain(tx, address.domain));
  if (!domain) return null;
  const [only, ...others] = await aliasTargets(tx, formatAddress({ local: address.local, domain: domain.name }));
  return only === undefined || others.length > 0 ? null : only.name;
}

async function findByName(tx: Reader, name: string): Promise<Account | undefined> {
  if (name.includes('@')) {
    const address = parseAddress(name);
    const domain = address && (await findDomain(tx, address.domain));
    return address && domain
      ? findAccount(tx, formatAddress({ local: address.local, domain: domain.name }))
      : undefined;
  }
  const local = parseLocalPart(name);
  if (local === null) return undefined;
  const [only, ...others] = await tx.all(BY_LOCAL_PART, local);
  return only === undefined || others.length > 0 ? undefined : accountOf(only);
}
