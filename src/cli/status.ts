import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { type Status, status } from '../server/admin/status.ts';
import { backupText } from './backup.ts';
import { certificateText } from './certificate.ts';
import { ldapStateText } from './ldap.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, oneLine, print } from './output.ts';
import { perform } from './perform.ts';

export function statusCommand(): Command {
  return officeCommand('status', 'what the office holds and whether its server runs', 'rainmail status').action(
    async (options: CommonOptions) => {
      const now = await perform(status, {}, options);
      print(now, options, () =>
        [
          now.server === null
            ? 'The server does not run.'
            : `The server runs (process ${now.server.pid}, version ${now.server.version}, since ${localTime(now.server.started)}).`,
          ...(now.server?.listening ?? []).map(
            ({ service, address, port }) => `  ${service} on ${address} port ${port}`,
          ),
          `${now.data}: ${counted(now.domains, 'domain')}, ${counted(now.accounts, 'account')}, ${counted(now.messages, 'message')}, ${formatSize(now.bytes)}; ${formatSize(now.freeBytes)} of the disk are free.`,
          ...(now.diskLow ? ['The disk is nearly full: no mail is taken in until there is room (store.reserve).'] : []),
          ...(now.server?.alarms ?? []).map(oneLine),
          queueText(now.queue),
          backupText(now.backup),
          ...(now.certificates ?? []).map(certificateText),
          ...(now.ldap === null ? [] : [ldapStateText(now.ldap)]),
          ...(now.trial ? ['This is a trial office: it takes no real domains.'] : []),
        ].join('\n'),
      );
    },
  );
}

function queueText({ messages, recipients, held, oldest }: Status['queue']): string {
  if (oldest === null) return 'Nothing waits in the queue.';
  const some = held === 0 ? '' : `, of which ${held} are held`;
  return `In the queue: ${counted(messages, 'message')} for ${counted(recipients, 'recipient')}${some}, the oldest of ${localTime(oldest)}.`;
}
