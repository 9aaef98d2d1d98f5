import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { status } from '../server/admin/status.ts';
import { backupText } from './backup.ts';
import { certificateText } from './certificate.ts';
import { ldapStateText } from './ldap.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print } from './output.ts';
import { perform } from './perform.ts';

export function statusCommand(): Command {
  return officeCommand('status', 'what the office holds and whether its server runs', 'rainmail status').action(
    async (options: CommonOptions) => {
      const now = await perform(status, {}, options);
      print(now, options, () =>
        [
          now.server === null
            ? 'The server does not run.'
            : `The server runs (process ${now.server.pid}, version ${now.server.version}, since ${now.server.started}).`,
          ...(now.server?.listening ?? []).map(
            ({ service, address, port }) => `  ${service} on ${address} port ${port}`,
          ),
          `${now.data}: ${now.domains} domains, ${now.accounts} accounts, ${now.messages} messages, ${formatSize(now.bytes)}; ${formatSize(now.freeBytes)} of the disk are free.`,
          backupText(now.backup),
          ...(now.certificates ?? []).map(certificateText),
          ...(now.ldap === null ? [] : [ldapStateText(now.ldap)]),
          ...(now.trial ? ['This is a trial office: it takes no real domains.'] : []),
        ].join('\n'),
      );
    },
  );
}
