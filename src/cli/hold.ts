import { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { type HoldShown, holdAccount, listHolds, releaseAccount } from '../server/admin/hold.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function holdCommand(): Command {
  return new Command('hold')
    .description('legal hold: keep all mail of an account, whatever its people delete')
    .addCommand(set())
    .addCommand(release())
    .addCommand(list());
}

type Reasoned = CommonOptions & { readonly reason?: string };

function set(): Command {
  return officeCommand(
    'set',
    'keep everything that an account has and deletes, until the hold is released',
    'rainmail hold set anna@example.org --reason "case 4711"',
  )
    .argument('<account>')
    .option('--reason <text>', 'why, for the audit')
    .action(async (account: string, options: Reasoned) => {
      const held = await perform(holdAccount, { account, reason: options.reason }, options);
      print(held, options, () =>
        held.changed
          ? `${held.account} is held: nothing of its mail goes before rainmail hold release ${held.account}`
          : `${held.account} was held already.`,
      );
    });
}

function release(): Command {
  return officeCommand(
    'release',
    'end a hold: what is past its time goes soon after',
    'rainmail hold release anna@example.org',
  )
    .argument('<account>')
    .option('--reason <text>', 'why, for the audit')
    .action(async (account: string, options: Reasoned) => {
      const released = await perform(releaseAccount, { account, reason: options.reason }, options);
      print(released, options, () =>
        released.changed
          ? `${released.account} is held no more: what was deleted before store.retention goes within minutes.`
          : `${released.account} was not held.`,
      );
    });
}

function list(): Command {
  return officeCommand('list', 'list the accounts that are held', 'rainmail hold list').action(
    async (options: CommonOptions) => {
      const held = await perform(listHolds, {}, options);
      const row = ({ account, since, messages, bytes }: HoldShown) => [
        account,
        since.slice(0, 10),
        String(messages),
        formatSize(bytes),
      ];
      print(held, options, () => table(['ACCOUNT', 'SINCE', 'DELETED', 'SIZE'], held.map(row), 'No account is held.'));
    },
  );
}
