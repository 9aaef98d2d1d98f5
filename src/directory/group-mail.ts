/** Groups as recipients of mail: who of elsewhere is in them, and who may post. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId } from '../store/ids.ts';
import { requireAccount } from './accounts.ts';
import { type Address, formatAddress } from './address.ts';
import { isOurs } from './domains.ts';
import { groupAt, joinGroup, leaveGroup, requireGroup } from './groups.ts';
import { canonicalAddress, invalid, missing } from './rules.ts';
import { type Group, POSTERS, type Posters, type Posting } from './types.ts';

/** Addresses elsewhere that are in a group: mail to it is one transaction. */
const OUTSIDERS_LIMIT = 500;
/** Addresses that may post to a group besides. */
const NAMED_LIMIT = 500;

const OUTSIDERS = sql<readonly [address: string]>(
  'SELECT address FROM group_outsider WHERE group_id = ? ORDER BY address',
);
const COUNT_OUTSIDERS = sql<readonly [outsiders: number]>('SELECT count(*) FROM group_outsider WHERE group_id = ?');
const INSERT_OUTSIDER = sql('INSERT INTO group_outsider (group_id, address) VALUES (?, ?) ON CONFLICT DO NOTHING');
const DELETE_OUTSIDER = sql('DELETE FROM group_outsider WHERE group_id = ? AND address = ?');
const NAMED = sql<readonly [address: string]>('SELECT address FROM group_poster WHERE group_id = ? ORDER BY address');
const INSERT_NAMED = sql('INSERT INTO group_poster (group_id, address) VALUES (?, ?)');
const DELETE_NAMED = sql('DELETE FROM group_poster WHERE group_id = ?');
const SET_POSTING = sql('UPDATE person_group SET posting = ? WHERE group_id = ?');

/** Addresses elsewhere that are in it. */
export async function outsidersOf(tx: Reader, group: Pick<Group, 'id'>): Promise<string[]> {
  return (await tx.all(OUTSIDERS, group.id)).map(([address]) => address);
}

export async function postingOf(tx: Reader, { id, posting }: Pick<Group, 'id' | 'posting'>): Promise<Posting> {
  return { who: posting, named: (await tx.all(NAMED, id)).map(([address]) => address) };
}

/**
 * Puts addresses into a group: accounts of this office, and addresses elsewhere. Those that are in it stay so.
 * @param mayLeave  refuses addresses elsewhere while no mail leaves @returns whose access may be another now
 * @throws Refused `directory.missing`, `directory.invalid`
 */
export async function joinAddresses(
  tx: Writer,
  name: string,
  addresses: readonly Address[],
  mayLeave: (address: string) => void,
): Promise<AccountId[]> {
  const { id } = await requireGroup(tx, name);
  const here: AccountId[] = [];
  for (const address of addresses) {
    const text = formatAddress(address);
    if (await isOurs(tx, address.domain)) {
      here.push(await requireMember(tx, text));
      continue;
    }
    mayLeave(text);
    await tx.run(INSERT_OUTSIDER, id, text);
  }
  await joinGroup(tx, name, here);
  if ((await tx.get(COUNT_OUTSIDERS, id))![0] > OUTSIDERS_LIMIT) {
    throw invalid(`At most ${OUTSIDERS_LIMIT} addresses elsewhere can be in a group. Make several groups of it.`);
  }
  return here;
}

async function requireMember(tx: Reader, address: string): Promise<AccountId> {
  const group = await groupAt(tx, address);
  if (group !== undefined) {
    const text = `${address} is the group ${group.name}, and a group holds no other groups. Put its members in.`;
    throw invalid(text);
  }
  return (await requireAccount(tx, address)).id;
}

/** @returns whose access may be another now @throws Refused `directory.missing` for one that is not in it */
export async function leaveAddresses(tx: Writer, name: string, addresses: readonly string[]): Promise<AccountId[]> {
  const { id } = await requireGroup(tx, name);
  const here: AccountId[] = [];
  for (const address of addresses) {
    if ((await tx.run(DELETE_OUTSIDER, id, address)) > 0) continue;
    here.push(await leaveGroup(tx, name, address));
  }
  return here;
}

/** @returns who might before @throws Refused `directory.missing` */
export async function setPosting(tx: Writer, name: string, { who, named }: Posting): Promise<Posting> {
  const group = await requireGroup(tx, name);
  const before = await postingOf(tx, group);
  await tx.run(SET_POSTING, who, group.id);
  await tx.run(DELETE_NAMED, group.id);
  for (const address of named) await tx.run(INSERT_NAMED, group.id, address);
  return before;
}

/**
 * Who may post, as it is written on a command line: one of {@link POSTERS}, and addresses that may besides; addresses alone are the only ones.
 * @throws Refused `directory.invalid`
 */
export function requirePosting(words: readonly string[]): Posting {
  const named = new Set<string>();
  const sets: Posters[] = [];
  for (const word of words) {
    const set = POSTERS.find((one) => one === word.toLowerCase());
    if (set !== undefined) sets.push(set);
    else if (word.includes('@')) named.add(canonicalAddress(word));
    else
      throw invalid(`Who may post is ${POSTERS.slice(0, -1).join(', ')}, or addresses, not "${word.slice(0, 100)}".`);
  }
  const [who = 'named', ...others] = sets;
  if (others.length > 0) throw invalid(`Only one of ${POSTERS.slice(0, -1).join(', ')} can be said: the widest.`);
  if (who === 'named' && named.size === 0) throw missing('Say who may post: anyone, members, people, or addresses.');
  if (named.size > NAMED_LIMIT) throw invalid(`At most ${NAMED_LIMIT} addresses can be named. Make a group of them.`);
  return { who, named: [...named].sort() };
}
