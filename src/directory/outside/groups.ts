/**
 * Groups of another directory become groups here, so that quotas and policies can be set for them. Who is in them is decided there; they
 * may have an address here, as any group.
 *
 * Invariant: a group is never removed because it is gone there, since rules are set for it; it is empty then, and belongs here.
 */
import { PAGE_ROWS, type Reader, type Writer } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../../store/ids.ts';
import { addGroup, RECIPIENTS_LIMIT, renameGroup, setGroupAddress } from '../groups.ts';
import { recomputeAccount } from '../quotas.ts';
import { LDAP_SOURCE, type Named, type OutsideGroup } from './types.ts';

type KnownRow = readonly [id: number, externalId: string, name: string, description: string, source: string | null];

const COLUMNS = 'group_id, external_id, name, description, source';
const BY_ID = sql<KnownRow>(`SELECT ${COLUMNS} FROM person_group WHERE external_id = ?`);
const BY_NAME = sql<readonly [id: number]>('SELECT group_id FROM person_group WHERE name = ?');
const LIST = sql<KnownRow>(`
  SELECT ${COLUMNS} FROM person_group WHERE source IS NOT NULL AND group_id > ? ORDER BY group_id LIMIT ?`);
const SET_SOURCE = sql('UPDATE person_group SET source = ?, external_id = ? WHERE group_id = ?');
const SET_DESCRIPTION = sql('UPDATE person_group SET description = ? WHERE group_id = ?');
const GONE = sql('UPDATE person_group SET source = NULL, description = ? WHERE group_id = ?');
const MEMBERS = sql<readonly [account: number, name: string]>(`
  SELECT p.account_id, a.name FROM membership m JOIN person p ON p.person_id = m.person_id JOIN account a ON a.account_id = p.account_id
  WHERE m.group_id = ? AND p.account_id > ? ORDER BY p.account_id LIMIT ?`);
const SIZE = sql<readonly [name: string, address: string | null, members: number]>(`
  SELECT g.name, g.address, (SELECT count(*) FROM membership m WHERE m.group_id = g.group_id) FROM person_group g WHERE g.group_id = ?`);
const JOIN = sql(`
  INSERT INTO membership (group_id, person_id) SELECT CAST(? AS INTEGER), person_id FROM person WHERE account_id = ? ON CONFLICT DO NOTHING`);
const LEAVE = sql(
  'DELETE FROM membership WHERE group_id = ? AND person_id = (SELECT person_id FROM person WHERE account_id = ?)',
);

/** A group of the other directory, as it is here. */
export interface KnownGroup {
  readonly id: number;
  readonly externalId: string;
  readonly name: string;
}

export interface GroupTaken extends KnownGroup {
  readonly change: 'added' | 'updated' | 'same';
  /** What changed, for the audit. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A page of the groups that live there, by number after `after`; the last page is shorter than PAGE_ROWS. */
export async function knownGroups(tx: Reader, after: number): Promise<KnownGroup[]> {
  return (await tx.all(LIST, after, PAGE_ROWS)).map(([id, externalId, name]) => ({ id, externalId, name }));
}

/** Makes a group, or brings its name and description up to date. @throws Refused `directory.exists` when a group made here has the name */
export async function takeGroup(tx: Writer, group: OutsideGroup, now: EpochSeconds): Promise<GroupTaken> {
  const { externalId, name } = group;
  const description = `from LDAP${group.description === '' ? '' : `: ${group.description}`}`;
  const row = await tx.get(BY_ID, externalId);
  if (row === undefined) {
    await addGroup(tx, name, description, now);
    const [id] = (await tx.get(BY_NAME, name))!;
    await tx.run(SET_SOURCE, LDAP_SOURCE, externalId, id);
    return { id, externalId, name, change: 'added', detail: { description } };
  }
  const [id, , was, about, source] = row;
  const detail: Record<string, unknown> = {};
  if (was !== name) {
    await renameGroup(tx, was, name);
    detail['before'] = was;
  }
  if (about !== description) {
    await tx.run(SET_DESCRIPTION, description, id);
    detail['description'] = description;
  }
  if (source === null) {
    await tx.run(SET_SOURCE, LDAP_SOURCE, externalId, id);
    detail['back'] = true;
  }
  return { id, externalId, name, change: Object.keys(detail).length === 0 ? 'same' : 'updated', detail };
}

/** A group that is gone there: whoever may change groups here may change it now. */
export async function markGroupGone(tx: Writer, { id }: KnownGroup): Promise<void> {
  await tx.run(GONE, 'was in LDAP', id);
}

/** A page of members by account after `after`; the last page is shorter than PAGE_ROWS. */
export async function groupMembers(tx: Reader, group: number, after: number): Promise<Named[]> {
  const rows = await tx.all(MEMBERS, group, after, PAGE_ROWS);
  return rows.map(([account, name]) => ({ account: account as AccountId, name }));
}

/**
 * Changes who is in a group, up to a page of them at a time.
 * @returns the address the group had to give up: it has too many members now for mail to all of them
 */
export async function changeMembers(
  tx: Writer,
  group: number,
  { join, leave }: { readonly join: readonly AccountId[]; readonly leave: readonly AccountId[] },
): Promise<string | null> {
  for (const account of join) await tx.run(JOIN, group, account);
  for (const account of leave) await tx.run(LEAVE, group, account);
  for (const account of [...join, ...leave]) await recomputeAccount(tx, account);
  const [name, address, members] = (await tx.get(SIZE, group))!;
  if (address === null || members <= RECIPIENTS_LIMIT) return null;
  await setGroupAddress(tx, name, null);
  return address;
}
