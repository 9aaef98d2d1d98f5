/** What the documentation tells people to type. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parsed } from '../helpers/understood.ts';

const root = new URL('../../', import.meta.url).pathname;

/** Lines of code that are commands, without what stands behind them for the reader. */
function commands(text: string): string[] {
  const lines = text.match(/^(?: {4})?rainmail .*$/gm) ?? [];
  return lines.map((line) => line.trim().replace(/\s+# .*$/, '')).filter((line) => line !== 'rainmail --version');
}

for (const file of ['README.md', ...globSync('docs/guide/*.md', { cwd: root })]) {
  test(`every command in ${file} is understood`, async () => {
    for (const line of commands(readFileSync(`${root}${file}`, 'utf8'))) {
      let reached: string | undefined;
      try {
        reached = await parsed(line);
      } catch (error) {
        assert.fail(`${line}: ${error}`);
      }
      assert.ok(reached !== undefined, line);
    }
  });
}
