/**
 * Mail of many people below one directory, as servers keep it and as `rainmail export --all` writes it: `user@domain/` or `domain/user/`. What a
 * person's directory holds may lie in `Maildir`, `.maildir` or `mail` below it.
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { INDEX } from './rainmail-index.ts';
import { fileReason, isFileError } from './source.ts';

export interface Tree {
  readonly address: string;
  readonly path: string;
}

const MAIL_BELOW = ['Maildir', '.maildir', 'mail'];

/** In order of path. @throws Refused `import.unreadable` when there is nobody's mail */
export async function findTrees(path: string): Promise<Tree[]> {
  try {
    const trees: Tree[] = [];
    for (const name of await directories(path)) {
      if (name.includes('@')) trees.push({ address: name, path: await mailOf(join(path, name)) });
      else if (/^[^.].*\./.test(name)) {
        for (const user of await directories(join(path, name))) {
          trees.push({ address: `${user}@${name}`, path: await mailOf(join(path, name, user)) });
        }
      }
    }
    if (trees.length > 0) return trees;
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new Refused('import.unreadable', `${error.path ?? path}: ${fileReason(error)}.`, { cause: error });
  }
  throw new Refused(
    'import.unreadable',
    `${path} holds nobody's mail: each person's must be in a directory such as anna@example.org or example.org/anna.`,
  );
}

async function mailOf(home: string): Promise<string> {
  const entries = await readdir(home);
  if (entries.includes(INDEX) || (entries.includes('cur') && entries.includes('new'))) return home;
  const below = MAIL_BELOW.find((name) => entries.includes(name));
  return below === undefined ? home : join(home, below);
}

async function directories(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const kept: string[] = [];
  for (const entry of entries)
    if (!entry.name.startsWith('.') && (await isDirectory(path, entry))) kept.push(entry.name);
  return kept.sort();
}

async function isDirectory(path: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(join(path, entry.name))).isDirectory();
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false; // it leads nowhere
  }
}
