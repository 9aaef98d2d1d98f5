import { Command } from 'commander';
import type { Alias } from '../directory/types.ts';
import { addAlias, listAliases, removeAlias, renameAlias } from '../server/admin/aliases.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function aliasCommand(): Command {
  return new Command('alias')
    .description('further addresses, each of which leads to accounts and to addresses elsewhere')
    .addCommand(
      officeCommand(
        'add',
        'lead an address to accounts, and to addresses elsewhere',
        'rainmail alias add sales@example.org anna@example.org ben@example.org',
      )
        .argument('<address>')
        .argument('<accounts...>', 'accounts of this office, or addresses elsewhere')
        .action(async (address: string, accounts: string[], options: CommonOptions) => {
          const alias = await perform(addAlias, { address, accounts }, options);
          print(alias, options, () => `Mail for ${alias.address} goes to ${targets(alias)}.`);
        }),
    )
    .addCommand(
      officeCommand(
        'remove',
        'remove an alias, or only one of the addresses it leads to',
        'rainmail alias remove sales@example.org',
      )
        .argument('<address>')
        .argument('[account]')
        .action(async (address: string, account: string | undefined, options: CommonOptions) => {
          const alias = await perform(removeAlias, { address, ...(account && { account }) }, options);
          print(alias, options, () =>
            account === undefined || targets(alias) === ''
              ? `${alias.address} is removed.`
              : `Mail for ${alias.address} goes to ${targets(alias)}.`,
          );
        }),
    )
    .addCommand(
      officeCommand(
        'rename',
        'give an alias another address',
        'rainmail alias rename sales@example.org shop@example.org',
      )
        .argument('<address>')
        .argument('<new-address>')
        .action(async (address: string, to: string, options: CommonOptions) => {
          const alias = await perform(renameAlias, { address, to }, options);
          print(alias, options, () => `Mail for ${alias.address} goes to ${targets(alias)}.`);
        }),
    )
    .addCommand(
      officeCommand('list', 'list the aliases', 'rainmail alias list').action(async (options: CommonOptions) => {
        const aliases = await perform(listAliases, {}, options);
        print(aliases, options, () =>
          table(
            ['ADDRESS', 'GOES TO'],
            aliases.map((alias) => [alias.address, targets(alias)]),
            'No aliases yet: rainmail alias add sales@example.org anna@example.org',
          ),
        );
      }),
    );
}

function targets({ accounts, elsewhere }: Alias): string {
  return [...accounts, ...elsewhere].join(', ');
}
