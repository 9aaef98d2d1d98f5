/**
 * Accounts and the people who sign in to them.
 *
 * Invariant: an address is an account or an alias, never both; so where mail goes is always plain, and nothing can go round in circles.
 */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { createAccount, markRemoved, nextNumber } from '../store/operations/accounts.ts';
import { type StoredPassword, storePassword } from './credentials.ts';
import { ensureDomain, requireOurs } from './domains.ts';
import { exists, missing } from './rules.ts';
import type { Account, AccountListing, AccountState } from './types.ts';

/** The columns of {@link Account}, of the tables {@link ACCOUNT_TABLES}. */
export const ACCOUNT_COLUMNS = "a.account_id, a.name, coalesce(p.display_name, ''), a.quota_bytes, a.state";
export const ACCOUNT_TABLES = 'account a LEFT JOIN person p ON p.account_id = a.account_id';

export type AccountRow = readonly [
  id: number,
  name: string,
  displayName: string,
  quotaBytes: number | null,
  state: string,
];

type ListingRow = readonly [...AccountRow, usedBytes: number, messages: number, created: number];

const BY_NAME = sql<AccountRow>(`SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.name = ?`);
const LIST = sql<ListingRow>(`
  SELECT ${ACCOUNT_COLUMNS}, a.used_bytes, a.used_count, a.created FROM ${ACCOUNT_TABLES}
  WHERE a.name > ? AND a.state <> 'removed' ORDER BY a.name LIMIT ?`);
const ALIAS_NAMED = sql<readonly [address: string]>('SELECT address FROM alias WHERE address = ? LIMIT 1');

const INSERT_PERSON = sql(`
  INSERT INTO person (person_id, account_id, display_name, scram_salt, scram_iterations, created) VALUES (?, ?, ?, NULL, NULL, ?)`);
const DELETE_PERSON = sql('DELETE FROM person WHERE account_id = ?');
const DELETE_CREDENTIALS = sql('DELETE FROM credential WHERE account_id = ?');
const DELETE_MEMBERSHIPS = sql(
  'DELETE FROM membership WHERE person_id IN (SELECT person_id FROM person WHERE account_id = ?)',
);
const DELETE_ALIASES = sql('DELETE FROM alias WHERE account_id = ?');
const SET_STATE = sql('UPDATE account SET state = ? WHERE account_id = ?');
const SET_QUOTA = sql('UPDATE account SET quota_bytes = ? WHERE account_id = ?');
const FIND_GROUP = sql<readonly [id: number]>('SELECT group_id FROM person_group WHERE name = ?');
const INSERT_GROUP = sql('INSERT INTO person_group (group_id, name, address, created) VALUES (?, ?, NULL, ?)');
const INSERT_MEMBERSHIP = sql('INSERT INTO membership (group_id, person_id) VALUES (?, ?)');

export interface NewAccount {
  /** In canonical form. */
  readonly name: string;
  readonly domain: string;
  /** Add the domain where it is missing. */
  readonly makeDomain: boolean;
  readonly displayName: string;
  readonly quotaBytes: number | null;
  /** Made where they are missing. */
  readonly groups: readonly string[];
  readonly password: StoredPassword;
}

/** Makes a person and the account with its mailboxes. @throws Refused `directory.exists`, `directory.missing` */
export async function addAccount(tx: Writer, account: NewAccount, now: EpochSeconds): Promise<Account> {
  const { name, displayName, quotaBytes, password } = account;
  if (account.makeDomain) await ensureDomain(tx, account.domain, now);
  else await requireOurs(tx, account.domain);
  await requireFree(tx, name);
  const id = await createAccount(tx, { name, quotaBytes, now });
  const person = await nextNumber(tx, 'person');
  await tx.run(INSERT_PERSON, person, id, displayName, now);
  await storePassword(tx, id, password, now);
  for (const group of new Set(account.groups)) await join(tx, person, group, now);
  return { id, name, displayName, quotaBytes, state: 'active' };
}

/** @throws Refused `directory.exists` when somebody has the address as an account or an alias */
async function requireFree(tx: Reader, name: string): Promise<void> {
  if ((await tx.get(BY_NAME, name)) !== undefined) throw exists(`There is an account ${name} already.`);
  if ((await tx.get(ALIAS_NAMED, name)) !== undefined) {
    throw exists(`${name} is an alias. Remove it first: rainmail alias remove ${name}`);
  }
}

async function join(tx: Writer, person: number, group: string, now: EpochSeconds): Promise<void> {
  const found = await tx.get(FIND_GROUP, group);
  const id = found?.[0] ?? (await nextNumber(tx, 'group'));
  if (found === undefined) await tx.run(INSERT_GROUP, id, group, now);
  await tx.run(INSERT_MEMBERSHIP, id, person);
}

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

export function accountOf([id, name, displayName, quotaBytes, state]: AccountRow): Account {
  return {
    id: id as AccountId,
    name,
    displayName,
    quotaBytes,
    state: state as AccountState, // a removed account has no name to be found by
  };
}

/** A page of accounts in order of name, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listAccounts(tx: Reader, after: string): Promise<AccountListing[]> {
  const rows = await tx.all(LIST, after, PAGE_ROWS);
  return rows.map(([id, name, displayName, quotaBytes, state, usedBytes, messages, created]) => ({
    ...accountOf([id, name, displayName, quotaBytes, state]),
    usedBytes,
    messages,
    created,
  }));
}

/** @throws Refused `directory.missing` */
export async function setPassword(tx: Writer, name: string, password: StoredPassword, now: EpochSeconds) {
  const { id } = await requireAccount(tx, name);
  await storePassword(tx, id, password, now);
}

/** @returns the account as it was @throws Refused `directory.missing` */
export async function setState(tx: Writer, name: string, state: AccountState): Promise<Account> {
  const account = await requireAccount(tx, name);
  await tx.run(SET_STATE, state, account.id);
  return account;
}

/** @throws Refused `directory.missing` */
export async function setQuota(tx: Writer, name: string, quotaBytes: number | null): Promise<void> {
  await tx.run(SET_QUOTA, quotaBytes, (await requireAccount(tx, name)).id);
}

/** Removes the person, the aliases that lead here, and marks the account: its mail goes later, in chunks. @throws Refused `directory.missing` */
export async function removeAccount(tx: Writer, name: string): Promise<AccountId> {
  const { id } = await requireAccount(tx, name);
  for (const statement of [DELETE_CREDENTIALS, DELETE_MEMBERSHIPS, DELETE_PERSON, DELETE_ALIASES]) {
    await tx.run(statement, id);
  }
  await markRemoved(tx, id);
  return id;
}
