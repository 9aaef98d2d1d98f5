/** Builds disk.c, which stands between a server and its disk. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsTool } from '../helpers/tools.ts';

/** @returns the library for LD_PRELOAD; undefined where there is no compiler or no Linux: then the test is skipped, aloud */
export function buildDisk(t: TestContext, folder: string): string | undefined {
  if (process.platform !== 'linux') {
    t.skip('the disk of a process is watched by LD_PRELOAD, on Linux');
    return undefined;
  }
  const gcc = needsTool(t, 'gcc');
  if (gcc === undefined) return undefined;
  const library = join(folder, 'disk.so');
  const source = fileURLToPath(new URL('disk.c', import.meta.url));
  execFileSync(gcc, ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl', '-lpthread']);
  return library;
}
