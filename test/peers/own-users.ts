/** Users that servers of the distribution run as, for the processes in the test's own network: the machine has none of them afterwards. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Far from those of the machine. */
const FIRST_ID = 64_100;

/** Makes users, each with a group of its name, and more groups; seen in this network alone. @param folder  keeps the files */
export async function addUsers(folder: string, names: readonly string[]): Promise<void> {
  for (const [file, line] of [
    ['passwd', (name: string, id: number) => `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin`],
    ['group', (name: string, id: number) => `${name}:x:${id}:`],
  ] as const) {
    const known = await readFile(`/etc/${file}`, 'utf8');
    const lines = names
      .filter((name) => !new RegExp(`^${name}:`, 'm').test(known))
      .map((name) => line(name, FIRST_ID + names.indexOf(name)));
    const own = join(folder, file);
    await writeFile(own, `${known.trimEnd()}\n${lines.join('\n')}\n`);
    mount('--bind', own, `/etc/${file}`);
  }
}

/** An empty folder in place of one of the machine, seen in this network alone. */
export function emptied(folder: string): void {
  mount('-t', 'tmpfs', '-o', 'mode=755', 'none', folder);
}

export function mount(...args: readonly string[]): void {
  execFileSync('mount', args);
}
