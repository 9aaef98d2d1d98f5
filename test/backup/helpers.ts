/** A repository in a folder of its own, and backups of stores. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { RepositoryKey } from '../../src/backup/repository/key.ts';
import { type OpenRepositoryOptions, Repository } from '../../src/backup/repository/repository.ts';
import type { Snapshot } from '../../src/backup/repository/snapshot.ts';
import { runBackup } from '../../src/backup/run.ts';
import type { BackupMade } from '../../src/backup/run-job.ts';
import { segmentPath } from '../../src/store/bodies/segment-file.ts';
import type { MailStore } from '../../src/store/store.ts';
import { temporaryFolder } from '../store/helpers.ts';

export interface Place {
  readonly directory: string;
  readonly key: RepositoryKey;
}

export async function emptyRepository(t: TestContext): Promise<Place> {
  const directory = join(await temporaryFolder(t), 'repository');
  const key = RepositoryKey.generate();
  await Repository.create(directory, key);
  return { directory, key };
}

/** Uses an opened repository and closes it. */
export async function using<T>(
  { directory, key }: Place,
  use: OpenRepositoryOptions['use'],
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const repository = await Repository.open(directory, key, { command: 'test', use: use ?? 'read' });
  try {
    return await work(repository);
  } finally {
    repository.close();
  }
}

export function backUp(place: Place, store: Pick<MailStore, 'snapshots'>): Promise<BackupMade> {
  return using(place, 'add', (repository) => runBackup({ store, files: [], version: 'test' }, repository));
}

/** Writes the database and all segments of a snapshot into a data directory, made for it. */
export async function materialise(snapshot: Snapshot, data: string): Promise<void> {
  const segments = join(data, 'segments');
  await mkdir(segments, { recursive: true });
  await snapshot.write([
    { kind: 'database', path: join(data, 'mail.db') },
    ...snapshot.segments.map(({ id }) => ({ kind: 'segment' as const, id, path: segmentPath(segments, id) })),
  ]);
}
