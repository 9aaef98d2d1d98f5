/** Domains whose mail this office takes. */
import { z } from 'zod';
import { action } from './action.ts';

export interface DomainShown {
  readonly name: string;
  readonly accounts: number;
  readonly aliases: number;
}

const named = z.strictObject({ name: z.string() });

export const addDomain = action({
  name: 'domain.add',
  input: named,
  creates: true,
  async run({ directory }, { name }, { actor }): Promise<{ name: string }> {
    return { name: await directory.by(actor).addDomain(name) };
  },
});

export const removeDomain = action({
  name: 'domain.remove',
  input: named,
  async run({ directory }, { name }, { actor }): Promise<{ name: string }> {
    await directory.by(actor).removeDomain(name);
    return { name };
  },
});

export const listDomains = action({
  name: 'domain.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<DomainShown[]> {
    const counts = new Map((await directory.domains()).map((name) => [name, { name, accounts: 0, aliases: 0 }]));
    for await (const { name } of directory.accounts()) counts.get(domainOf(name))!.accounts++;
    for await (const { address } of directory.aliases()) counts.get(domainOf(address))!.aliases++;
    return [...counts.values()];
  },
});

/** The domain of an address of this office, in canonical form. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
