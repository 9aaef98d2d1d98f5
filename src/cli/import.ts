import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { importMail, importTree, planImport, type TreeImported } from '../server/admin/import-mail.ts';
import type { ImportReport } from '../transfer/import.ts';
import type { FolderReport } from '../transfer/import-folder.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, EXIT, print, table } from './output.ts';
import { perform } from './perform.ts';

interface ImportOptions extends CommonOptions {
  readonly from?: string;
  readonly all?: string;
  readonly folder?: string;
  readonly uidlFormat?: string;
  readonly again?: boolean;
  readonly check?: boolean;
}

export function importCommand(): Command {
  const command = officeCommand(
    'import',
    'bring mail from files into an account: a Maildir with its folders, mbox files, .eml files, or a directory of these; run it again and ' +
      'only what is new comes',
    'rainmail import anna@example.org --from /home/anna/Maildir',
  );
  return command
    .argument('[account]', 'whose mail it is')
    .option('--from <path>', 'where the mail is')
    .option('--all <dir>', 'bring the mail of everybody: a directory with anna@example.org/ or example.org/anna/ in it')
    .option(
      '--folder <name>',
      'put it in this folder, and what has folders below it (default: INBOX, and folders beside it)',
    )
    .option(
      '--uidl-format <format>',
      'message ids that the old POP3 server gave: %u UID, %v UIDVALIDITY, %f file (default for mail of Dovecot: %08Xu%08Xv)',
    )
    .option('--again', 'bring again what was brought before')
    .option('--check', 'only say what would be brought')
    .action(async (account: string | undefined, options: ImportOptions) => {
      const { from, all } = options;
      if ((account === undefined) !== (from === undefined) || (account === undefined) === (all === undefined)) {
        command.error('error: name an account and --from PATH, or --all DIR');
      }
      if (all !== undefined) await importAll(resolve(all), options);
      else if (options.check === true) await showPlan(account!, resolve(from!), options);
      else await importOne(account!, resolve(from!), options);
    });
}

async function importOne(account: string, path: string, options: ImportOptions): Promise<void> {
  const report = await perform(importMail, { account, path, ...wanted(options) }, options);
  print(report, options, () => [reportTable(report.folders), ...reportLines(report)].join('\n'));
  if (report.skippedCount > 0 || report.interrupted) process.exitCode = EXIT.failed;
}

async function showPlan(account: string, path: string, options: ImportOptions): Promise<void> {
  const plan = await perform(planImport, { account, path, ...wantedFolder(options) }, options);
  print(plan, options, ({ folders, skipped }) => {
    const rows = folders.map(({ folder, mailbox, kind, messages, bytes }) => {
      return [
        folder || '(top)',
        mailbox,
        kind,
        messages === null ? '' : String(messages),
        bytes === 0 ? '' : formatSize(bytes),
      ];
    });
    const text = table(['IN THE FILES', 'IN THE ACCOUNT', 'KIND', 'MESSAGES', 'SIZE'], rows, 'Nothing.');
    return [text, ...skipped.map(leftOutLine), 'Nothing was brought (--check).'].join('\n');
  });
  if (plan.skipped.length > 0) process.exitCode = EXIT.failed;
}

async function importAll(path: string, options: ImportOptions): Promise<void> {
  const { again, ...rest } = wanted(options);
  const result = await perform(importTree, { path, check: options.check === true, again, ...rest }, options);
  print(result, options, (done) => treeText(done, options.check === true));
  const failed = result.accounts.some(({ report, problem }) => problem !== null || (report?.skippedCount ?? 0) > 0);
  if (failed || result.unknown.length > 0 || result.interrupted) process.exitCode = EXIT.failed;
}

function treeText({ accounts, unknown, interrupted }: TreeImported, check: boolean): string {
  const rows = accounts.map(({ account, path, report }) => {
    const before = report?.folders.reduce((sum, folder) => sum + folder.before, 0) ?? 0;
    const counts =
      report === null ? ['', '', '', ''] : [report.messages, formatSize(report.bytes), before, report.skippedCount];
    return [account, ...counts.map(String), path];
  });
  const lines = [
    table(['ACCOUNT', 'BROUGHT', 'SIZE', 'BEFORE', 'LEFT OUT', 'FROM'], rows, 'No account has mail there.'),
  ];
  for (const { account, problem } of accounts) if (problem !== null) lines.push(`${account}: ${problem}`);
  for (const { path, address } of unknown) {
    lines.push(`${path} was left alone: there is no account ${address}. Add it, then run this again.`);
  }
  for (const { account, report } of accounts) {
    for (const each of report?.skipped ?? []) lines.push(`${account}: ${leftOutLine(each)}`);
  }
  if (check) lines.push('Nothing was brought (--check).');
  if (interrupted) lines.push(STOPPED);
  return lines.join('\n');
}

function reportTable(folders: readonly FolderReport[]): string {
  const rows = folders.map((folder) => {
    const { mailbox, found, brought, bytes, before, leftOut, there } = folder;
    const from = folder.folder === '' || folder.folder === mailbox ? '' : folder.folder;
    return [mailbox, ...[found, brought, before, leftOut, there].map(String), formatSize(bytes), from];
  });
  const heads = ['FOLDER', 'IN THE FILES', 'BROUGHT', 'BEFORE', 'LEFT OUT', 'THERE NOW', 'SIZE', 'FROM'];
  const named = rows.some((row) => row.at(-1) !== '');
  return table(named ? heads : heads.slice(0, -1), named ? rows : rows.map((row) => row.slice(0, -1)), 'Nothing.');
}

/** The whole, and what differs between the source and the account. */
function reportLines(report: ImportReport): string[] {
  const { messages, bytes, folders, skipped, skippedCount, interrupted } = report;
  const lines = [`Brought ${counted(messages, 'message')} (${formatSize(bytes)}).`];
  for (const { mailbox, brought, before, there, flagsChanged, newUidls } of folders) {
    const gone = brought + before - there;
    if (gone > 0)
      lines.push(
        `${mailbox}: ${counted(gone, 'message')} brought before ${gone === 1 ? 'was' : 'were'} moved or removed here since.`,
      );
    if (flagsChanged > 0)
      lines.push(`${mailbox}: flags of ${counted(flagsChanged, 'message')} were changed as in the files.`);
    if (newUidls > 0)
      lines.push(
        `${mailbox}: ${counted(newUidls, 'message')} got a new id for POP3; the old one is taken in this mailbox.`,
      );
  }
  lines.push(...skipped.map(leftOutLine));
  if (skippedCount > skipped.length) lines.push(`And ${skippedCount - skipped.length} more were left out.`);
  if (interrupted) lines.push(STOPPED);
  return lines;
}

const STOPPED = 'It was stopped. Run it again: it goes on where it was.';

function leftOutLine({ where, reason }: { readonly where: string; readonly reason: string }): string {
  return `Left out ${where}: ${reason}`;
}

function wanted(options: ImportOptions) {
  const { uidlFormat, again = false } = options;
  return { ...wantedFolder(options), ...(uidlFormat === undefined ? {} : { uidlFormat }), again };
}

function wantedFolder({ folder }: ImportOptions) {
  return folder === undefined ? {} : { folder };
}
