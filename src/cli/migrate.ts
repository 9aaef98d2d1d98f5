import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { formatSize } from '../config/units.ts';
import { Refused } from '../errors.ts';
import { type Person, parsePeople } from '../migrate/people.ts';
import { type AccountReport, isWhole } from '../migrate/report.ts';
import { parseSourceUrl, type SourceUrl } from '../migrate/source-url.ts';
import { migrate } from '../server/admin/migrate.ts';
import { type CommonOptions, numberBetween, officeCommand } from './options.ts';
import { counted, EXIT, print, table } from './output.ts';
import { givenPassword, type SecretOptions } from './passwords.ts';
import { perform } from './perform.ts';

type What = 'pull' | 'check' | 'finish';

interface Options extends CommonOptions, SecretOptions {
  readonly from: SourceUrl;
  readonly accounts?: string;
  readonly masterUser?: string;
  readonly masterSeparator?: string;
  readonly parallel: number;
  readonly insecure?: boolean;
  readonly acceptCertificate?: string;
  readonly uidlFrom?: SourceUrl;
  readonly uidlFormat?: string;
  readonly keepRemoved?: boolean;
  readonly leaveOut?: boolean;
}

const PULL = 'rainmail migrate anna@example.org --from imap://anna@old.example.org';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the mail of accounts from another server, over IMAP or POP3')
    .addCommand(
      moving(
        'pull',
        officeCommand('pull', 'bring what is new there; again and again until the change-over (the default)', PULL),
      ),
      { isDefault: true },
    )
    .addCommand(
      moving(
        'check',
        officeCommand(
          'check',
          'only say what differs between the other server and here',
          'rainmail migrate check anna@example.org --from imap://anna@old.example.org',
        ),
      ),
    )
    .addCommand(
      moving(
        'finish',
        officeCommand(
          'finish',
          'at the change-over: bring mail for the last time, and forget the other server',
          'rainmail migrate finish anna@example.org --from imap://anna@old.example.org',
        ),
      ).option('--leave-out', 'finish although some mail could not be brought'),
    )
    .addHelpText('after', `\nExample:\n  ${PULL}`);
}

function moving(what: What, command: Command): Command {
  return command
    .argument('[account]', 'whose mail it becomes; or see --accounts')
    .requiredOption('--from <url>', 'where the mail is: imap, imaps, pop3 or pop3s://USER@HOST[:PORT]', sourceUrl)
    .option('--accounts <file>', 'many accounts: a CSV file with account,user,password')
    .option('--parallel <count>', 'accounts at a time', numberBetween(1, 64), 4)
    .option('--password-file <file>', 'read the password there from a file (its first line)')
    .option('--password-stdin', 'read the password there from standard input (its first line)')
    .option('--master-user <name>', 'sign in there as this user on behalf of each (SASL PLAIN); the password is theirs')
    .option('--master-separator <text>', 'sign in as USER, this text and the master user (Dovecot: *)')
    .option('--insecure', 'without TLS: only in a network that you trust')
    .option('--accept-certificate <sha256>', 'accept this certificate, though nobody vouches for it')
    .option('--uidl-from <url>', 'the POP3 service of the same mailbox: its clients download nothing again', sourceUrl)
    .option('--uidl-format <format>', 'how it makes its POP3 ids: dovecot, cyrus, or such as %08Xu%08Xv')
    .option('--keep-removed', 'keep here what is removed there')
    .action(async (account: string | undefined, _options: unknown, self: Command) => {
      const options = self.opts<Options>();
      const input = { what, ...(await inputOf(account, options)) };
      const { accounts } = await perform(migrate, input, options);
      print(accounts, options, () => accounts.map((report) => printable(reportText(report, what))).join('\n\n'));
      if (!accounts.every(isWhole)) process.exitCode = EXIT.failed;
    });
}

async function inputOf(account: string | undefined, options: Options) {
  const { from, uidlFrom, masterUser, masterSeparator, uidlFormat } = options;
  if (masterSeparator !== undefined && masterUser === undefined)
    throw new Refused('directory.invalid', '--master-separator needs --master-user.');
  if (uidlFrom?.protocol === 'imap') throw new Refused('directory.invalid', '--uidl-from is a POP3 service: pop3://…');
  const listed = listedPeople(account, options);
  const alone = account === undefined ? undefined : { account, user: from.user ?? account };
  const password =
    masterUser !== undefined || alone !== undefined
      ? await givenPassword(options, `Password of ${masterUser ?? alone!.user} at ${from.host}`)
      : '';
  const people = listed ?? [masterUser === undefined ? { ...alone!, password } : alone!];
  return {
    source: { protocol: from.protocol, ...endpoint(from, options) },
    people,
    ...(masterUser === undefined ? {} : { master: { name: masterUser, password, separator: masterSeparator } }),
    parallel: options.parallel,
    keepRemoved: options.keepRemoved === true,
    leaveOut: options.leaveOut === true,
    ...(uidlFrom === undefined ? {} : { uidlFrom: pop3Of(uidlFrom, options) }),
    ...(uidlFormat === undefined ? {} : { uidlFormat }),
  };
}

function endpoint({ host, port, security }: SourceUrl, { insecure, acceptCertificate }: Options) {
  const plain = insecure === true && security === 'starttls';
  return {
    host,
    port,
    security: plain ? ('none' as const) : security,
    ...(acceptCertificate === undefined ? {} : { certificate: acceptCertificate }),
  };
}

function pop3Of(url: SourceUrl, options: Options) {
  const { accounts, masterSeparator } = options;
  if (url.user !== undefined && (accounts !== undefined || masterSeparator !== undefined))
    throw new Refused('directory.invalid', '--uidl-from names no user here: it is that of each account.');
  const user = url.user === undefined ? {} : { user: url.user };
  return { protocol: 'pop3' as const, ...endpoint(url, options), ...user };
}

function listedPeople(account: string | undefined, { accounts }: Options): Person[] | undefined {
  if ((account === undefined) === (accounts === undefined))
    throw new Refused('directory.invalid', 'Name one account, or give a list of them: --accounts people.csv.');
  if (accounts === undefined) return undefined;
  try {
    return parsePeople(readFileSync(accounts, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === undefined ? message : `it can't be read (${code})`;
    throw new Refused('directory.invalid', `${accounts}: ${why}.`, { cause: error });
  }
}

function sourceUrl(text: string): SourceUrl {
  try {
    return parseSourceUrl(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

// ---- what it says

/** Names and reasons are the other server's words: none may steer the terminal. */
function printable(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, '?');
}

function reportText(report: AccountReport, what: What): string {
  const { account, source, outcome, error, brought, seconds, notes, skipped, skippedCount } = report;
  const lines = [`${account}, from ${source}`];
  if (report.folders.length > 0) lines.push('', folderTable(report), '');
  if (what !== 'check') {
    lines.push(
      `Brought ${counted(brought.messages, 'message')} (${formatSize(brought.bytes)}) in ${seconds.toFixed(1)} s.`,
    );
    const followed = [
      [report.flagged, 'with other flags'],
      [report.moved, 'moved to other folders'],
      [report.removed, 'removed (undelete brings them back)'],
      [report.kept, 'kept although they are gone there'],
    ] as const;
    const said = followed.filter(([number]) => number > 0).map(([number, did]) => `${number} ${did}`);
    if (said.length > 0) lines.push(`Followed what changed there: ${said.join(', ')}.`);
  }
  lines.push(...notes);
  if (skippedCount > 0)
    lines.push(`${counted(skippedCount, 'message')} could not be brought, and will be tried again next time:`);
  lines.push(...skipped.map(({ folder, message, reason }) => `  ${folder}, ${message}: ${reason}`));
  if (skippedCount > skipped.length) lines.push(`  and ${skippedCount - skipped.length} more`);
  if (outcome === 'stopped') lines.push('Stopped. Run it again to go on.');
  if (error !== null) lines.push(`Failed: ${error.text}`, `  (${error.code})`);
  else if (outcome === 'done') lines.push(verdict(report, what));
  return lines.join('\n');
}

function verdict(report: AccountReport, what: What): string {
  if (!isWhole(report)) return 'Not everything is here.';
  return what === 'finish'
    ? 'Everything is here. The move is finished: the other server is forgotten.'
    : 'Everything is here.';
}

function folderTable({ folders }: AccountReport): string {
  const rows = folders.map(({ name, path, source, here, elsewhere, missing }) => [
    name === path ? name : `${name} -> ${path}`,
    String(source.messages),
    formatSize(source.bytes),
    String(here.messages),
    formatSize(here.bytes),
    missing === 0 ? '' : String(missing),
    elsewhere === 0 ? '' : String(elsewhere),
  ]);
  return table(['FOLDER', 'THERE', '', 'HERE', '', 'MISSING', 'MOVED OR DELETED HERE'], rows, '');
}
