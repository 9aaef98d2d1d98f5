/** Where and with what was measured. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Conditions {
  readonly date: string;
  readonly machine: string;
  readonly disk: string;
  readonly versions: string;
}

/** @param syncsASecond  fdatasync of 4 KB appends, one after the other */
export async function conditions(
  scratch: string,
  syncsASecond: number,
  versions: readonly string[],
): Promise<Conditions> {
  const model = cpus()[0]?.model ?? 'an unknown processor';
  const system = /^PRETTY_NAME="(.*)"$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GB`;
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: `${cpus().length} cores of ${model.trim()}, ${memory}, ${system}, Linux ${release().split('.', 2).join('.')}`,
    disk: `${output('stat', ['-f', '-c', '%T', scratch])}, ${Math.round(syncsASecond)} fdatasync/s of 4 KB`,
    versions: [`Node.js ${process.versions.node}`, ...versions].join(', '),
  };
}

/** The commit that is measured, with `-dirty` when the tree has more; empty outside of a repository. */
export function commit(): string {
  try {
    return output('git', ['-C', join(import.meta.dirname, '..'), 'describe', '--always', '--dirty']);
  } catch {
    return ''; // an unpacked archive: its version says it
  }
}

function output(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
