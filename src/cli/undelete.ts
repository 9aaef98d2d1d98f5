import { Command, InvalidArgumentError } from 'commander';
import { formatSize } from '../config/units.ts';
import {
  type LeftOut,
  listRemoved,
  purgeRemoved,
  type RemovedListed,
  type RemovedShown,
  restoreRemoved,
} from '../server/admin/undelete.ts';
import { confirm } from './confirm.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, numberBetween, officeCommand, pastMoment } from './options.ts';
import { counted, EXIT, print, short, table } from './output.ts';
import { perform } from './perform.ts';

interface Which {
  readonly since?: number;
  readonly folder?: string;
  readonly query?: string;
  readonly item?: readonly number[];
}

interface Offered {
  readonly includeCopies?: boolean;
  readonly includeDrafts?: boolean;
}

const MOST_LISTED = 1_000;

export function undeleteCommand(): Command {
  return new Command('undelete')
    .description('bring back what was deleted, by whatever program')
    .addCommand(list())
    .addCommand(restore())
    .addCommand(purge());
}

function list(): Command {
  return offers(
    selects(
      officeCommand(
        'list',
        'list what was deleted and can come back, the last deleted first',
        'rainmail undelete list anna@example.org --since 2d --query invoice',
      ),
    ),
  )
    .option('--limit <count>', 'the most to list', numberBetween(0, 99_999), MOST_LISTED)
    .action(async (account: string, options: CommonOptions & Which & Offered & { limit: number }) => {
      const listed = await perform(
        listRemoved,
        { account, ...which(options), ...offered(options), limit: options.limit },
        options,
      );
      print(listed, options, () => [...listText(listed), ...leftOutText(listed.leftOut)].join('\n'));
    });
}

function restore(): Command {
  return offers(
    selects(
      officeCommand(
        'restore',
        'bring messages back where they were, as they were',
        'rainmail undelete restore anna@example.org --since 2d --folder Projects',
      ),
    ).option('--all', 'everything that was deleted'),
  )
    .option('--to <folder>', 'put all of them into this folder; made if missing')
    .option('--redeliver', 'let programs that fetch over POP3 fetch them once more')
    .option('--over-quota', 'even if the mailbox is fuller than its quota then')
    .action(
      async (
        account: string,
        options: CommonOptions & Which & Offered & { all?: true; to?: string; redeliver?: true; overQuota?: true },
        command: Command,
      ) => {
        requireSelection(options, command);
        const { to, redeliver, overQuota } = options;
        const restored = await perform(
          restoreRemoved,
          { account, ...which(options), ...offered(options), to, redeliver, overQuota },
          options,
        );
        print(restored, options, () => {
          const { messages, bytes, folders, leftOut, stopped } = restored;
          const places = folders.map((folder) => `${folder.path} ${folder.messages}`).join(', ');
          return [
            messages === 0
              ? `Nothing came back to ${restored.account}: see rainmail undelete list ${restored.account}`
              : `${counted(messages, 'message')} (${formatSize(bytes)}) came back to ${restored.account}: ${places}.`,
            ...(stopped ? ['It was stopped before the end: the same command goes on.'] : []),
            ...leftOutText(leftOut),
          ].join('\n');
        });
        if (restored.stopped || restored.messages === 0) process.exitCode = EXIT.failed;
      },
    );
}

function purge(): Command {
  return selects(
    officeCommand(
      'purge',
      'remove deleted messages for good, and give their disk space back at once',
      'rainmail undelete purge anna@example.org --query "salary list" --yes',
    ),
  )
    .option('--all', 'everything that was deleted')
    .option('--yes', 'do not ask')
    .action(async (account: string, options: CommonOptions & Which & { all?: true; yes?: true }, command: Command) => {
      requireSelection(options, command);
      const everything = { copies: true, drafts: true, limit: 0 };
      const { found, bytes } = await perform(listRemoved, { account, ...which(options), ...everything }, options);
      if (found > 0)
        await confirm(
          `Purge ${counted(found, 'deleted message')} (${formatSize(bytes)}) of ${account} for good?`,
          options,
        );
      const purged = await perform(purgeRemoved, { account, ...which(options) }, options);
      print(purged, options, () =>
        [
          `Purged ${counted(purged.messages, 'message')} (${formatSize(purged.bytes)}); the disk has ${formatSize(purged.bytesFreed)} back.`,
          ...(purged.stopped ? ['It was stopped before the end: the same command goes on.'] : []),
          ...(purged.leased > 0
            ? [
                `${counted(purged.leased, 'message')} can't be brought back any more, but a POP3 session that is open may still fetch it: the server purges it when the session ends, at the latest ten minutes after its last command.`,
              ]
            : []),
          ...(purged.segmentsWaiting > 0
            ? [
                `${counted(purged.segmentsWaiting, 'file')} must wait, for a backup, for mail that comes in or for room on the disk: the server will give the space back by itself.`,
              ]
            : []),
        ].join('\n'),
      );
      if (purged.stopped) process.exitCode = EXIT.failed;
    });
}

/** Adds the account and the options that say which of its messages. */
function selects(command: Command): Command {
  return command
    .argument('<account>')
    .option(
      '--since <when>',
      'deleted since: a time ago (2d, 3h), or a date (2026-11-20, "2026-11-20 14:30")',
      pastMoment,
    )
    .option('--folder <name>', 'deleted from this folder or one below it')
    .option('--query <text>', 'with all of these words in sender, recipients, subject, first words or Message-ID')
    .option('--item <id...>', 'just these, by the id that the list shows', item);
}

function offers(command: Command): Command {
  return command
    .option('--include-copies', 'also messages that are in a folder still')
    .option('--include-drafts', 'also drafts with a newer version or that were sent, and replaced copies of sent mail');
}

/** Bringing everything back, or purging it, is never meant by leaving something out. */
function requireSelection(options: Which & { readonly all?: true }, command: Command): void {
  const { since, folder, query, item, all } = options;
  const given = [since, folder, query, item].some((each) => each !== undefined);
  if (given === (all === true))
    command.error('error: say which messages: --since, --folder, --query, --item, or --all for everything');
}

function which({ since, folder, query, item }: Which) {
  return { since, folder, query, items: item === undefined ? undefined : [...item] };
}

function offered({ includeCopies, includeDrafts }: Offered) {
  return { copies: includeCopies, drafts: includeDrafts };
}

function listText({ account, messages, found, bytes }: RemovedListed): string[] {
  const row = (message: RemovedShown) => [
    localTime(message.removed),
    message.folder,
    localTime(message.date),
    short(message.from, 24),
    short(message.subject, 40) + marks(message),
    formatSize(message.size),
    String(message.id),
  ];
  const heads = ['DELETED', 'FOLDER', 'DATE', 'FROM', 'SUBJECT', 'SIZE', 'ID'];
  const lines = [table(heads, messages.map(row), `Nothing that ${account} has deleted is kept, or fits.`)];
  if (found > 0) lines.push(`${counted(found, 'message')}, ${formatSize(bytes)}.`);
  if (found > messages.length)
    lines.push(`Only ${messages.length} of them are listed: say --since, --folder or --query, or a larger --limit.`);
  return lines;
}

function marks({ copy, superseded }: RemovedShown): string {
  return `${copy ? ' (in a folder still)' : ''}${superseded ? ' (has a newer version)' : ''}`;
}

function leftOutText({ copies, drafts }: LeftOut): string[] {
  const lines: string[] = [];
  if (copies > 0) lines.push(`Left out: ${counted(copies, 'message')} still in a folder (--include-copies).`);
  if (drafts > 0)
    lines.push(
      `Left out: ${counted(drafts, 'draft')} and copies of sent mail with a newer version (--include-drafts).`,
    );
  return lines;
}

function item(text: string, others: readonly number[] = []): number[] {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError('An id is a number, as rainmail undelete list shows it.');
  return [...others, Number(text)];
}
