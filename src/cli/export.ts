import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { formatSize } from '../config/units.ts';
import { type AllExported, exportAll, exportMail } from '../server/admin/export-mail.ts';
import type { ExportReport } from '../transfer/export.ts';
import { FORMATS, type Format } from '../transfer/rainmail-index.ts';
import { type CommonOptions, officeCommand, pastMoment } from './options.ts';
import { counted, EXIT, print, table } from './output.ts';
import { perform } from './perform.ts';

interface ExportOptions extends CommonOptions {
  readonly to: string;
  readonly as: Format;
  readonly folder?: string;
  readonly since?: number;
  readonly crlf?: boolean;
  readonly all?: boolean;
}

export function exportCommand(): Command {
  const command = officeCommand(
    'export',
    'write the mail of an account into files, with its flags, dates and message ids; run it again and only what is new is written',
    'rainmail export anna@example.org --to /srv/anna --as maildir',
  );
  return command
    .argument('[account]', 'whose mail')
    .requiredOption('--to <dir>', 'where to: an empty directory, a new one, or that of an earlier export')
    .addOption(new Option('--as <format>', 'the form it takes').choices(FORMATS).default('maildir'))
    .option('--folder <name>', 'only this folder and those below it')
    .option('--since <when>', 'only what came since: a time ago (30d), or a date (2026-11-20)', pastMoment)
    .option('--crlf', 'lines end in CRLF in the files, as in the messages (.eml files always have it)')
    .option('--all', 'everybody’s mail: a directory for each account')
    .action(async (account: string | undefined, options: ExportOptions) => {
      const { all = false, folder } = options;
      if ((account === undefined) !== all) command.error('error: name an account, or --all');
      if (all && folder !== undefined) command.error('error: --folder is for one account');
      const input = {
        ...{ directory: resolve(options.to), format: options.as, crlf: options.crlf === true },
        ...(options.since === undefined ? {} : { since: options.since }),
      };
      if (all) return printAll(await perform(exportAll, input, options), options);
      const wanted = { ...input, account: account!, ...(folder === undefined ? {} : { folder }) };
      printOne(await perform(exportMail, wanted, options), options);
    });
}

function printOne(report: ExportReport, options: ExportOptions): void {
  print(report, options, ({ folders, messages, bytes }) => {
    const rows = folders.map(({ folder, path, messages: there, written, before, leftOut, bytes: size }) => {
      return [folder, ...[there, written, before, leftOut].map(String), formatSize(size), path || '.'];
    });
    const heads = ['FOLDER', 'IN THE ACCOUNT', 'WRITTEN', 'BEFORE', 'LEFT OUT', 'SIZE', 'IN'];
    const whole = `Wrote ${counted(messages, 'message')} (${formatSize(bytes)}) to ${resolve(options.to)}.`;
    return [table(heads, rows, 'Nothing.'), whole, ...troubles(report)].join('\n');
  });
  if (report.skippedCount > 0 || report.interrupted) process.exitCode = EXIT.failed;
}

function printAll(result: AllExported, options: ExportOptions): void {
  print(result, options, ({ accounts, interrupted }) => {
    const rows = accounts.map(({ account, path, report }) => {
      const before = report?.folders.reduce((sum, folder) => sum + folder.before, 0) ?? 0;
      const counts =
        report === null ? ['', '', '', ''] : [report.messages, formatSize(report.bytes), before, report.skippedCount];
      return [account, ...counts.map(String), path];
    });
    const lines = [table(['ACCOUNT', 'WRITTEN', 'SIZE', 'BEFORE', 'LEFT OUT', 'IN'], rows, 'There are no accounts.')];
    for (const { account, report, problem } of accounts) {
      if (problem !== null) lines.push(`${account}: ${problem}`);
      for (const each of report?.skipped ?? []) lines.push(`${account}: Left out ${each.where}: ${each.reason}`);
    }
    if (interrupted) lines.push(STOPPED);
    return lines.join('\n');
  });
  const failed = result.accounts.some(({ report, problem }) => problem !== null || (report?.skippedCount ?? 0) > 0);
  if (failed || result.interrupted) process.exitCode = EXIT.failed;
}

/** What differs between the account and the files. */
function troubles({ skipped, skippedCount, interrupted }: ExportReport): string[] {
  const lines = skipped.map(({ where, reason }) => `Left out ${where}: ${reason}`);
  if (skippedCount > skipped.length) lines.push(`And ${skippedCount - skipped.length} more were left out.`);
  if (interrupted) lines.push(STOPPED);
  return lines;
}

const STOPPED = 'It was stopped. Run it again: it goes on where it was.';
