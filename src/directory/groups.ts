/**
 * Groups: sets of people, for quotas and policies, and recipients of mail where they have an address.
 *
 * Invariant: a group with an address has at most {@link RECIPIENTS_LIMIT} members: mail to it is one delivery.
 */
import { PAGE_ROWS, type Reader, type Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, requireAccount } from './accounts.ts';
import { type Address, formatAddress } from './address.ts';
import { requireOurs } from './domains.ts';
import { followAddress, requireFree } from './names.ts';
import { requireGroupHere } from './outside/guard.ts';
import { exists, invalid, missing } from './rules.ts';
import type { Account, Group, GroupListing, Posters } from './types.ts';

/** Members of a group that has an address. Measured: bench/directory.ts. */
export const RECIPIENTS_LIMIT = 2_000;

type GroupRow = readonly [
  id: number,
  name: string,
  address: string | null,
  description: string,
  rank: number,
  posting: string,
];

const COLUMNS = 'g.group_id, g.name, g.address, g.description, g.rank, g.posting';
const BY_NAME = sql<GroupRow>(`SELECT ${COLUMNS} FROM person_group g WHERE g.name = ?`);
const BY_ADDRESS = sql<GroupRow>(`SELECT ${COLUMNS} FROM person_group g WHERE g.address = ?`);
const LIST = sql<readonly [...GroupRow, members: number]>(`
  SELECT ${COLUMNS}, (SELECT count(*) FROM membership m WHERE m.group_id = g.group_id) FROM person_group g
  WHERE g.name > ? ORDER BY g.name LIMIT ?`);
const COUNT = sql<readonly [members: number]>('SELECT count(*) FROM membership WHERE group_id = ?');
const MEMBERS = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM membership m JOIN person o ON o.person_id = m.person_id CROSS JOIN ${ACCOUNT_TABLES}
  WHERE m.group_id = ? AND a.account_id = o.account_id AND a.account_id > ? ORDER BY a.account_id LIMIT ?`);
const INSERT = sql(
  'INSERT INTO person_group (group_id, name, address, created, description) VALUES (?, ?, NULL, ?, ?)',
);
const DELETE = sql('DELETE FROM person_group WHERE group_id = ?');
const DELETE_MEMBERS = sql('DELETE FROM membership WHERE group_id = ?');
const DELETE_RULES = sql("DELETE FROM policy WHERE scope = 'group' AND subject_id = ?");
const DELETE_OUTSIDERS = sql('DELETE FROM group_outsider WHERE group_id = ?');
const DELETE_POSTERS = sql('DELETE FROM group_poster WHERE group_id = ?');
const DELETE_WHOLE = [DELETE_MEMBERS, DELETE_RULES, DELETE_OUTSIDERS, DELETE_POSTERS, DELETE];
const SET_NAME = sql('UPDATE person_group SET name = ? WHERE group_id = ?');
const SET_ADDRESS = sql('UPDATE person_group SET address = ? WHERE group_id = ?');
const SET_RANK = sql('UPDATE person_group SET rank = ? WHERE group_id = ?');
const PERSON = sql<readonly [id: number]>('SELECT person_id FROM person WHERE account_id = ?');
const JOIN = sql('INSERT INTO membership (group_id, person_id) VALUES (?, ?) ON CONFLICT DO NOTHING');
const LEAVE = sql('DELETE FROM membership WHERE group_id = ? AND person_id = ?');

/** @throws Refused `directory.exists` */
export async function addGroup(tx: Writer, name: string, description: string, now: EpochSeconds): Promise<void> {
  if ((await tx.get(BY_NAME, name)) !== undefined) throw exists(`There is a group ${name} already.`);
  await tx.run(INSERT, await nextNumber(tx, 'group'), name, now, description);
}

/** Removes a group; its members stay. @throws Refused `directory.missing` */
export async function removeGroup(tx: Writer, name: string): Promise<Group> {
  const group = await requireGroup(tx, name);
  for (const statement of DELETE_WHOLE) await tx.run(statement, group.id);
  if (group.address !== null) await followAddress(tx, group.address, null);
  return group;
}

/** @throws Refused `directory.exists`, `directory.missing` */
export async function renameGroup(tx: Writer, name: string, wanted: string): Promise<void> {
  const { id } = await requireGroup(tx, name);
  const other = await tx.get(BY_NAME, wanted);
  if (other !== undefined && other[0] !== id) throw exists(`There is a group ${wanted} already.`);
  await tx.run(SET_NAME, wanted, id);
}

/** @param address  null: it gets no mail @returns what it was @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function setGroupAddress(tx: Writer, name: string, address: Address | null): Promise<string | null> {
  const group = await requireGroup(tx, name);
  const wanted = address && formatAddress(address);
  if (wanted === group.address) return wanted;
  if (address !== null && wanted !== null) {
    await requireOurs(tx, address.domain);
    await requireFree(tx, wanted);
    requireFew(name, (await tx.get(COUNT, group.id))![0]);
  }
  await tx.run(SET_ADDRESS, wanted, group.id);
  if (group.address !== null) await followAddress(tx, group.address, wanted);
  return group.address;
}

/** @returns what it was @throws Refused `directory.missing` */
export async function setGroupRank(tx: Writer, name: string, rank: number): Promise<number> {
  const group = await requireGroup(tx, name);
  await tx.run(SET_RANK, rank, group.id);
  return group.rank;
}

/** Makes people members; those who are stay so. @throws Refused `directory.missing`, `directory.invalid` */
export async function joinGroup(tx: Writer, name: string, accounts: readonly AccountId[]): Promise<void> {
  const group = await requireGroup(tx, name);
  for (const account of accounts) await tx.run(JOIN, group.id, await personOf(tx, account));
  if (group.address !== null) requireFew(name, (await tx.get(COUNT, group.id))![0]);
}

/** As {@link joinGroup}, making the group where it is missing. @throws Refused `directory.outside` when it is another directory's */
export async function joinOrMake(tx: Writer, name: string, account: AccountId, now: EpochSeconds): Promise<void> {
  if ((await tx.get(BY_NAME, name)) === undefined) await addGroup(tx, name, '', now);
  await requireGroupHere(tx, name);
  await joinGroup(tx, name, [account]);
}

/** @throws Refused `directory.missing` for one who is no member */
export async function leaveGroup(tx: Writer, name: string, accountName: string): Promise<AccountId> {
  const group = await requireGroup(tx, name);
  const { id } = await requireAccount(tx, accountName);
  if ((await tx.run(LEAVE, group.id, await personOf(tx, id))) === 0) {
    throw missing(`${accountName} is not in the group ${name}. See who is: rainmail group show "${name}"`);
  }
  return id;
}

/** @throws Refused `directory.missing` */
export async function requireGroup(tx: Reader, name: string): Promise<Group> {
  const row = await tx.get(BY_NAME, name);
  if (row === undefined) throw missing(`There is no group ${name}. See them all: rainmail group list`);
  return groupOf(row);
}

/** The group that gets mail at an address. */
export async function groupAt(tx: Reader, address: string): Promise<Group | undefined> {
  const row = await tx.get(BY_ADDRESS, address);
  return row && groupOf(row);
}

/** A page of members in order of id, after `after`; the last page is shorter than PAGE_ROWS. */
export async function membersAfter(tx: Reader, group: number, after: number): Promise<Account[]> {
  return (await tx.all(MEMBERS, group, after, PAGE_ROWS)).map(accountOf);
}

/** All members; as many as get mail at most. */
export async function recipientsOf(tx: Reader, group: Group): Promise<Account[]> {
  return (await tx.all(MEMBERS, group.id, 0, RECIPIENTS_LIMIT)).map(accountOf);
}

/** A page of groups in order of name, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listGroups(tx: Reader, after: string): Promise<GroupListing[]> {
  const rows = await tx.all(LIST, after, PAGE_ROWS);
  return rows.map(([id, name, address, description, rank, posting, members]) => ({
    ...groupOf([id, name, address, description, rank, posting]),
    members,
  }));
}

async function personOf(tx: Reader, account: AccountId): Promise<number> {
  const row = await tx.get(PERSON, account);
  if (row === undefined) throw invalid('Only people can be in a group, and this account is nobody.');
  return row[0];
}

function requireFew(name: string, members: number): void {
  if (members <= RECIPIENTS_LIMIT) return;
  throw invalid(
    `The group ${name} gets mail, so it has at most ${RECIPIENTS_LIMIT} members. Make several groups of it.`,
  );
}

function groupOf([id, name, address, description, rank, posting]: GroupRow): Group {
  return { id, name, address, description, rank, posting: posting as Posters };
}
