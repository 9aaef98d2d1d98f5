/** Aliases: further addresses that lead to accounts. */
import { z } from 'zod';
import type { Alias } from '../../directory/types.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

const address = z.string();

export const addAlias = action({
  name: 'alias.add',
  input: z.strictObject({ address, accounts: z.array(z.string()).min(1) }),
  async run(office, { address, accounts }, { actor }): Promise<Alias> {
    await office.directory.by(actor).addAlias(address, ...accounts);
    return (await findAlias(office, address))!;
  },
});

export const removeAlias = action({
  name: 'alias.remove',
  input: z.strictObject({ address }),
  async run(office, { address }, { actor }): Promise<Alias> {
    const alias = await findAlias(office, address);
    await office.directory.by(actor).removeAlias(address);
    return alias ?? { address, accounts: [] };
  },
});

export const listAliases = action({
  name: 'alias.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<Alias[]> {
    return Array.fromAsync(directory.aliases());
  },
});

async function findAlias({ directory }: Office, address: string): Promise<Alias | undefined> {
  for await (const alias of directory.aliases()) if (alias.address === address.toLowerCase()) return alias;
  return undefined;
}
