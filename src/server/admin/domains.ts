/** Domains whose mail this office takes. */
import { z } from 'zod';
import { parseDomain } from '../../directory/address.ts';
import type { Directory } from '../../directory/directory.ts';
import type { DomainSettings } from '../../directory/types.ts';
import { domainOf } from '../../message/addresses.ts';
import { action } from './action.ts';

export interface DomainShown extends DomainSettings {
  readonly accounts: number;
  readonly aliases: number;
  readonly groups: number;
}

const named = z.strictObject({ name: z.string() });

export const addDomain = action({
  name: 'domain.add',
  input: named,
  creates: true,
  async run({ directory }, { name }, { actor }): Promise<{ name: string }> {
    return { name: await directory.by(actor).domains.add(name) };
  },
});

export const removeDomain = action({
  name: 'domain.remove',
  input: named,
  async run({ directory }, { name }, { actor }): Promise<{ name: string }> {
    await directory.by(actor).domains.remove(name);
    return { name };
  },
});

export const renameDomain = action({
  name: 'domain.rename',
  input: z.strictObject({ name: z.string(), to: z.string(), keepOld: z.boolean() }),
  async run({ directory }, { name, to, keepOld }, { actor }): Promise<DomainShown> {
    await directory.by(actor).domains.rename(name, to, { keepOld });
    return shown(directory, to);
  },
});

export const setCatchAll = action({
  name: 'domain.catch-all',
  input: z.strictObject({ name: z.string(), address: z.string().nullable() }),
  async run({ directory }, { name, address }, { actor }): Promise<DomainShown> {
    await directory.by(actor).domains.setCatchAll(name, address);
    return shown(directory, name);
  },
});

export const setSubaddress = action({
  name: 'domain.subaddress',
  input: z.strictObject({ name: z.string(), separator: z.string() }),
  async run({ directory }, { name, separator }, { actor }): Promise<DomainShown> {
    await directory.by(actor).domains.setSubaddress(name, separator);
    return shown(directory, name);
  },
});

export const listDomains = action({
  name: 'domain.list',
  input: z.strictObject({}),
  run: ({ directory }): Promise<DomainShown[]> => counted(directory),
});

async function counted(directory: Directory): Promise<DomainShown[]> {
  const domains = (await directory.domainSettings()).map((settings) => ({
    ...settings,
    accounts: 0,
    aliases: 0,
    groups: 0,
  }));
  const byName = new Map(domains.map((domain) => [domain.name, domain]));
  for await (const { name } of directory.accounts()) byName.get(domainOf(name))!.accounts++;
  for await (const { address } of directory.aliases()) byName.get(domainOf(address))!.aliases++;
  for await (const { address } of directory.groups()) if (address !== null) byName.get(domainOf(address))!.groups++;
  return domains;
}

async function shown(directory: Directory, name: string): Promise<DomainShown> {
  const wanted = parseDomain(name);
  return (await counted(directory)).find((domain) => domain.name === wanted)!;
}
