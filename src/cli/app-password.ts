import { Command, InvalidArgumentError } from 'commander';
import { SIGN_IN_PROTOCOLS, type SignInProtocol } from '../directory/types.ts';
import {
  type AppPasswordShown,
  addAppPassword,
  listAppPasswords,
  revokeAppPassword,
} from '../server/admin/app-passwords.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function appPasswordCommand(): Command {
  return new Command('app-password')
    .description('passwords for single devices: a lost phone costs one of them, and not the password')
    .addCommand(add())
    .addCommand(list())
    .addCommand(revoke());
}

function add(): Command {
  return officeCommand(
    'add',
    'make an app password and show it once',
    'rainmail app-password add anna@example.org --name "Anna\'s phone" --for imap,submission',
  )
    .argument('<account>')
    .requiredOption('--name <name>', 'what the person calls the device')
    .option('--for <protocols>', `what it is for: ${SIGN_IN_PROTOCOLS.join(', ')} (default: all of them)`, protocolList)
    .action(async (address: string, options: CommonOptions & { name: string; for?: SignInProtocol[] }) => {
      const made = await perform(
        addAppPassword,
        { address, name: options.name, protocols: options.for ?? null },
        options,
      );
      print(made, options, () =>
        [
          `App password of ${made.address} for "${made.name}" (${scope(made.protocols)}):`,
          '',
          `  ${made.password}`,
          '',
          'It is shown this once. Spaces and capitals do not matter when it is typed.',
        ].join('\n'),
      );
    });
}

function list(): Command {
  return officeCommand(
    'list',
    'list the app passwords of an account and when they were last used',
    'rainmail app-password list anna@example.org',
  )
    .argument('<account>')
    .action(async (address: string, options: CommonOptions) => {
      const passwords = await perform(listAppPasswords, { address }, options);
      print(passwords, options, () =>
        table(
          ['ID', 'NAME', 'FOR', 'MADE', 'LAST USED'],
          passwords.map((one) => [String(one.id), one.name, scope(one.protocols), day(one.created), lastUse(one)]),
          `No app passwords yet: rainmail app-password add ${address} --name "phone"`,
        ),
      );
    });
}

function revoke(): Command {
  return officeCommand(
    'revoke',
    'make an app password void: its device can not sign in any more',
    'rainmail app-password revoke anna@example.org "Anna\'s phone"',
  )
    .argument('<account>')
    .argument('<which>', 'its name, or its id as in the list')
    .action(async (address: string, which: string, options: CommonOptions) => {
      const revoked = await perform(revokeAppPassword, { address, which }, options);
      print(revoked, options, () => `The app password "${revoked.name}" is void.`);
    });
}

function protocolList(text: string): SignInProtocol[] {
  return text.split(/[\s,]+/).map((name) => {
    const protocol = SIGN_IN_PROTOCOLS.find((one) => one === name.toLowerCase());
    if (protocol === undefined) throw new InvalidArgumentError(`They are ${SIGN_IN_PROTOCOLS.join(', ')}.`);
    return protocol;
  });
}

function scope(protocols: readonly SignInProtocol[] | null): string {
  return protocols === null ? 'everything' : protocols.join(', ');
}

function lastUse({ lastUse }: AppPasswordShown): string {
  if (lastUse === null) return 'never';
  return `${lastUse.at.slice(0, 16).replace('T', ' ')} UTC, ${lastUse.protocol}, from ${lastUse.address}`;
}

function day(time: string): string {
  return time.slice(0, 10);
}
