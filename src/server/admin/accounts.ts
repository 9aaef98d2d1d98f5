/** Accounts: the people of the office. */
import { z } from 'zod';
import type { AccountPage } from '../../directory/account-page.ts';
import type { Account } from '../../directory/types.ts';
import { domainOf } from '../../message/addresses.ts';
import { action } from './action.ts';

export interface AccountShown {
  readonly address: string;
  readonly name: string;
  readonly state: Account['state'];
  readonly administrator: boolean;
  readonly quotaBytes: number | null;
  readonly usedBytes: number;
  readonly messages: number;
}

export interface AccountChanged {
  readonly address: string;
  readonly state: Account['state'];
  readonly quotaBytes: number | null;
}

const address = z.string();
const quotaBytes = z.number().int().min(0).nullable();

export const addAccount = action({
  name: 'account.add',
  input: z.strictObject({ address, password: z.string(), name: z.string(), quotaBytes }),
  creates: true,
  async run({ directory }, { address, password, name, quotaBytes }, { actor }): Promise<AccountChanged> {
    return shown(
      await directory.by(actor).accounts.add({ address, password, displayName: name, quotaBytes, makeDomain: true }),
    );
  },
});

export const removeAccount = action({
  name: 'account.remove',
  input: z.strictObject({ address }),
  async run({ directory }, { address }, { actor }): Promise<AccountChanged> {
    const account = await directory.account(address);
    await directory.by(actor).accounts.remove(address);
    return shown(account);
  },
});

export const listAccounts = action({
  name: 'account.list',
  input: z.strictObject({ domain: z.string().optional() }),
  async run({ directory }, { domain }): Promise<AccountShown[]> {
    const accounts: AccountShown[] = [];
    for await (const account of directory.accounts()) {
      const { name, displayName, state, administrator, quotaBytes, usedBytes, messages } = account;
      if (domain !== undefined && domainOf(name) !== domain.toLowerCase()) continue;
      accounts.push({ address: name, name: displayName, state, administrator, quotaBytes, usedBytes, messages });
    }
    return accounts;
  },
});

export const setPassword = action({
  name: 'account.password',
  input: z.strictObject({ address, password: z.string() }),
  async run({ directory }, { address, password }, { actor }): Promise<AccountChanged> {
    await directory.by(actor).accounts.setPassword(address, password);
    return shown(await directory.account(address));
  },
});

export const setAccountState = action({
  name: 'account.state',
  input: z.strictObject({ address, state: z.enum(['active', 'suspended', 'closed']) }),
  async run({ directory }, { address, state }, { actor }): Promise<AccountChanged> {
    await directory.by(actor).accounts.setState(address, state);
    return shown(await directory.account(address));
  },
});

export const setAdministrator = action({
  name: 'account.role',
  input: z.strictObject({ address, administrator: z.boolean() }),
  async run({ directory }, { address, administrator }, { actor }): Promise<AccountChanged> {
    await directory.by(actor).policy.setAdministrator(address, administrator);
    return shown(await directory.account(address));
  },
});

export const setAccountName = action({
  name: 'account.name',
  input: z.strictObject({ address, name: z.string() }),
  async run({ directory }, { address, name }, { actor }): Promise<AccountChanged> {
    await directory.by(actor).accounts.setDisplayName(address, name);
    return shown(await directory.account(address));
  },
});

export const renameAccount = action({
  name: 'account.rename',
  input: z.strictObject({ address, to: z.string(), keepOld: z.boolean() }),
  async run({ directory }, { address, to, keepOld }, { actor }): Promise<AccountChanged> {
    await directory.by(actor).accounts.rename(address, to, { keepOld });
    return shown(await directory.account(to));
  },
});

export const showAccount = action({
  name: 'account.show',
  input: z.strictObject({ address }),
  run: ({ directory }, { address }): Promise<AccountPage> => directory.accountPage(address),
});

function shown({ name, state, quotaBytes }: Account): AccountChanged {
  return { address: name, state, quotaBytes };
}
