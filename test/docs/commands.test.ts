/** What the documentation tells people to type. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../src/config/load.ts';
import { parsed } from '../helpers/understood.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

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

/** In fences, or indented: what begins with a section or a setting. */
function settings(text: string): string[] {
  const fenced = [...text.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const indented = (text.match(/(?:^ {4}.*\n|^\n(?= {4}))+/gm) ?? []).map((block) => block.replace(/^ {4}/gm, ''));
  return [...fenced, ...indented.filter((block) => /^\s*(?:\[\[?[a-z]\w*\]|\w+ = )/.test(block))];
}

test('every setting in the examples of the guide is taken', () => {
  let count = 0;
  for (const file of globSync('docs/guide/*.md', { cwd: root })) {
    for (const example of settings(readFileSync(`${root}${file}`, 'utf8'))) {
      assert.doesNotThrow(() => parseConfig(example, file), example);
      count++;
    }
  }
  assert.ok(count > 10);
});
