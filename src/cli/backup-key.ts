/** The key of a backup repository comes from a file, standard input or the terminal, never from an argument. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { RepositoryKey } from '../backup/repository/key.ts';
import { Refused } from '../errors.ts';
import { ask, firstLine } from './passwords.ts';

export interface KeyOptions {
  readonly keyFile?: string;
}

export function takesKey(command: Command): Command {
  return command.option(
    '--key-file <file>',
    'file with the backup key; without it the key is asked for, or read from standard input',
  );
}

/** @throws Refused `backup.key` */
export async function chooseKey({ keyFile }: KeyOptions): Promise<RepositoryKey> {
  if (keyFile !== undefined) return RepositoryKey.parse(readKeyFile(keyFile));
  return RepositoryKey.parse(process.stdin.isTTY ? await ask('Backup key: ') : await firstLine('backup key'));
}

/** A file may hold words around the key, as it was printed: the key is its line of 56 letters and digits. */
function readKeyFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refused('backup.key', `${file} can't be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => /^([0-9A-Za-z]{4}[\s-]?){14}$/.test(line)) ?? text;
}
