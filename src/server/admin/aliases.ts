/** Aliases: further addresses that lead to accounts, and elsewhere. */
import { z } from 'zod';
import type { Alias } from '../../directory/types.ts';
import { action } from './action.ts';

const address = z.string();

export const addAlias = action({
  name: 'alias.add',
  input: z.strictObject({ address, accounts: z.array(z.string()).min(1) }),
  async run(office, { address, accounts }, { actor }): Promise<Alias> {
    await office.directory.by(actor).aliases.add(address, ...accounts);
    return (await office.directory.alias(address))!;
  },
});

export const removeAlias = action({
  name: 'alias.remove',
  input: z.strictObject({ address, account: z.string().optional() }),
  async run(office, { address, account }, { actor }): Promise<Alias> {
    const alias = await office.directory.alias(address);
    await office.directory.by(actor).aliases.remove(address, account);
    return (account === undefined ? alias : await office.directory.alias(address)) ?? none(address);
  },
});

export const renameAlias = action({
  name: 'alias.rename',
  input: z.strictObject({ address, to: z.string() }),
  async run(office, { address, to }, { actor }): Promise<Alias> {
    await office.directory.by(actor).aliases.rename(address, to);
    return (await office.directory.alias(to))!;
  },
});

export const listAliases = action({
  name: 'alias.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<Alias[]> {
    return Array.fromAsync(directory.aliases());
  },
});

function none(address: string): Alias {
  return { address, accounts: [], elsewhere: [] };
}
