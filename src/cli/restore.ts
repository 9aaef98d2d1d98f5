import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { Repository } from '../backup/repository/repository.ts';
import { isEverything, type Selection } from '../backup/restore/selection.ts';
import { restoreServer, type ServerRestored } from '../backup/restore/server.ts';
import { readBackupSettings } from '../backup/settings.ts';
import { formatSize, parseMoment } from '../config/units.ts';
import {
  type AccountMailRestored,
  type BackedUpListed,
  listBackedUp,
  restoreAccount,
  restoreMail,
  wanted,
} from '../server/admin/restore.ts';
import { chooseKey, type KeyOptions, takesKey } from './backup-key.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, numberBetween, officeCommand } from './options.ts';
import { counted, EXIT, print, short, table } from './output.ts';
import { actor, perform } from './perform.ts';
import { showProgress } from './progress.ts';

interface Source extends KeyOptions {
  readonly from?: string;
  readonly asOf?: number;
  readonly backup?: string;
}

interface HowToRestore {
  readonly beside?: string | true;
  readonly overQuota?: true;
}

const MOST_LISTED = 100;

export function restoreCommand(): Command {
  return new Command('restore')
    .description('bring back from a backup: the whole server, an account, or some of its mail')
    .addCommand(server())
    .addCommand(account())
    .addCommand(mail())
    .addCommand(list());
}

function server(): Command {
  const command = officeCommand(
    'server',
    'restore the whole server into an empty directory; asks for the key of the backups',
    'rainmail restore server --from /mnt/backup/rainmail --data /var/lib/rainmail',
  )
    .requiredOption('--from <folder>', 'the folder with the backups')
    .option('--config-to <file>', 'where the configuration goes (default: restored.toml in the data directory)');
  return takesKey(takesMoment(command)).action(
    async (options: CommonOptions & Source & { from: string; configTo?: string }) => {
      const key = await chooseKey(options);
      const repository = await Repository.open(resolve(options.from), key, { command: 'restore server' });
      const progress = showProgress(options);
      const interrupted = new AbortController();
      const interrupt = () => interrupted.abort();
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
      try {
        const snapshot = await repository.snapshot(wanted(momentOf(options)));
        const restored = await restoreServer(snapshot, {
          data: options.data,
          configuration: resolve(options.configTo ?? join(options.data, 'restored.toml')),
          actor: actor(),
          onProgress: progress.show,
          signal: interrupted.signal,
        });
        progress.end();
        print(restored, options, () => serverText(restored, options.data, repository.directory));
        if (restored.findings.length > 0) process.exitCode = EXIT.failed;
      } finally {
        progress.end();
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
        repository.close();
      }
    },
  );
}

function account(): Command {
  const command = officeCommand(
    'account',
    'bring back an account that was removed, with its password, addresses and all of its mail',
    'rainmail restore account anna@example.org --as-of 2026-11-01',
  );
  return takesSource(command.argument('<account>')).action(async (account: string, options: CommonOptions & Source) => {
    const restored = await perform(restoreAccount, { account, ...(await sourceOf(options)) }, options);
    print(restored, options, () =>
      [
        `${restored.account} is there again.`,
        ...(restored.restored + restored.damagedCount > 0 || restored.stopped
          ? [mailText(restored, `rainmail restore mail ${restored.account}`)]
          : []),
      ].join('\n'),
    );
    if (restored.stopped || restored.damagedCount > 0) process.exitCode = EXIT.failed;
  });
}

function mail(): Command {
  const command = officeCommand(
    'mail',
    'bring mail of one account back; what is there stays as it is, and nothing comes twice',
    'rainmail restore mail anna@example.org --as-of 2026-11-01 --folder Projects',
  );
  return takesSource(takesWhich(command))
    .option(
      '--beside [folder]',
      'put copies into a folder of their own, beside what is there (default: named after the backup)',
    )
    .option('--over-quota', 'even if the mailbox is fuller than its quota then')
    .action(async (account: string, options: CommonOptions & Source & Selection & HowToRestore) => {
      const { beside, overQuota } = options;
      const input = { account, ...(await sourceOf(options)), ...whichOf(options), beside, overQuota };
      const restored = await perform(restoreMail, input, options);
      print(restored, options, () => mailText(restored));
      if (restored.stopped || restored.damagedCount > 0) process.exitCode = EXIT.failed;
    });
}

function list(): Command {
  const command = officeCommand(
    'list',
    'show what a backup has of an account: its folders, or the messages that fit',
    'rainmail restore list anna@example.org --as-of 2d --query "invoice bridge"',
  );
  return takesSource(takesWhich(command))
    .option('--limit <count>', 'the most messages to list', numberBetween(1, 9_999_999), MOST_LISTED)
    .action(async (account: string, options: CommonOptions & Source & Selection & { limit: number }) => {
      const input = { account, ...(await sourceOf(options)), ...whichOf(options), limit: options.limit };
      const listed = await perform(listBackedUp, input, options);
      print(listed, options, () => listText(listed, options));
    });
}

/** Adds the options that say which backup. */
function takesSource(command: Command): Command {
  return takesKey(
    takesMoment(command.option('--from <folder>', "the folder with the backups (default: that of this office's own)")),
  );
}

function takesMoment(command: Command): Command {
  return command
    .option(
      '--as-of <when>',
      'the newest backup of then or before: a time ago (2d, 3h), a day till its end (2026-11-20), or "2026-11-20 14:30" (default: the newest)',
      moment,
    )
    .option('--backup <id>', 'this backup, as “rainmail backup list” names it');
}

/** Adds the account and the options that say which of its messages. */
function takesWhich(command: Command): Command {
  return command
    .argument('<account>')
    .option('--folder <name>', 'only this folder and those below it')
    .option('--query <text>', 'with all of these words in sender, recipients, subject, first words or Message-ID')
    .option('--message-id <id>', 'only the message with this Message-ID');
}

function momentOf({ backup, asOf }: Source): { backup: string | null; asOf: number | null } {
  return { backup: backup ?? null, asOf: asOf ?? null };
}

/** The office's own repository needs no key from a person: the data directory has it. */
async function sourceOf(options: CommonOptions & Source) {
  const repository = options.from === undefined ? null : resolve(options.from);
  const isOwn = repository === null || repository === (await readBackupSettings(options.data))?.repository;
  const key = isOwn ? null : (await chooseKey(options)).format();
  return { repository, key, ...momentOf(options) };
}

function whichOf({ folder, query, messageId }: Selection): Selection {
  return { folder, query, messageId };
}

function serverText(restored: ServerRestored, data: string, repository: string): string {
  const { backup, taken, accounts, messages, bytes, files, findings, heldBack } = restored;
  const configuration = files.find(({ name }) => name.startsWith('configuration/'))?.path;
  const others = files.filter(({ name }) => name.startsWith('tls/'));
  const serve = configuration === undefined ? '' : ` --config ${configuration}`;
  return [
    `Restored ${counted(accounts, 'account')} with ${counted(messages, 'message')} (${formatSize(bytes)}) from the backup ${backup}, as of ${localTime(taken * 1_000)}, into ${data}.`,
    ...findings.map(({ account, mailbox, uid, text }) =>
      [account, mailbox, uid === undefined ? undefined : `UID ${uid}`, text]
        .filter((part) => part !== undefined)
        .join(', '),
    ),
    ...(findings.length === 0
      ? ['The database was checked, and everything is on disk.']
      : [`${counted(findings.length, 'finding')}, which the backed up server had already: rainmail verify --repair`]),
    'What to do next:',
    ...(configuration === undefined
      ? []
      : [`- Look through ${configuration}: addresses, certificates and paths may be others on this machine.`]),
    ...(heldBack === 0
      ? []
      : [
          `- Mail to ${counted(heldBack, 'recipient')} waited to be sent when the backup was made, and is held, since it may have been sent after that: rainmail queue list.`,
        ]),
    ...others.map(({ name, path }) => `- The backup had ${name}: it is in ${path}.`),
    `- Start the server: rainmail serve --data ${data}${serve}`,
    `- Go on making backups: rainmail backup init --data ${data} --to ${repository}`,
  ].join('\n');
}

function mailText(done: AccountMailRestored, again = 'the same command'): string {
  const { account, backup, taken, restored, undeleted, there, bytes, folders, damaged, damagedCount, stopped } = done;
  const places = folders.map(({ path, messages }) => `${path} ${messages}`).join(', ');
  const came = restored + undeleted;
  return [
    came === 0
      ? `Nothing was missing: the backup ${backup} (${localTime(taken)}) has no message like that which ${account} has not.`
      : `${counted(came, 'message')} (${formatSize(bytes)}) came back to ${account} from the backup ${backup} (${localTime(taken)}): ${places}.`,
    ...(undeleted > 0 ? [`${undeleted} of them were deleted not long ago and still kept by the server.`] : []),
    ...(there > 0
      ? [`${counted(there, 'message')} of the backup ${there === 1 ? 'is' : 'are'} there and stayed as they are.`]
      : []),
    ...damaged.map(({ folder, subject, reason }) => `Left out: “${subject}” in ${folder}: ${reason}`),
    ...(damagedCount > damaged.length ? [`${damagedCount} messages were left out in all.`] : []),
    ...(stopped ? [`It was stopped before the end: ${again} goes on.`] : []),
  ].join('\n');
}

function listText({ account, backup, taken, folders, found, foundCount }: BackedUpListed, which: Selection): string {
  const head = `The backup ${backup} (${localTime(taken)}) has of ${account}:`;
  if (isEverything(which)) {
    const rows = folders.map(({ path, messages, unseen, bytes }) => [
      path,
      `${messages}`,
      `${unseen}`,
      formatSize(bytes),
    ]);
    return [head, table(['FOLDER', 'MESSAGES', 'UNREAD', 'SIZE'], rows, 'No folders.')].join('\n');
  }
  const rows = found.map(({ date, folder, from, subject, size, messageId }) => [
    localTime(date),
    folder,
    short(from, 24),
    short(subject, 40),
    formatSize(size),
    messageId ?? '',
  ]);
  return [
    head,
    table(['DATE', 'FOLDER', 'FROM', 'SUBJECT', 'SIZE', 'MESSAGE-ID'], rows, 'No such message.'),
    ...(foundCount > found.length ? [`Only ${found.length} of ${foundCount} are listed: --limit shows more.`] : []),
  ].join('\n');
}

/** Seconds since 1970; of a day: its end. */
function moment(text: string): number {
  const parsed = parseMoment(text, Date.now());
  if (parsed === undefined) throw new InvalidArgumentError('Write it like 2d, 2026-11-20 or "2026-11-20 14:30".');
  const date = new Date(parsed);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) date.setDate(date.getDate() + 1);
  return Math.floor(date.getTime() / 1_000) - (date.getTime() === parsed ? 0 : 1);
}
