import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { isRepository } from '../backup/repository/layout.ts';
import type { SnapshotInfo } from '../backup/repository/repository.ts';
import { formatSize } from '../config/units.ts';
import {
  initBackup,
  listBackups,
  pruneBackups,
  runBackup,
  showBackupKey,
  testBackup,
  verifyBackups,
} from '../server/admin/backup.ts';
import type { BackupState } from '../server/backups.ts';
import { chooseKey, type KeyOptions, takesKey } from './backup-key.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, print, table } from './output.ts';
import { perform } from './perform.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('backups of everything, into a folder on another disk, encrypted')
    .addCommand(init())
    .addCommand(runNow())
    .addCommand(list())
    .addCommand(verify())
    .addCommand(test())
    .addCommand(prune())
    .addCommand(key());
}

function init(): Command {
  const command = officeCommand(
    'init',
    'choose where the backups go: an empty folder, or a repository that is there already',
    'rainmail backup init --to /mnt/backup/rainmail',
  ).requiredOption('--to <folder>', 'the folder; on another disk than the mail');
  return takesKey(command).action(async (options: CommonOptions & KeyOptions & { to: string }) => {
    const repository = resolve(options.to);
    const given = isRepository(repository) ? (await chooseKey(options)).format() : null;
    const ready = await perform(initBackup, { repository, key: given }, options);
    print(ready, options, () =>
      [
        `Backups go to ${ready.repository}.`,
        ...(ready.key === null ? [] : ['', keyText(ready.key), '']),
        ...(ready.sameDisk
          ? ['WARNING: that is the disk the mail is on. When it dies, the backups die with it: choose another one.']
          : []),
        'The server makes a backup every night (see backup.schedule); make the first one now: rainmail backup run',
      ].join('\n'),
    );
  });
}

function runNow(): Command {
  return officeCommand('run', 'make a backup now, while the server runs', 'rainmail backup run').action(
    async (options: CommonOptions) => {
      const made = await perform(runBackup, {}, options);
      print(made, options, () =>
        [
          `Made the backup ${made.id} of ${formatSize(made.bytes)} in ${seconds(made.milliseconds)}: ${formatSize(made.added)} new, ${formatSize(made.reused)} were there already.`,
          ...made.leftOut.map((file) => `Left out: ${file} can't be read.`),
        ].join('\n'),
      );
      if (made.leftOut.length > 0) process.exitCode = EXIT.failed;
    },
  );
}

function list(): Command {
  return officeCommand('list', 'list the backups', 'rainmail backup list').action(async (options: CommonOptions) => {
    const backups = await perform(listBackups, {}, options);
    const row = ({ id, taken, databaseBytes, segmentBytes, run }: SnapshotInfo) => [
      id,
      timeOf(taken),
      formatSize(databaseBytes + segmentBytes),
      formatSize(run.added),
      seconds(run.milliseconds),
    ];
    print(backups, options, ({ snapshots, damaged }) =>
      [
        table(['backup', 'of', 'size', 'new', 'took'], snapshots.map(row), 'There are no backups yet.'),
        ...damaged.map((id) => `${id} is damaged: “rainmail backup verify” tells more.`),
      ].join('\n'),
    );
    if (backups.damaged.length > 0) process.exitCode = EXIT.failed;
  });
}

function verify(): Command {
  return officeCommand(
    'verify',
    'read the backups and check that they are whole; changes nothing',
    'rainmail backup verify --sample 5%',
  )
    .option('--sample <percent>', 'read only a part, by chance, such as 5%', percent, 1)
    .action(async (options: CommonOptions & { sample: number }) => {
      const verified = await perform(verifyBackups, { sample: options.sample }, options);
      print(verified, options, ({ snapshots, packs, bytesRead, findings, damagedSnapshots }) =>
        [
          `Backups: ${snapshots}, in ${packs} packs; read ${formatSize(bytesRead)}.`,
          ...findings.map(({ object, text }) => `${object}: ${text}`),
          findings.length === 0
            ? 'Everything is whole.'
            : `${findings.length} findings; ${damagedSnapshots.length === 0 ? 'every backup can be restored' : `these backups can't be restored whole: ${damagedSnapshots.join(', ')}`}.`,
        ].join('\n'),
      );
      if (verified.findings.length > 0) process.exitCode = EXIT.failed;
    });
}

function test(): Command {
  return officeCommand(
    'test',
    'restore the newest backup into a scratch folder, check it, and remove it again',
    'rainmail backup test',
  ).action(async (options: CommonOptions) => {
    const tested = await perform(testBackup, {}, options);
    print(tested, options, ({ id, messages, whole, findings }) =>
      [
        whole
          ? `Restored the backup ${id} with ${messages} messages, and read all of it.`
          : `There is no room for a whole restore: restored the database of ${id} with ${messages} messages, and read a part of the rest.`,
        ...findings,
        findings.length === 0 ? 'Everything is whole.' : `${findings.length} findings.`,
      ].join('\n'),
    );
    if (tested.findings.length > 0) process.exitCode = EXIT.failed;
  });
}

function prune(): Command {
  return officeCommand(
    'prune',
    'remove old backups, and give the disk back that only they needed',
    'rainmail backup prune --daily 14',
  )
    .option('--daily <n>', 'days of which the newest backup is kept (default: as configured)', count)
    .option('--weekly <n>', 'and weeks', count)
    .option('--monthly <n>', 'and months', count)
    .action(async (options: CommonOptions & { daily?: number; weekly?: number; monthly?: number }) => {
      const { daily, weekly, monthly } = options;
      const pruned = await perform(
        pruneBackups,
        {
          ...(daily === undefined ? {} : { daily }),
          ...(weekly === undefined ? {} : { weekly }),
          ...(monthly === undefined ? {} : { monthly }),
        },
        options,
      );
      print(pruned, options, ({ snapshotsRemoved, snapshotsKept, bytesFreed, damagedPacks }) =>
        [
          `Backups removed: ${snapshotsRemoved.length}, kept: ${snapshotsKept}; ${formatSize(Math.max(0, bytesFreed))} of the disk are free again.`,
          ...damagedPacks.map((pack) => `packs/${pack}.pack is damaged and was left as it is: rainmail backup verify`),
        ].join('\n'),
      );
    });
}

function key(): Command {
  return officeCommand('key', 'show the key of the backups, to print it', 'rainmail backup key').action(
    async (options: CommonOptions) => {
      const shown = await perform(showBackupKey, {}, options);
      print(shown, options, () => keyText(shown.key));
    },
  );
}

function keyText(text: string): string {
  return [
    'The key of the backups, without which nobody can read them, not even you. Print it, and keep it on paper away from this machine:',
    '',
    `  ${text}`,
  ].join('\n');
}

/** One sentence on the last backup. */
export function backupText({ repository, last, failure, overdue, tested }: BackupState): string {
  if (repository === null) return 'No backups are made: rainmail backup init --to FOLDER';
  const parts = [
    last === null
      ? `No backup was made yet (to ${repository}).`
      : `The last backup is of ${timeOf(last.taken)}, ${formatSize(last.bytes)} in ${repository}.`,
    ...(overdue ? ['IT IS OVERDUE.'] : []),
    ...(failure === null ? [] : [`The last try, ${timeOf(failure.at)}, failed: ${failure.text}`]),
    ...(tested === null
      ? []
      : [
          `A restore was tried ${timeOf(tested.at)}: ${tested.findings.length === 0 ? 'everything was whole' : `${tested.findings.length} findings, see rainmail backup test`}.`,
        ]),
  ];
  return parts.join(' ');
}

function timeOf(seconds: number): string {
  return localTime(seconds * 1_000, 'seconds');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

function percent(text: string): number {
  const part = Number(text.replace(/%$/, '')) / 100;
  if (!(part > 0 && part <= 1)) throw new InvalidArgumentError('Write it like 5%.');
  return part;
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}
