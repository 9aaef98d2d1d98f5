import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { repair, verify } from '../server/admin/verify.ts';
import type { Repaired } from '../store/repair/repair.ts';
import { isMendable } from '../store/verify/finding.ts';
import type { Finding, Verified } from '../store/verify/verify.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print } from './output.ts';
import { perform } from './perform.ts';

interface VerifyCommandOptions extends CommonOptions {
  readonly repair?: boolean;
}

export function verifyCommand(): Command {
  return officeCommand(
    'verify',
    'read everything that is stored and check that it is whole; changes nothing, unless --repair is given',
    'rainmail verify\n  rainmail verify --repair',
  )
    .option('--repair', 'set right what can be, and list what can’t')
    .action(async (options: VerifyCommandOptions) => {
      if (options.repair === true) await mend(options);
      else await check(options);
    });
}

async function check(options: CommonOptions): Promise<void> {
  const verified = await perform(verify, {}, options);
  const { accounts, messages, bodyBytes, findings, cut } = verified;
  print({ accounts, messages, bodyBytes, findings, cut }, options, () => {
    const mendable = findings.filter(isMendable).length;
    return [
      ...checked(verified),
      ...(mendable > 0 ? [`${mendable} of them can be set right: rainmail verify --repair`] : []),
      ...(mendable < findings.length ? [LOST] : []),
    ].join('\n');
  });
  if (findings.length > 0) process.exitCode = EXIT.failed;
}

async function mend(options: CommonOptions): Promise<void> {
  const repaired = await perform(repair, {}, options);
  const { found, mended, left, fileDamaged } = repaired;
  print({ found: found.findings.length, mended, left, fileDamaged }, options, () => text(repaired));
  if (left.length > 0) process.exitCode = EXIT.failed;
}

function text({ found, mended, left, fileDamaged }: Repaired): string {
  if (found.findings.length === 0) return checked(found).join('\n');
  if (fileDamaged) return [...checked(found), STOP_FIRST].join('\n');
  return [
    `Checked ${found.accounts} accounts with ${found.messages} messages, ${formatSize(found.bodyBytes)}.`,
    ...mended.map(describe),
    `${mended.length} things were set right.`,
    ...(left.length === 0
      ? ['Everything is whole.']
      : [...left.map(describe), `${left.length} are as they were.`, LOST]),
  ].join('\n');
}

const LOST = `What is lost of a message, a backup may have: rainmail restore mail ACCOUNT --help`;
const STOP_FIRST = `The database's own file is damaged. Stop the server, and run this again: it saves what can be read into a new file.`;

function checked({ accounts, messages, bodyBytes, findings, cut }: Verified): string[] {
  return [
    `Checked ${accounts} accounts with ${messages} messages, ${formatSize(bodyBytes)}.`,
    ...findings.map(describe),
    findings.length === 0 ? 'Everything is whole.' : `${findings.length}${cut ? ' or more' : ''} findings.`,
  ];
}

/** `anna@example.org, INBOX, UID 7: ... (body)` */
function describe({ account, mailbox, uid, code, text }: Finding): string {
  const where = [account ?? 'the installation', mailbox, uid === undefined ? undefined : `UID ${uid}`];
  return `${where.filter((part) => part !== undefined).join(', ')}: ${text} (${code})`;
}
