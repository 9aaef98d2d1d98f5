/** Tools of the operating system that some tests drive. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * Where a command is. Without it the test is skipped, aloud: `const mbsync = needsTool(t, 'mbsync'); if (!mbsync) return;`
 * (.ci/run installs them all and fails on a skip.)
 */
export function needsTool(t: TestContext, command: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  t.skip(`${command} is not installed`);
  return undefined;
}
