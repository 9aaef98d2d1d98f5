import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { importMail } from '../server/admin/import-mail.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print } from './output.ts';
import { perform } from './perform.ts';

export function importCommand(): Command {
  return officeCommand(
    'import',
    'bring mail into an account: an mbox file, a Maildir with its folders, an .eml file, or a folder of these',
    'rainmail import anna@example.org --from /home/anna/Maildir',
  )
    .argument('<account>')
    .requiredOption('--from <path>', 'where the mail is')
    .option('--folder <name>', 'mailbox to put it in (default: INBOX)')
    .action(async (account: string, options: CommonOptions & { from: string; folder?: string }) => {
      const imported = await perform(
        importMail,
        { account, path: resolve(options.from), ...(options.folder === undefined ? {} : { folder: options.folder }) },
        options,
      );
      print(imported, options, () =>
        [
          `Imported ${imported.messages} message${imported.messages === 1 ? '' : 's'} (${formatSize(imported.bytes)}) into ${imported.folders.join(', ') || 'nothing'}.`,
          ...imported.skipped.map(({ where, reason }) => `Left out ${where}: ${reason}`),
        ].join('\n'),
      );
      if (imported.skippedCount > 0) process.exitCode = EXIT.failed;
    });
}
