/** Groups: people together, for quotas and as recipients. */
import { z } from 'zod';
import type { GroupListing } from '../../directory/types.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

export type GroupShown = Omit<GroupListing, 'id'>;

export interface GroupPage extends Omit<GroupShown, 'members'> {
  /** Names of the accounts. */
  readonly members: readonly string[];
  /** Addresses elsewhere that are in it. */
  readonly elsewhere: readonly string[];
  /** Addresses that may post, whatever `posting` says. */
  readonly named: readonly string[];
}

const group = z.string();
/** At a time: it is one transaction. */
const accounts = z.array(z.string()).min(1).max(1_000);

export const addGroup = action({
  name: 'group.add',
  input: z.strictObject({ group, description: z.string(), address: z.string().optional() }),
  async run(office, { group, description, address }, { actor }): Promise<GroupPage> {
    return page(office, await office.directory.by(actor).groups.add(group, { description, address }));
  },
});

export const removeGroup = action({
  name: 'group.remove',
  input: z.strictObject({ group }),
  async run(office, { group }, { actor }): Promise<GroupPage> {
    const removed = await page(office, group);
    await office.directory.by(actor).groups.remove(group);
    return removed;
  },
});

export const renameGroup = action({
  name: 'group.rename',
  input: z.strictObject({ group, to: z.string() }),
  async run(office, { group, to }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).groups.rename(group, to);
    return page(office, to);
  },
});

export const setGroupAddress = action({
  name: 'group.address',
  input: z.strictObject({ group, address: z.string().nullable() }),
  async run(office, { group, address }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).groups.setAddress(group, address);
    return page(office, group);
  },
});

export const setGroupRank = action({
  name: 'group.rank',
  input: z.strictObject({ group, rank: z.number().int() }),
  async run(office, { group, rank }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).policy.setRank(group, rank);
    return page(office, group);
  },
});

/** @property who  anyone, members or people, and addresses */
export const setPosting = action({
  name: 'group.posting',
  input: z.strictObject({ group, who: z.array(z.string()).min(1).max(1_000) }),
  async run(office, { group, who }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).groups.setPosting(group, who);
    return page(office, group);
  },
});

export const joinGroup = action({
  name: 'group.join',
  input: z.strictObject({ group, accounts }),
  async run(office, { group, accounts }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).groups.join(group, ...accounts);
    return page(office, group);
  },
});

export const leaveGroup = action({
  name: 'group.leave',
  input: z.strictObject({ group, accounts }),
  async run(office, { group, accounts }, { actor }): Promise<GroupPage> {
    await office.directory.by(actor).groups.leave(group, ...accounts);
    return page(office, group);
  },
});

export const listGroups = action({
  name: 'group.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<GroupShown[]> {
    return Array.fromAsync(directory.groups(), ({ id: _, ...shown }) => shown);
  },
});

export const showGroup = action({
  name: 'group.show',
  input: z.strictObject({ group }),
  run: (office, { group }): Promise<GroupPage> => page(office, group),
});

async function page({ directory }: Office, name: string): Promise<GroupPage> {
  const { id, ...found } = await directory.group(name);
  const members = await Array.fromAsync(directory.members({ id, ...found }), (account) => account.name);
  const { posting, outsiders } = await directory.ways.ofGroup({ id, ...found });
  return { ...found, members, elsewhere: outsiders, named: posting.named };
}
