import { Command, InvalidArgumentError } from 'commander';
import type { Posters } from '../directory/types.ts';
import {
  addGroup,
  type GroupPage,
  joinGroup,
  leaveGroup,
  listGroups,
  removeGroup,
  renameGroup,
  setGroupAddress,
  setGroupRank,
  setPosting,
  showGroup,
} from '../server/admin/groups.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, print, table } from './output.ts';
import { perform } from './perform.ts';

export function groupCommand(): Command {
  return new Command('group')
    .description('people together: for quotas, and for mail to all of them')
    .addCommand(add())
    .addCommand(remove())
    .addCommand(rename())
    .addCommand(join())
    .addCommand(leave())
    .addCommand(address())
    .addCommand(posting())
    .addCommand(rank())
    .addCommand(list())
    .addCommand(show());
}

function add(): Command {
  return officeCommand('add', 'make a group', 'rainmail group add Sales --address sales@example.org')
    .argument('<group>')
    .option('--address <address>', 'take mail for everyone in it')
    .option('--description <text>', 'what it is for', '')
    .action(async (group: string, options: CommonOptions & { address?: string; description: string }) => {
      const { address, description } = options;
      const made = await perform(addGroup, { group, description, ...(address && { address }) }, options);
      print(
        made,
        options,
        () => `There is a group ${made.name}. Put people into it: rainmail group join "${made.name}" ...`,
      );
    });
}

function remove(): Command {
  return officeCommand('remove', 'remove a group; the people in it stay', 'rainmail group remove Sales')
    .argument('<group>')
    .action(async (group: string, options: CommonOptions) => {
      const removed = await perform(removeGroup, { group }, options);
      print(removed, options, () => `The group ${removed.name} is removed; ${members(removed)} left it.`);
    });
}

function rename(): Command {
  return officeCommand('rename', 'give a group another name', 'rainmail group rename Sales "Sales and service"')
    .argument('<group>')
    .argument('<name>', 'the new one')
    .action(async (group: string, to: string, options: CommonOptions) => {
      const renamed = await perform(renameGroup, { group, to }, options);
      print(renamed, options, () => `The group is called ${renamed.name} now.`);
    });
}

function join(): Command {
  return officeCommand(
    'join',
    'put people into a group, and addresses elsewhere',
    'rainmail group join Sales anna@example.org ben@example.org',
  )
    .argument('<group>')
    .argument('<accounts...>', 'accounts of this office, or addresses elsewhere that get mail for the group')
    .action(async (group: string, accounts: string[], options: CommonOptions) => {
      const joined = await perform(joinGroup, { group, accounts }, options);
      print(joined, options, () => `${members(joined)} in the group ${joined.name} now.`);
    });
}

function leave(): Command {
  return officeCommand('leave', 'take people out of a group', 'rainmail group leave Sales anna@example.org')
    .argument('<group>')
    .argument('<accounts...>')
    .action(async (group: string, accounts: string[], options: CommonOptions) => {
      const left = await perform(leaveGroup, { group, accounts }, options);
      print(left, options, () => `${members(left)} in the group ${left.name} now.`);
    });
}

function address(): Command {
  return officeCommand(
    'address',
    'take mail for everyone in a group, or no more',
    'rainmail group address Sales sales@example.org',
  )
    .argument('<group>')
    .argument('<address>', 'an address of this office, or none')
    .action(async (group: string, text: string, options: CommonOptions) => {
      const changed = await perform(setGroupAddress, { group, address: text === 'none' ? null : text }, options);
      print(changed, options, () =>
        changed.address === null
          ? `The group ${changed.name} gets no mail.`
          : `Mail for ${changed.address} goes to everyone in the group ${changed.name}.`,
      );
    });
}

function posting(): Command {
  return officeCommand(
    'posting',
    'say whose mail a group takes',
    'rainmail group posting Sales members boss@partner.example',
  )
    .argument('<group>')
    .argument('<who...>', 'anyone, members or people (everybody of this office), and addresses that may besides')
    .action(async (group: string, who: string[], options: CommonOptions) => {
      const changed = await perform(setPosting, { group, who }, options);
      print(changed, options, () => `The group ${changed.name} takes mail from ${posters(changed)}.`);
    });
}

const POSTERS: Readonly<Record<Posters, string>> = {
  anyone: 'anybody',
  members: 'its members',
  people: 'everybody of this office who signs in',
  named: '',
};

function posters({ posting, named }: GroupPage): string {
  return [POSTERS[posting], ...named].filter((one) => one !== '').join(', ');
}

function members({ members: here, elsewhere }: GroupPage): string {
  const accounts = counted(here.length, 'account');
  return elsewhere.length === 0 ? accounts : `${accounts}, and ${elsewhere.length} of elsewhere,`;
}

function rank(): Command {
  return officeCommand(
    'rank',
    'say which of two groups of a person counts for the access policy: the one with the lower rank',
    'rainmail group rank Sales 10',
  )
    .argument('<group>')
    .argument('<rank>', 'a whole number, 100 at first', wholeNumber)
    .action(async (group: string, wanted: number, options: CommonOptions) => {
      const changed = await perform(setGroupRank, { group, rank: wanted }, options);
      print(changed, options, () => `The group ${changed.name} has the rank ${changed.rank}.`);
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Write a whole number such as 10.');
  return Number(text);
}

function list(): Command {
  return officeCommand('list', 'list the groups', 'rainmail group list').action(async (options: CommonOptions) => {
    const groups = await perform(listGroups, {}, options);
    print(groups, options, () =>
      table(
        ['GROUP', 'ADDRESS', 'ACCOUNTS', 'RANK', 'DESCRIPTION'],
        groups.map(({ name, address, members, rank, description }) => [
          name,
          address ?? '',
          String(members),
          String(rank),
          description,
        ]),
        'No groups yet: rainmail group add Sales --address sales@example.org',
      ),
    );
  });
}

function show(): Command {
  return officeCommand('show', 'show a group and who is in it', 'rainmail group show Sales')
    .argument('<group>')
    .action(async (group: string, options: CommonOptions) => {
      const shown = await perform(showGroup, { group }, options);
      const { name, address, description, rank, members, elsewhere } = shown;
      print(shown, options, () =>
        [
          `${name}${description === '' ? '' : `: ${description}`}`,
          `Mail to ${address ?? 'nobody: it has no address'}${address === null ? '' : `, from ${posters(shown)}`}`,
          `Rank ${rank}`,
          ...members,
          ...elsewhere.map((outsider) => `${outsider} (elsewhere)`),
        ].join('\n'),
      );
    });
}
