import { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import type { AccountState } from '../directory/types.ts';
import {
  type AccountShown,
  addAccount,
  listAccounts,
  removeAccount,
  renameAccount,
  setAccountName,
  setAccountState,
  setAdministrator,
  setPassword,
  showAccount,
} from '../server/admin/accounts.ts';
import { accountPageText } from './account-page.ts';
import { importAccountsCommand } from './import-accounts.ts';
import { type CommonOptions, officeCommand, quotaSize } from './options.ts';
import { print, table } from './output.ts';
import { type ChosenPassword, choosePassword, type PasswordOptions, takesPassword } from './passwords.ts';
import { perform } from './perform.ts';

export function accountCommand(): Command {
  return new Command('account')
    .description('the people of the office: each account is an address with mail')
    .addCommand(add())
    .addCommand(remove())
    .addCommand(list())
    .addCommand(password())
    .addCommand(show())
    .addCommand(name())
    .addCommand(rename())
    .addCommand(state('suspend', 'suspended', 'refuse sign-ins and end open ones; mail is still taken in'))
    .addCommand(state('close', 'closed', 'refuse sign-ins and mail; what is there stays'))
    .addCommand(state('reopen', 'active', 'allow sign-ins and take mail again'))
    .addCommand(administrator('promote', true, 'make somebody an administrator'))
    .addCommand(administrator('demote', false, 'make somebody no administrator any more'))
    .addCommand(importAccountsCommand());
}

function add(): Command {
  const command = officeCommand(
    'add',
    'add an account; its domain is added if need be',
    'rainmail account add anna@example.org --name "Anna Lee"',
  )
    .argument('<address>')
    .option('--name <name>', 'name of the person')
    .option('--quota <size>', 'a quota of its own, such as 2GB', quotaSize);
  return takesPassword(command).action(
    async (address: string, options: CommonOptions & PasswordOptions & { name?: string; quota?: number | null }) => {
      const chosen = await choosePassword(options);
      const account = await perform(
        addAccount,
        { address, password: chosen.password, name: options.name ?? '', quotaBytes: options.quota ?? null },
        options,
      );
      print({ ...account, ...shown(chosen) }, options, () => `Added ${account.address}.${told(chosen)}`);
    },
  );
}

function remove(): Command {
  return officeCommand(
    'remove',
    'remove an account and its mail, for good',
    'rainmail account remove anna@example.org --yes',
  )
    .argument('<address>')
    .requiredOption('--yes', 'yes, its mail too')
    .action(async (address: string, options: CommonOptions) => {
      const account = await perform(removeAccount, { address }, options);
      print(account, options, () => `Removed ${account.address} and its mail.`);
    });
}

function list(): Command {
  return officeCommand('list', 'list the accounts', 'rainmail account list --domain example.org')
    .option('--domain <domain>', 'only those of one domain')
    .action(async (options: CommonOptions & { domain?: string }) => {
      const accounts = await perform(
        listAccounts,
        options.domain === undefined ? {} : { domain: options.domain },
        options,
      );
      const row = (account: AccountShown) => [
        account.address,
        account.name,
        account.administrator ? `${account.state}, administrator` : account.state,
        formatSize(account.usedBytes),
        account.quotaBytes === null ? 'none' : formatSize(account.quotaBytes),
      ];
      print(accounts, options, () =>
        table(
          ['ADDRESS', 'NAME', 'STATE', 'USED', 'QUOTA'],
          accounts.map(row),
          'No accounts yet: rainmail account add anna@example.org',
        ),
      );
    });
}

function password(): Command {
  const command = officeCommand(
    'password',
    'set a new password',
    'rainmail account password anna@example.org --generate',
  ).argument('<address>');
  return takesPassword(command).action(async (address: string, options: CommonOptions & PasswordOptions) => {
    const chosen = await choosePassword(options);
    const account = await perform(setPassword, { address, password: chosen.password }, options);
    print({ ...account, ...shown(chosen) }, options, () => `${account.address} has a new password.${told(chosen)}`);
  });
}

function state(name: string, wanted: AccountState, description: string): Command {
  return officeCommand(name, description, `rainmail account ${name} anna@example.org`)
    .argument('<address>')
    .action(async (address: string, options: CommonOptions) => {
      const account = await perform(setAccountState, { address, state: wanted }, options);
      print(account, options, () => `${account.address} is ${account.state}.`);
    });
}

function administrator(name: string, wanted: boolean, description: string): Command {
  return officeCommand(name, description, `rainmail account ${name} anna@example.org`)
    .argument('<address>')
    .action(async (address: string, options: CommonOptions) => {
      const account = await perform(setAdministrator, { address, administrator: wanted }, options);
      print(account, options, () => `${account.address} is ${wanted ? 'an' : 'no'} administrator.`);
    });
}

function show(): Command {
  return officeCommand('show', 'show everything about an account', 'rainmail account show anna@example.org')
    .argument('<address>')
    .action(async (address: string, options: CommonOptions) => {
      print(await perform(showAccount, { address }, options), options, accountPageText);
    });
}

function name(): Command {
  return officeCommand(
    'name',
    'set the name that is shown for the person',
    'rainmail account name anna@example.org "Anna Lee"',
  )
    .argument('<address>')
    .argument('<name>')
    .action(async (address: string, name: string, options: CommonOptions) => {
      const account = await perform(setAccountName, { address, name }, options);
      print(account, options, () => `${account.address} is called ${name}.`);
    });
}

function rename(): Command {
  return officeCommand(
    'rename',
    'give an account another address; mail, aliases, groups and password stay',
    'rainmail account rename anna.lee@example.org anna.weber@example.org',
  )
    .argument('<address>')
    .argument('<new-address>')
    .option('--drop-old-address', 'mail for the old address is not taken any more')
    .action(async (address: string, to: string, options: CommonOptions & { dropOldAddress?: true }) => {
      const keepOld = options.dropOldAddress !== true;
      const account = await perform(renameAccount, { address, to, keepOld }, options);
      print(account, options, () =>
        [
          `${address} is ${account.address} now, and signs in by that name.`,
          keepOld ? 'Mail for the old address still arrives: it is an alias.' : 'Mail for the old address is refused.',
        ].join('\n'),
      );
    });
}

function shown({ password, generated }: ChosenPassword): { password?: string } {
  return generated ? { password } : {};
}

function told({ password, generated }: ChosenPassword): string {
  return generated ? ` Password: ${password}` : '';
}
