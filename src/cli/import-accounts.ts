import { type Command, Option } from 'commander';
import type { ImportReport } from '../directory/import-accounts.ts';
import { PEOPLE_FORMATS, type PeopleFormat } from '../directory/people/file.ts';
import { checkAccounts, importAccounts } from '../server/admin/import-accounts.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, EXIT, print } from './output.ts';
import { perform } from './perform.ts';
import { readTextFile } from './text-file.ts';

interface ImportOptions extends CommonOptions {
  readonly format?: PeopleFormat;
  readonly domain?: string;
  readonly passwd?: string;
  readonly update?: true;
  readonly check?: true;
}

/** How a table is saved so that it can be read. */
const AS_UTF8 = '"CSV UTF-8" and import it again';

export function importAccountsCommand(): Command {
  return officeCommand(
    'import',
    'add the people of a file: CSV, or the passwords of another server with their hashes',
    'rainmail account import people.csv --check',
  )
    .argument('<file>')
    .addOption(new Option('--format <format>', 'what it is (default: as it looks)').choices(PEOPLE_FORMATS))
    .option('--domain <domain>', 'of names that have none')
    .option('--passwd <file>', 'beside a shadow file: the passwd file, for the names of people')
    .option('--update', 'bring accounts that are there up to date')
    .option('--check', 'only try it, and tell what would be done')
    .action(async (file: string, options: ImportOptions) => {
      const { format, domain, passwd, update, check } = options;
      const input = {
        text: readTextFile(file, AS_UTF8),
        ...(format === undefined ? {} : { format }),
        ...(domain === undefined ? {} : { domain }),
        ...(passwd === undefined ? {} : { passwd: readTextFile(passwd, AS_UTF8) }),
        ...(update === undefined ? {} : { update }),
      };
      const report = await perform(check === true ? checkAccounts : importAccounts, input, options);
      print(report, options, () => told(file, report, check === true));
      if (report.refused > 0 || report.interrupted) process.exitCode = EXIT.failed;
    });
}

function told(file: string, report: ImportReport, check: boolean): string {
  const { added, updated, there, skipped, refused, problems, unknownColumns, interrupted } = report;
  const verb = check ? 'Would add' : 'Added';
  return [
    `${verb} ${counted(added, 'account')}.`,
    ...(updated > 0 ? [`${check ? 'Would bring' : 'Brought'} ${counted(updated, 'account')} up to date.`] : []),
    ...(there > 0
      ? [
          `Left ${counted(there, 'account')} alone that ${there === 1 ? 'is' : 'are'} there already (--update brings them up to date).`,
        ]
      : []),
    ...(skipped > 0 ? [`Left out ${counted(skipped, 'name')} nobody signs in with.`] : []),
    ...(unknownColumns.length > 0 ? [`Columns that were not read: ${unknownColumns.join(', ')}.`] : []),
    ...(interrupted ? ['It was interrupted: run it again to go on.'] : []),
    ...(refused > 0 ? [`${counted(refused, 'row')} could not be taken:`] : []),
    ...problems.map(({ line, address, text }) => `${file}:${line}: ${address}${address === '' ? '' : ': '}${text}`),
    ...(refused > problems.length ? ['and more'] : []),
  ].join('\n');
}
