import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { verify } from '../server/admin/verify.ts';
import type { Finding } from '../store/verify/verify.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print } from './output.ts';
import { perform } from './perform.ts';

export function verifyCommand(): Command {
  return officeCommand(
    'verify',
    'read everything that is stored and check that it is whole; changes nothing',
    'rainmail verify --json',
  ).action(async (options: CommonOptions) => {
    const { accounts, messages, bodyBytes, findings, cut } = await perform(verify, {}, options);
    print({ accounts, messages, bodyBytes, findings, cut }, options, () =>
      [
        `Checked ${accounts} accounts with ${messages} messages, ${formatSize(bodyBytes)}.`,
        ...findings.map(describe),
        findings.length === 0 ? 'Everything is whole.' : `${findings.length}${cut ? ' or more' : ''} findings.`,
      ].join('\n'),
    );
    if (findings.length > 0) process.exitCode = EXIT.failed;
  });
}

/** `anna@example.org, INBOX, UID 7: ... (body)` */
function describe({ account, mailbox, uid, code, text }: Finding): string {
  const where = [account ?? 'the installation', mailbox, uid === undefined ? undefined : `UID ${uid}`];
  return `${where.filter((part) => part !== undefined).join(', ')}: ${text} (${code})`;
}
