/**
 * What lives in another directory can't be changed here: the next look there would take the change back. Every change of the directory that
 * a person makes asks here first, in its own transaction; the synchroniser doesn't.
 */
import { Refused } from '../../errors.ts';
import type { Reader } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import { getMeta } from '../../store/operations/meta.ts';
import type { AccountState } from '../types.ts';

const PERSON = sql<readonly [state: string]>(`
  SELECT p.source_state FROM account a JOIN person p ON p.account_id = a.account_id WHERE a.name = ? AND p.source IS NOT NULL`);
const GROUP = sql<readonly [name: string]>('SELECT name FROM person_group WHERE name = ? AND source IS NOT NULL');
const ALIAS = sql<readonly [address: string]>(
  'SELECT address FROM alias WHERE address = ? AND source IS NOT NULL LIMIT 1',
);
const SOMEBODY_AT = sql<readonly [name: string]>(`
  SELECT a.name FROM person p JOIN account a ON a.account_id = p.account_id
  WHERE p.source IS NOT NULL AND a.name LIKE '%@' || CAST(? AS TEXT) LIMIT 1`);

/** Where the other directory is, for texts; kept in `meta`, so that commands know it which read no configuration. */
export const PLACE = 'outside.place';

/** @param what  that is to be changed, as the text calls it: `the password` @throws Refused `directory.outside` */
export async function requirePersonHere(tx: Reader, account: string, what: string): Promise<void> {
  if ((await tx.get(PERSON, account)) === undefined) return;
  throw outside(`${account} lives in ${await place(tx)}: change ${what} there.`);
}

/** One who is gone there may be removed here. @throws Refused `directory.outside` */
export async function requireRemovable(tx: Reader, account: string): Promise<void> {
  const state = (await tx.get(PERSON, account))?.[0];
  if (state === undefined || state === 'gone') return;
  throw outside(`${account} lives in ${await place(tx)}, and would be back at once: remove the person there first.`);
}

/** Suspending is always allowed; signing in again is not for those who may not there. @throws Refused `directory.outside` */
export async function requireOpenable(tx: Reader, account: string, state: AccountState): Promise<void> {
  const source = (await tx.get(PERSON, account))?.[0];
  if (state !== 'active' || source === undefined || source === 'active') return;
  const why = source === 'gone' ? 'is no longer there' : 'is disabled there';
  throw outside(`${account} lives in ${await place(tx)} and ${why}: enable the person there.`);
}

/** @throws Refused `directory.outside` */
export async function requireGroupHere(tx: Reader, group: string): Promise<void> {
  if ((await tx.get(GROUP, group)) === undefined) return;
  throw outside(`The group ${group} lives in ${await place(tx)}: its name and who is in it are changed there.`);
}

/** @throws Refused `directory.outside` */
export async function requireAliasHere(tx: Reader, address: string): Promise<void> {
  if ((await tx.get(ALIAS, address)) === undefined) return;
  throw outside(`The alias ${address} comes from ${await place(tx)}: change it there.`);
}

/** @throws Refused `directory.outside` */
export async function requireDomainHere(tx: Reader, domain: string): Promise<void> {
  const somebody = (await tx.get(SOMEBODY_AT, domain))?.[0];
  if (somebody === undefined) return;
  throw outside(`People of ${domain}, ${somebody} for one, live in ${await place(tx)}: change their addresses there.`);
}

async function place(tx: Reader): Promise<string> {
  return (await getMeta(tx, PLACE)) ?? 'LDAP';
}

function outside(text: string): Refused {
  return new Refused('directory.outside', text);
}
