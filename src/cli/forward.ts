import { Command } from 'commander';
import {
  type ForwardingShown,
  listForwardings,
  removeForwarding,
  setForwarding,
  showForwarding,
} from '../server/admin/forwarding.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function forwardCommand(): Command {
  return new Command('forward')
    .description('mail of an account that goes on to other addresses')
    .addCommand(set())
    .addCommand(remove())
    .addCommand(show())
    .addCommand(list());
}

function set(): Command {
  return officeCommand(
    'set',
    'forward the mail of an account to these addresses, and to no others',
    'rainmail forward set anna@example.org anna@home.example --no-keep',
  )
    .argument('<account>')
    .argument('<to...>', 'addresses of this office or elsewhere')
    .option('--keep', 'a copy stays in the mailbox (this is so unless you say otherwise)', true)
    .option('--no-keep', 'no copy stays')
    .action(async (account: string, to: string[], options: CommonOptions & { keep: boolean }) => {
      const forwarding = await perform(setForwarding, { account, to, keeps: options.keep }, options);
      print(forwarding, options, () => text(forwarding));
    });
}

function remove(): Command {
  return officeCommand(
    'remove',
    'let the mail of an account stay, or forward it to one address less',
    'rainmail forward remove anna@example.org',
  )
    .argument('<account>')
    .argument('[to]', 'only this address')
    .action(async (account: string, to: string | undefined, options: CommonOptions) => {
      const forwarding = await perform(removeForwarding, { account, ...(to && { to }) }, options);
      print(forwarding, options, () => text(forwarding));
    });
}

function show(): Command {
  return officeCommand('show', 'show where the mail of an account goes', 'rainmail forward show anna@example.org')
    .argument('<account>')
    .action(async (account: string, options: CommonOptions) => {
      const forwarding = await perform(showForwarding, { account }, options);
      print(forwarding, options, () => text(forwarding));
    });
}

function list(): Command {
  return officeCommand('list', 'list the accounts that forward their mail', 'rainmail forward list').action(
    async (options: CommonOptions) => {
      const forwardings = await perform(listForwardings, {}, options);
      print(forwardings, options, () =>
        table(
          ['ACCOUNT', 'FORWARDS TO', 'KEEPS A COPY'],
          forwardings.map(({ account, to, keeps }) => [account, to.join(', '), keeps ? 'yes' : 'no']),
          'No account forwards its mail: rainmail forward set anna@example.org anna@home.example',
        ),
      );
    },
  );
}

function text({ account, forwards, to, keeps }: ForwardingShown): string {
  if (!forwards) return `Mail for ${account} stays here.`;
  return `Mail for ${account} goes on to ${to.join(', ')}; ${keeps ? 'a copy stays' : 'no copy stays'}.`;
}
