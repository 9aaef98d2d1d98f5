/** Takes a backup of a store while it goes on. */
import type { OnProgress } from '../progress.ts';
import type { MailStore } from '../store/store.ts';
import type { Repository } from './repository/repository.ts';
import type { BackupMade } from './run-job.ts';
import { inWorker } from './worker-client.ts';

export interface BackupSource {
  readonly store: Pick<MailStore, 'snapshots'>;
  /** Other files to keep: name in the snapshot, and path. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  /** Of this Rainmail. */
  readonly version: string;
}

/**
 * @param repository  open to add
 * @throws Refused `backup.full`, `backup.busy`, `backup.stopped`; the next run uses what was stored
 */
export async function runBackup(
  { store, files, version }: BackupSource,
  repository: Repository,
  { progress, signal }: { readonly progress?: OnProgress; readonly signal?: AbortSignal } = {},
): Promise<BackupMade> {
  const snapshot = await store.snapshots.take(signal);
  try {
    const { storeId, taken, databaseFile, databaseBytes, segments } = snapshot;
    return await inWorker(
      {
        kind: 'run',
        layout: repository.layout,
        version,
        taken,
        storeId,
        database: { file: databaseFile, bytes: databaseBytes },
        segments,
        files,
      },
      {
        databaseRead: () => snapshot.thaw(),
        ...(progress === undefined ? {} : { progress }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
  } finally {
    await snapshot.release();
  }
}
