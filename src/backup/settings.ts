/**
 * Where a data directory's backups go, and their key: `backup.json` in it, for its owner alone, so that nightly runs need nobody. It is
 * not part of a backup: a restored copy must not go on writing into the repository of the server it was copied from.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { RepositoryKey } from './repository/key.ts';
import { writeDurably } from './repository/layout.ts';

export const BACKUP_SETTINGS = 'backup.json';

export interface BackupSettings {
  /** Folder of the repository, absolute. */
  readonly repository: string;
  readonly key: RepositoryKey;
  /** ISO 8601: since when backups are to be expected. */
  readonly since: string;
}

/** @returns undefined when there are none. @throws Refused `backup.key` when the file is damaged */
export async function readBackupSettings(data: string): Promise<BackupSettings | undefined> {
  let text: string;
  try {
    text = await readFile(join(data, BACKUP_SETTINGS), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { repository, key, since } = JSON.parse(text) as { repository: string; key: string; since: string };
    return { repository, key: RepositoryKey.parse(key), since };
  } catch (error) {
    throw new Refused(
      'backup.key',
      `${join(data, BACKUP_SETTINGS)} is damaged. Remove it, and give the key from your paper: rainmail backup init --to FOLDER`,
      { cause: error },
    );
  }
}

export async function writeBackupSettings(data: string, { repository, key, since }: BackupSettings): Promise<void> {
  const text = JSON.stringify({ repository, key: key.format(), since }, null, 2);
  await writeDurably(data, BACKUP_SETTINGS, [Buffer.from(`${text}\n`)]);
}
