/** The domains whose mail is ours, under one or several names. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';
import { holderOf } from './names.ts';
import { exists, invalid, missing } from './rules.ts';
import type { DomainSettings } from './types.ts';

export interface Domain {
  readonly id: number;
  /** Its main name, which its addresses are written with. */
  readonly name: string;
  /** Gets what is for nobody else. */
  readonly catchAll: string | null;
  /** What stands between a name and its detail; empty: no subaddresses. */
  readonly subaddress: string;
}

const FIND = sql<readonly [id: number, name: string, catchAll: string | null, subaddress: string]>(`
  SELECT m.domain_id, m.name, m.catch_all, m.subaddress FROM domain d JOIN domain m ON m.domain_id = coalesce(d.another_name_of, d.domain_id)
  WHERE d.name = ?`);
const INSERT = sql('INSERT INTO domain (domain_id, name, created) VALUES (?, ?, ?)');
const DELETE = sql('DELETE FROM domain WHERE name = ?');
const DELETE_OTHER_NAMES = sql('DELETE FROM domain WHERE another_name_of = ?');
const DELETE_RULES = sql("DELETE FROM policy WHERE scope = 'domain' AND subject_id = ?");
const LIST = sql<readonly [name: string, another: string | null, catchAll: string | null, subaddress: string]>(`
  SELECT d.name, m.name, d.catch_all, d.subaddress FROM domain d LEFT JOIN domain m ON m.domain_id = d.another_name_of ORDER BY d.name`);
const ADDRESS_AT = sql<readonly [address: string]>(`
  SELECT name FROM account WHERE name LIKE '%@' || CAST(? AS TEXT) UNION ALL
  SELECT address FROM alias WHERE address LIKE '%@' || CAST(? AS TEXT) UNION ALL
  SELECT address FROM alias_outsider WHERE address LIKE '%@' || CAST(? AS TEXT) UNION ALL
  SELECT address FROM person_group WHERE address LIKE '%@' || CAST(? AS TEXT) LIMIT 1`);
const SET_CATCH_ALL = sql('UPDATE domain SET catch_all = ? WHERE domain_id = ?');
const SET_SUBADDRESS = sql('UPDATE domain SET subaddress = ? WHERE domain_id = ?');

/** The domain of this name, which may be another than its main one. */
export async function findDomain(tx: Reader, domain: string): Promise<Domain | undefined> {
  const row = await tx.get(FIND, domain);
  return row && { id: row[0], name: row[1], catchAll: row[2], subaddress: row[3] };
}

/** Is it a domain of this office, by any of its names? */
export async function isOurs(tx: Reader, domain: string): Promise<boolean> {
  return (await findDomain(tx, domain)) !== undefined;
}

/** In order of name. */
export async function listDomains(tx: Reader): Promise<DomainSettings[]> {
  return (await tx.all(LIST)).map(([name, anotherNameOf, catchAll, subaddress]) => ({
    name,
    anotherNameOf,
    catchAll,
    subaddress,
  }));
}

/** The domain by its main name: addresses are made in no other. @throws Refused `directory.missing`, `directory.invalid` */
export async function requireOurs(tx: Reader, name: string): Promise<Domain> {
  const domain = await findDomain(tx, name);
  if (domain === undefined) {
    throw missing(`The domain ${name} is not served here. Add it first: rainmail domain add ${name}`);
  }
  if (domain.name !== name) {
    throw invalid(
      `${name} is another name of ${domain.name}: every address there is one here, too. Use ${domain.name}.`,
    );
  }
  return domain;
}

/** Adds a domain unless it is there. @returns whether it was added */
export async function ensureDomain(tx: Writer, name: string, now: EpochSeconds): Promise<boolean> {
  if ((await findDomain(tx, name)) !== undefined) return false;
  await tx.run(INSERT, await nextNumber(tx, 'domain'), name, now);
  return true;
}

/** @throws Refused `directory.exists` */
export async function addDomain(tx: Writer, name: string, now: EpochSeconds): Promise<void> {
  if (!(await ensureDomain(tx, name, now))) throw exists(`The domain ${name} is there already.`);
}

/**
 * Removes a domain with its other names, or one of these.
 * @throws Refused `directory.missing`, `directory.invalid` while anybody has an address in it
 */
export async function removeDomain(tx: Writer, name: string): Promise<void> {
  const domain = await findDomain(tx, name);
  if (domain === undefined) throw missing(`There is no domain ${name}.`);
  if (domain.name === name) {
    const [user] = (await tx.get(ADDRESS_AT, name, name, name, name)) ?? [];
    if (user !== undefined) {
      throw invalid(`The domain ${name} is in use, by ${user} for one. Remove its accounts, aliases and groups first.`);
    }
    await tx.run(DELETE_OTHER_NAMES, domain.id);
    await tx.run(DELETE_RULES, domain.id);
  }
  await tx.run(DELETE, name);
}

/** @param address  null for none @returns what it was @throws Refused `directory.missing`, `directory.invalid` */
export async function setCatchAll(tx: Writer, name: string, address: string | null): Promise<string | null> {
  const domain = await requireOurs(tx, name);
  if (address !== null && (await holderOf(tx, address)) === undefined) {
    throw missing(
      `Nobody here has the address ${address}: a catch-all is an account, an alias or a group of this office.`,
    );
  }
  await tx.run(SET_CATCH_ALL, address, domain.id);
  return domain.catchAll;
}

/** @param separator  empty for none @returns what it was @throws Refused `directory.missing`, `directory.invalid` */
export async function setSubaddress(tx: Writer, name: string, separator: string): Promise<string> {
  const domain = await requireOurs(tx, name);
  await tx.run(SET_SUBADDRESS, separator, domain.id);
  return domain.subaddress;
}
