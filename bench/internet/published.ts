/** Rainmail as it is published and an office installs it: compiled, without its sources. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const checkout = join(import.meta.dirname, '../..');

/** Packs this checkout and unpacks it beside the mail of the benchmark. @returns its command */
export async function published(scratch: string): Promise<string> {
  const folder = join(scratch, 'published');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('npm', ['pack', '--pack-destination', folder], { cwd: checkout });
  const [archive] = await readdir(folder);
  await run('tar', ['-xzf', join(folder, archive!), '-C', folder]);
  const root = join(folder, 'package');
  await symlink(join(checkout, 'node_modules'), join(root, 'node_modules')); // what npm would install
  return join(root, 'bin/rainmail');
}
