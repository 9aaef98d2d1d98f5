/** The domains whose mail is ours. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';
import { exists, invalid, missing } from './rules.ts';

const FIND = sql<readonly [id: number]>('SELECT domain_id FROM domain WHERE name = ?');
const INSERT = sql('INSERT INTO domain (domain_id, name, created) VALUES (?, ?, ?)');
const DELETE = sql('DELETE FROM domain WHERE name = ?');
const LIST = sql<readonly [name: string]>('SELECT name FROM domain ORDER BY name');
const ACCOUNT_AT = sql<readonly [name: string]>("SELECT name FROM account WHERE name LIKE '%@' || ? LIMIT 1");
const ALIAS_AT = sql<readonly [address: string]>("SELECT address FROM alias WHERE address LIKE '%@' || ? LIMIT 1");

export async function isOurs(tx: Reader, domain: string): Promise<boolean> {
  return (await tx.get(FIND, domain)) !== undefined;
}

export async function listDomains(tx: Reader): Promise<string[]> {
  return (await tx.all(LIST)).map(([name]) => name);
}

/** @throws Refused `directory.missing` */
export async function requireOurs(tx: Reader, domain: string): Promise<void> {
  if (!(await isOurs(tx, domain))) {
    throw missing(`The domain ${domain} is not served here. Add it first: rainmail domain add ${domain}`);
  }
}

/** Adds a domain unless it is there. @returns whether it was added */
export async function ensureDomain(tx: Writer, domain: string, now: EpochSeconds): Promise<boolean> {
  if (await isOurs(tx, domain)) return false;
  await tx.run(INSERT, await nextNumber(tx, 'domain'), domain, now);
  return true;
}

/** @throws Refused `directory.exists` */
export async function addDomain(tx: Writer, domain: string, now: EpochSeconds): Promise<void> {
  if (!(await ensureDomain(tx, domain, now))) throw exists(`The domain ${domain} is there already.`);
}

/** @throws Refused `directory.missing`, `directory.invalid` while anybody has an address in it */
export async function removeDomain(tx: Writer, domain: string): Promise<void> {
  const [user] = (await tx.get(ACCOUNT_AT, domain)) ?? (await tx.get(ALIAS_AT, domain)) ?? [];
  if (user !== undefined) {
    throw invalid(`The domain ${domain} is in use, by ${user} for one. Remove its accounts and aliases first.`);
  }
  if ((await tx.run(DELETE, domain)) === 0) throw missing(`There is no domain ${domain}.`);
}
