/** Accounts and the people who sign in to them. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { markRemoved } from '../store/operations/accounts.ts';
import { type StoredPassword, storePassword } from './credentials.ts';
import { followAddress, holderOf } from './names.ts';
import { missing } from './rules.ts';
import type { Account, AccountListing, AccountState } from './types.ts';

/** What person.role says of one. */
export const ADMINISTRATOR = 'administrator';

/** The columns of {@link Account}, of the tables {@link ACCOUNT_TABLES}. */
export const ACCOUNT_COLUMNS = "a.account_id, a.name, coalesce(p.display_name, ''), a.quota_bytes, a.state, f.keeps";
export const ACCOUNT_TABLES = `account a LEFT JOIN person p ON p.account_id = a.account_id
  LEFT JOIN forwarding f ON f.account_id = a.account_id`;

export type AccountRow = readonly [
  id: number,
  name: string,
  displayName: string,
  quotaBytes: number | null,
  state: string,
  keeps: number | null,
];

type ListingRow = readonly [...AccountRow, usedBytes: number, messages: number, created: number, role: string];

const BY_NAME = sql<AccountRow>(`SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.name = ?`);
const LIST = sql<ListingRow>(`
  SELECT ${ACCOUNT_COLUMNS}, a.used_bytes, a.used_count, a.created, coalesce(p.role, '') FROM ${ACCOUNT_TABLES}
  WHERE a.name > ? AND a.state <> 'removed' ORDER BY a.name LIMIT ?`);
const NAME = sql<readonly [name: string]>("SELECT name FROM account WHERE account_id = ? AND state <> 'removed'");
const DELETE_PERSON = sql('DELETE FROM person WHERE account_id = ?');
const DELETE_CREDENTIALS = sql('DELETE FROM credential WHERE account_id = ?');
const DELETE_MEMBERSHIPS = sql(
  'DELETE FROM membership WHERE person_id IN (SELECT person_id FROM person WHERE account_id = ?)',
);
const DELETE_ALIASES = sql('DELETE FROM alias WHERE account_id = ?');
const SET_STATE = sql('UPDATE account SET state = ? WHERE account_id = ?');
const SET_SUSPENDED_HERE = sql('UPDATE person SET suspended_here = ? WHERE account_id = ?');
const SET_DISPLAY_NAME = sql('UPDATE person SET display_name = ? WHERE account_id = ?');
const ALIASES = sql<readonly [address: string]>('SELECT address FROM alias WHERE account_id = ?');
const DELETE_RULES = sql("DELETE FROM policy WHERE scope = 'account' AND subject_id = ?");
const DELETE_FORWARDING = ['forwarding', 'forwarding_target'].map((table) =>
  sql(`DELETE FROM ${table} WHERE account_id = ?`),
);
const DELETE_PERSONAL = [
  DELETE_CREDENTIALS,
  DELETE_MEMBERSHIPS,
  DELETE_PERSON,
  DELETE_ALIASES,
  DELETE_RULES,
  ...DELETE_FORWARDING,
];

export async function findAccount(tx: Reader, name: string): Promise<Account | undefined> {
  const row = await tx.get(BY_NAME, name);
  return row === undefined ? undefined : accountOf(row);
}

/** @throws Refused `directory.missing` */
export async function requireAccount(tx: Reader, name: string): Promise<Account> {
  const account = await findAccount(tx, name);
  if (account === undefined) throw missing(`There is no account ${name}. See them all: rainmail account list`);
  return account;
}

export function accountOf([id, name, displayName, quotaBytes, state, keeps]: AccountRow): Account {
  return {
    id: id as AccountId,
    name,
    displayName,
    quotaBytes,
    state: state as AccountState, // a removed account has no name to be found by
    ...(keeps !== null && { forwards: keeps === 1 ? 'copies' : 'away' }),
  };
}

/** What accounts are called; those that are gone are left out. */
export async function namesOf(tx: Reader, ids: readonly AccountId[]): Promise<(readonly [AccountId, string])[]> {
  const names: (readonly [AccountId, string])[] = [];
  for (const id of ids) {
    const row = await tx.get(NAME, id);
    if (row !== undefined) names.push([id, row[0]]);
  }
  return names;
}

/** A page of accounts in order of name, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listAccounts(tx: Reader, after: string): Promise<AccountListing[]> {
  const rows = await tx.all(LIST, after, PAGE_ROWS);
  return rows.map(([id, name, displayName, quotaBytes, state, keeps, usedBytes, messages, created, role]) => ({
    ...accountOf([id, name, displayName, quotaBytes, state, keeps]),
    usedBytes,
    messages,
    created,
    administrator: role === ADMINISTRATOR,
  }));
}

/** @throws Refused `directory.missing` */
export async function setPassword(tx: Writer, name: string, password: StoredPassword, now: EpochSeconds) {
  const { id } = await requireAccount(tx, name);
  await storePassword(tx, id, password, now);
}

/** As an administrator says, not another directory (outside/people.ts). @returns the account as it was @throws Refused `directory.missing` */
export async function setState(tx: Writer, name: string, state: AccountState): Promise<Account> {
  const account = await requireAccount(tx, name);
  await tx.run(SET_STATE, state, account.id);
  await tx.run(SET_SUSPENDED_HERE, state === 'suspended' ? 1 : 0, account.id);
  return account;
}

/** The name that is shown. @throws Refused `directory.missing` */
export async function setDisplayName(tx: Writer, name: string, displayName: string): Promise<void> {
  await tx.run(SET_DISPLAY_NAME, displayName, (await requireAccount(tx, name)).id);
}

/** Removes the person, the aliases that lead here, and marks the account: its mail goes later, in chunks. @throws Refused `directory.missing` */
export async function removeAccount(tx: Writer, name: string): Promise<AccountId> {
  const { id } = await requireAccount(tx, name);
  const gone = [name, ...(await tx.all(ALIASES, id)).map(([address]) => address)];
  for (const statement of DELETE_PERSONAL) await tx.run(statement, id);
  await markRemoved(tx, id);
  for (const address of gone) if ((await holderOf(tx, address)) === undefined) await followAddress(tx, address, null);
  return id;
}
