import type { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import { Refused } from '../errors.ts';
import { type RepairedBy, repair, verify } from '../server/admin/verify.ts';
import { nowSeconds } from '../store/ids.ts';
import type { Repaired } from '../store/repair/repair.ts';
import { type Salvaged, salvage } from '../store/repair/salvage.ts';
import { isMendable } from '../store/verify/finding.ts';
import type { Finding, Verified } from '../store/verify/verify.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print } from './output.ts';
import { actor, type PerformOptions, perform } from './perform.ts';
import { showProgress } from './progress.ts';

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
  const { salvaged, repaired } = await repairOffice(options);
  const { found, mended = [], left = [], fileDamaged = true } = repaired ?? {};
  print({ salvaged, found: found?.findings.length ?? 0, mended, left, fileDamaged }, options, () =>
    [...(salvaged === null ? [] : told(salvaged)), ...(repaired === undefined ? [] : [text(repaired)])].join('\n'),
  );
  if (left.length > 0 || fileDamaged || salvaged !== null) process.exitCode = EXIT.failed;
}

export interface OfficeRepaired {
  /** Null when the database could be used as it was. */
  readonly salvaged: Salvaged | null;
  /** Undefined when there is no database that could be mended. */
  readonly repaired: RepairedBy | undefined;
}

/** A database that can't be opened, or whose file is damaged, is saved into a new one first: here, since no server can have it open then. */
export async function repairOffice(options: PerformOptions): Promise<OfficeRepaired> {
  const repaired = await repairIfOpened(options);
  if (repaired !== undefined && (!repaired.fileDamaged || repaired.byServer)) return { salvaged: null, repaired };
  const salvaged = await save(options);
  return { salvaged, repaired: salvaged.rows === null ? undefined : await perform(repair, {}, options) };
}

/** Undefined when the store can't be opened because it is damaged. */
async function repairIfOpened(options: PerformOptions): Promise<RepairedBy | undefined> {
  try {
    return await perform(repair, {}, options);
  } catch (error) {
    if (error instanceof Refused && error.code === 'store.damaged') return undefined;
    throw error;
  }
}

async function save(options: PerformOptions): Promise<Salvaged> {
  const progress = showProgress(options);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error('Interrupted. Nothing was changed; run this again.'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const now = nowSeconds();
    return await salvage(options.data, { actor: actor(), now, onProgress: progress.show, signal: interrupted.signal });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    progress.end();
  }
}

function told({ rows, lostPages, lostRows, keptAs, bodiesFound, lostAndFound }: Salvaged): string[] {
  const found =
    bodiesFound === 0
      ? []
      : [
          `${bodiesFound} messages that no row tells of are in ${lostAndFound}, as .eml files. They may be put into an account`,
          `again (rainmail import ACCOUNT ${lostAndFound}). Among them is mail that had been deleted.`,
        ];
  if (rows === null) {
    return [
      `There is no database in this directory, only the content of messages. Who had which, only a backup knows:`,
      `rainmail restore server --help`,
      ...found,
    ];
  }
  return [
    `The database was damaged. ${rows} rows were saved into a new one; ${lostRows} rows and ${lostPages} pages could not be read.`,
    ...(keptAs === null ? [] : [`The damaged one is kept as ${keptAs}: remove it when everything is well.`]),
    ...found,
    'Whether a backup has more: rainmail restore --help',
  ];
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

const LOST = `What is lost of a message, a backup may have: rainmail restore mail ACCOUNT (it is given back where it is)`;
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
