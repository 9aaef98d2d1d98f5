/** The two questions asked all the time: where an address leads, and against what a sign-in is checked. Behind the directory's caches. */
import type { Reader } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, findAccount } from './accounts.ts';
import { formatAddress, parseAddress, parseDomain, parseLocalPart } from './address.ts';
import { aliasTargets } from './aliases.ts';
import { credentialsOf, scramParameters } from './credentials.ts';
import { isOurs } from './domains.ts';
import type { Account, Resolved, SignInRecord } from './types.ts';

const FIRST_ACCOUNT_AT = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.name LIKE '%@' || ? ORDER BY a.state, a.account_id LIMIT 1`);
const FIRST_ACCOUNT = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.state <> 'removed' ORDER BY a.state, a.account_id LIMIT 1`);
const BY_LOCAL_PART = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM domain d CROSS JOIN ${ACCOUNT_TABLES} WHERE a.name = ? || '@' || d.name LIMIT 2`);
const POSTMASTER = 'postmaster';

/** Where an address leads. Suspended accounts get mail like others. */
export async function resolveAddress(tx: Reader, text: string): Promise<Resolved> {
  const address = parseAddress(text);
  if (address === null) return resolveOdd(tx, text);
  if (!(await isOurs(tx, address.domain))) return { kind: 'foreign' };
  const name = formatAddress(address);
  const account = await findAccount(tx, name);
  if (account !== undefined) return { kind: 'accounts', accounts: [account] };
  const accounts = await aliasTargets(tx, name);
  if (accounts.length > 0) return { kind: 'accounts', accounts };
  return address.local === POSTMASTER ? postmaster(tx, address.domain) : { kind: 'unknown' };
}

/** Text that is no address of anybody: all that matters is whether it would be ours. */
async function resolveOdd(tx: Reader, text: string): Promise<Resolved> {
  const at = text.lastIndexOf('@');
  if (at < 0) return text.toLowerCase() === POSTMASTER ? postmaster(tx, '') : { kind: 'unknown' }; // RFC 5321 4.5.1
  const domain = parseDomain(text.slice(at + 1));
  return domain !== null && (await isOurs(tx, domain)) ? { kind: 'unknown' } : { kind: 'foreign' };
}

/**
 * RFC 5321 4.5.1: mail to postmaster reaches somebody in every domain. Where nobody was named for it (by an account or an alias),
 * the domain's first account gets it, else the office's first.
 */
async function postmaster(tx: Reader, domain: string): Promise<Resolved> {
  const row = (await tx.get(FIRST_ACCOUNT_AT, domain)) ?? (await tx.get(FIRST_ACCOUNT));
  return row === undefined ? { kind: 'unknown' } : { kind: 'accounts', accounts: [accountOf(row)] };
}

/** The account somebody signs in to by this name, with what the sign-in is checked against; null for nobody. */
export async function findSignIn(tx: Reader, name: string): Promise<SignInRecord | null> {
  const account = await findByName(tx, name);
  if (account === undefined) return null;
  const credentials = await credentialsOf(tx, account.id);
  const scram = (await scramParameters(tx, account.id)) ?? null;
  return { account, credentials, scram };
}

async function findByName(tx: Reader, name: string): Promise<Account | undefined> {
  if (name.includes('@')) {
    const address = parseAddress(name);
    return address === null ? undefined : findAccount(tx, formatAddress(address));
  }
  const local = parseLocalPart(name);
  if (local === null) return undefined;
  const [only, ...others] = await tx.all(BY_LOCAL_PART, local);
  return only === undefined || others.length > 0 ? undefined : accountOf(only);
}
