/** Backups: making them, checking them, removing old ones. What each does is told in ../backups.ts. */
import { z } from 'zod';
import { RepositoryKey } from '../../backup/repository/key.ts';
import type { Pruned } from '../../backup/repository/prune.ts';
import type { SnapshotInfo } from '../../backup/repository/repository.ts';
import type { RepositoryVerified } from '../../backup/repository/verify.ts';
import type { BackupMade } from '../../backup/run-job.ts';
import type { RepositoryReady, TestRestored } from '../backups.ts';
import { action } from './action.ts';

const nothing = z.strictObject({});

export const initBackup = action({
  name: 'backup.init',
  input: z.strictObject({
    /** Absolute: the server has a working directory of its own. */
    repository: z.string().startsWith('/'),
    /** Of a repository that is there already. */
    key: z.string().nullable(),
  }),
  run: ({ backups }, { repository, key }, run): Promise<RepositoryReady> =>
    backups.init(repository, key === null ? null : RepositoryKey.parse(key), run),
});

export const runBackup = action({
  name: 'backup.run',
  input: nothing,
  run: ({ backups }, _input, run): Promise<BackupMade> => backups.run(run),
});

export const listBackups = action({
  name: 'backup.list',
  input: nothing,
  run: ({ backups }): Promise<{ snapshots: SnapshotInfo[]; damaged: string[] }> => backups.list(),
});

export const verifyBackups = action({
  name: 'backup.verify',
  input: z.strictObject({ sample: z.number().positive().max(1) }),
  run: ({ backups }, { sample }, run): Promise<RepositoryVerified> => backups.verify(sample, run),
});

export const pruneBackups = action({
  name: 'backup.prune',
  input: z.strictObject({
    daily: z.number().int().positive().optional(),
    weekly: z.number().int().min(0).optional(),
    monthly: z.number().int().min(0).optional(),
  }),
  run({ backups }, { daily, weekly, monthly }, run): Promise<Pruned> {
    return backups.prune(
      {
        ...(daily === undefined ? {} : { daily }),
        ...(weekly === undefined ? {} : { weekly }),
        ...(monthly === undefined ? {} : { monthly }),
      },
      run,
    );
  },
});

export const testBackup = action({
  name: 'backup.test',
  input: nothing,
  run: ({ backups }, _input, run): Promise<TestRestored> => backups.test(run),
});

export const showBackupKey = action({
  name: 'backup.key',
  input: nothing,
  run: ({ backups }, _input, run): Promise<{ repository: string; key: string }> => backups.key(run),
});
