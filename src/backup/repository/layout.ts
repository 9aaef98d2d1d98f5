/**
 * A repository on disk: a folder with
 *
 *   repository.json   its format, id, and a check of its key: the only thing in plain text
 *   lock.db           who uses it now (lock.ts)
 *   packs/            chunks, some 8 MB a file (pack.ts)
 *   snapshots/        a manifest for each backup (manifest.ts)
 *
 * Objects never change once they have their name: each is written under a temporary one, synced, renamed, its folder synced. A manifest is
 * written when everything it names is on disk. So whatever breaks a run off leaves whole snapshots, and chunks that the next run finds.
 */
import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../../errors.ts';
import { type DerivedKeys, isKeyFor, keyCheck, type RepositoryKey } from './key.ts';

/** Rises when an older program could not read what a newer one writes. */
const FORMAT = 1;

export interface Layout {
  readonly directory: string;
  /** Random; salts the keys. */
  readonly id: string;
  readonly keys: DerivedKeys;
}

const FACTS = 'repository.json';
const TEMPORARY = '.new';

interface Facts {
  readonly format: number;
  readonly id: string;
  readonly created: string;
  readonly keyCheck: string;
}

export function packsIn(directory: string): string {
  return join(directory, 'packs');
}

export function snapshotsIn(directory: string): string {
  return join(directory, 'snapshots');
}

export function lockIn(directory: string): string {
  return join(directory, 'lock.db');
}

export function isRepository(directory: string): boolean {
  return existsSync(join(directory, FACTS));
}

/** Makes a repository in a folder that is empty or not there yet. @throws Refused `backup.place` */
export async function createLayout(directory: string, key: RepositoryKey): Promise<Layout> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const others = (await readdir(directory)).filter((name) => !OURS.test(name));
  if (others.length > 0) {
    throw new Refused(
      'backup.place',
      `${directory} holds other things (${others.slice(0, 3).join(', ')}): name an empty folder for the backups, or a new one.`,
    );
  }
  for (const folder of [packsIn(directory), snapshotsIn(directory)])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = randomUUID();
  const keys = key.derive(id);
  const facts: Facts = { format: FORMAT, id, created: new Date().toISOString(), keyCheck: keyCheck(keys) };
  // Last: until it is there, this is no repository, and making it can be tried again.
  await writeDurably(directory, FACTS, [Buffer.from(`${JSON.stringify(facts, null, 2)}\n`)]);
  return { directory, id, keys };
}

/** What making a repository that broke off may have left. */
const OURS = /^(packs|snapshots|lost\+found|repository\.json\.new)$/;

/** @throws Refused `backup.missing`, `backup.newer`, `backup.key`, `backup.damaged` */
export async function openLayout(directory: string, key: RepositoryKey): Promise<Layout> {
  const facts = await readFacts(directory);
  const keys = key.derive(facts.id);
  if (!isKeyFor(keys, facts.keyCheck)) {
    throw new Refused(
      'backup.key',
      `This key belongs to another repository, not to ${directory} (id ${facts.id}). Look for the key that was printed when it was made.`,
    );
  }
  return { directory, id: facts.id, keys };
}

async function readFacts(directory: string): Promise<Facts> {
  let text: string;
  try {
    text = await readFile(join(directory, FACTS), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
      throw error;
    throw new Refused(
      'backup.missing',
      `There is no backup repository in ${directory}. Is its disk mounted? “rainmail backup init” makes a new one.`,
    );
  }
  let facts: Partial<Facts>;
  try {
    facts = JSON.parse(text) as Partial<Facts>;
  } catch (error) {
    throw new Refused('backup.damaged', `${join(directory, FACTS)} is damaged: put a copy of it back.`, {
      cause: error,
    });
  }
  const { format, id, created = '', keyCheck } = facts;
  if (typeof format === 'number' && format > FORMAT) {
    throw new Refused(
      'backup.newer',
      `The repository in ${directory} was made by a newer Rainmail (format ${format}, this program knows ${FORMAT}). Install that version or a later one.`,
    );
  }
  if (format !== FORMAT || typeof id !== 'string' || typeof keyCheck !== 'string') {
    throw new Refused('backup.damaged', `${join(directory, FACTS)} is damaged: put a copy of it back.`);
  }
  return { format, id, created, keyCheck };
}

/** Writes a file whole or not at all, durably, name and content. */
export async function writeDurably(folder: string, name: string, parts: readonly Uint8Array[]): Promise<void> {
  await writeWhole(folder, name, parts);
  await syncFolder(folder);
}

/** Writes a file whole or not at all. Its content is durable; its name after {@link syncFolder}. */
export async function writeWhole(folder: string, name: string, parts: readonly Uint8Array[]): Promise<void> {
  const path = join(folder, name);
  const unfinished = path + TEMPORARY;
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
      // Dies before this: a temporary file, removed by the next run or prune.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw explainedDisk(error, folder);
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what runs that broke off were just writing. Only for whoever holds the lock. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const folder of [packsIn(directory), snapshotsIn(directory)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 }); // somebody may have removed it
    for (const name of await readdir(folder)) if (name.endsWith(TEMPORARY)) await rm(join(folder, name));
  }
}

export async function isWritable(directory: string): Promise<boolean> {
  return access(directory, constants.W_OK).then(
    () => true,
    () => false, // that is the answer
  );
}

/** Names in a folder of the repository; none when somebody has removed it, which is as if all its files were lost. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The disk could not give back what was written: to us that is a damaged object, and no reason to stop reading the others. */
export function isUnreadable(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO';
}

/** A full disk, and one that went away, in words for the administrator; everything else as it is. */
function explainedDisk(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Refused(
      'backup.full',
      `The disk of the backups is full (${folder}). Make room, or keep fewer backups and prune.`,
      {
        cause: error,
      },
    );
  }
  return error;
}
