/** Accounts: the people of the office. */
import { z } from 'zod';
import { type ImportReport, importAccounts as importCsv } from '../../directory/import-accounts.ts';
import type { Account } from '../../directory/types.ts';
import { action } from './action.ts';
import { domainOf } from './domains.ts';

export interface AccountShown {
  readonly address: string;
  readonly name: string;
  readonly state: Account['state'];
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
  async run({ directory }, { address, password, name, quotaBytes }): Promise<AccountChanged> {
    return shown(await directory.addAccount({ address, password, displayName: name, quotaBytes, makeDomain: true }));
  },
});

export const removeAccount = action({
  name: 'account.remove',
  input: z.strictObject({ address }),
  async run({ directory }, { address }): Promise<AccountChanged> {
    const account = await directory.account(address);
    await directory.removeAccount(address);
    return shown(account);
  },
});

export const listAccounts = action({
  name: 'account.list',
  input: z.strictObject({ domain: z.string().optional() }),
  async run({ directory }, { domain }): Promise<AccountShown[]> {
    const accounts: AccountShown[] = [];
    for await (const { name, displayName, state, quotaBytes, usedBytes, messages } of directory.accounts()) {
      if (domain !== undefined && domainOf(name) !== domain.toLowerCase()) continue;
      accounts.push({ address: name, name: displayName, state, quotaBytes, usedBytes, messages });
    }
    return accounts;
  },
});

export const setPassword = action({
  name: 'account.password',
  input: z.strictObject({ address, password: z.string() }),
  async run({ directory }, { address, password }): Promise<AccountChanged> {
    await directory.setPassword(address, password);
    return shown(await directory.account(address));
  },
});

export const setAccountState = action({
  name: 'account.state',
  input: z.strictObject({ address, state: z.enum(['active', 'suspended']) }),
  async run({ directory }, { address, state }): Promise<AccountChanged> {
    await (state === 'active' ? directory.activateAccount(address) : directory.suspendAccount(address));
    return shown(await directory.account(address));
  },
});

export const setQuota = action({
  name: 'account.quota',
  input: z.strictObject({ address, quotaBytes }),
  async run({ directory }, { address, quotaBytes }): Promise<AccountChanged> {
    await directory.setQuota(address, quotaBytes);
    return shown(await directory.account(address));
  },
});

export const importAccounts = action({
  name: 'account.import',
  input: z.strictObject({ csv: z.string() }),
  creates: true,
  async run({ directory }, { csv }, { progress }): Promise<ImportReport> {
    async function* file() {
      yield Buffer.from(csv);
    }
    return importCsv(directory, file(), (done) => progress({ what: '', done, unit: 'accounts' }));
  },
});

function shown({ name, state, quotaBytes }: Account): AccountChanged {
  return { address: name, state, quotaBytes };
}
