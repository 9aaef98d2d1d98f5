import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { SIGN_IN_PROTOCOLS, type SignInProtocol } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { endSessions, listSessions, type SessionShown, type SessionsMeant } from '../server/admin/sessions.ts';
import { confirm } from './confirm.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, print, table } from './output.ts';
import { perform } from './perform.ts';

export function sessionsCommand(): Command {
  return new Command('sessions')
    .description('who is signed in, with what, from where, and since when')
    .addCommand(list())
    .addCommand(end());
}

interface Which {
  readonly account?: string;
  readonly protocol?: SignInProtocol;
}

function list(): Command {
  return officeCommand('list', 'list who is signed in, the oldest first', 'rainmail sessions list --protocol pop3')
    .option('--account <account>', 'sessions of this account alone')
    .addOption(protocolOption())
    .action(async ({ account, protocol, ...options }: CommonOptions & Which) => {
      const found = await perform(listSessions, { account, protocol }, options);
      print(found, options, ({ running, sessions }) =>
        table(
          ['ID', 'ACCOUNT', 'PROTOCOL', 'WITH', 'FROM', 'CLIENT', 'SINCE'],
          sessions.map(row),
          running ? 'Nobody is signed in.' : 'The server does not run: nobody is signed in.',
        ),
      );
    });
}

interface Ending extends CommonOptions, Which {
  readonly credential?: string;
  readonly yes?: boolean;
}

function end(): Command {
  return officeCommand(
    'end',
    'end sessions: their programs are told why, and may sign in again',
    'rainmail sessions end --account anna@example.org --credential "Anna\'s phone" --yes',
  )
    .addArgument(new Argument('[id]', 'number of a session, as in the list').argParser(sessionId))
    .option('--account <account>', 'all sessions of this account')
    .option('--credential <name>', 'only those begun with it: an app password, the program of a token, or "password"')
    .addOption(protocolOption())
    .option('--yes', 'do not ask')
    .action(async (id: number | undefined, { account, protocol, credential, yes, ...options }: Ending) => {
      if ((id === undefined) === (account === undefined)) {
        throw new Refused('directory.invalid', 'Say which sessions: the number of one, or --account.');
      }
      const meant: SessionsMeant = id === undefined ? { account: account!, protocol, credential } : { id };
      await confirm(question(meant), { yes: yes === true });
      const result = await perform(endSessions, meant, options);
      print(result, options, ({ account, ended }) =>
        ended === 0
          ? `Nobody was signed in to ${account} that way.`
          : `${counted(ended, 'session')} of ${account} ended.`,
      );
    });
}

function question(meant: SessionsMeant): string {
  if ('id' in meant) return `End session ${meant.id}?`;
  const { account, protocol, credential } = meant;
  const over = protocol === undefined ? '' : ` over ${protocol}`;
  const how = credential === undefined ? '' : ` begun with “${credential}”`;
  return `End all sessions of ${account}${over}${how}?`;
}

function protocolOption(): Option {
  return new Option('--protocol <protocol>', 'only those of this protocol').choices(SIGN_IN_PROTOCOLS);
}

function sessionId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It is a number, as in rainmail sessions list.');
  return Number(text);
}

const KINDS = { password: 'password', app: 'app password', oauth: 'token' } as const;

function row({ id, account, protocol, credential, name, address, client, tls, since }: SessionShown): string[] {
  return [
    String(id),
    account,
    tls ? protocol : `${protocol} without TLS`,
    name === '' ? KINDS[credential] : `${KINDS[credential]} “${name}”`,
    address,
    client,
    `${since.slice(0, 16).replace('T', ' ')} UTC`,
  ];
}
