import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defaults } from '../../src/config/schema.ts';
import { POLICY_NAMES } from '../../src/directory/access/settings.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('the guide says what to do for every stable error code, and for no other', () => {
  const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([a-z.-]+)'/gm)].map(([, code]) => code);
  const explained = [...read('docs/guide/troubleshooting.md').matchAll(/^\| `([a-z.-]+)` \|/gm)].map(
    ([, code]) => code,
  );
  assert.ok(codes.length > 20);
  assert.deepEqual([...explained].sort(), [...codes].sort());
});

test('every setting that the guide names exists', () => {
  const codes = new Set([...read('src/errors.ts').matchAll(/^ {2}\| '([a-z.-]+)'/gm)].map(([, code]) => code));
  for (const name of POLICY_NAMES) codes.add(name);
  const sections = Object.entries(defaults()).filter(([, value]) => typeof value === 'object');
  const setting = new RegExp(`\`(${sections.map(([name]) => name).join('|')})\\.(\\w+)\``, 'g');
  for (const file of globSync('docs/guide/*.md', { cwd: root })) {
    for (const [, section, name] of read(file).matchAll(setting)) {
      if (codes.has(`${section}.${name}`) || name === 'json') continue; // a file
      const settings = (defaults() as unknown as Record<string, Record<string, unknown>>)[section!]!;
      assert.ok(name! in settings, `${file} names ${section}.${name}`);
    }
  }
});

test('every file that a page of the documentation links to is there', () => {
  for (const file of ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]) {
    for (const [, target] of read(file).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      assert.ok(existsSync(join(root, dirname(file), target!)), `${file} links to ${target}`);
    }
  }
});

test('every metric is in the guide, and the guide names no other', () => {
  const source = globSync('src/**/*.ts', { cwd: root }).map(read).join('');
  const metrics = new Set(source.match(/(?<=')rainmail_[a-z0-9_]+(?=')/g));
  assert.ok(metrics.size > 30);
  const pages = globSync('docs/guide/*.md', { cwd: root }).map((file) => [file, read(file)] as const);
  for (const [file, text] of pages)
    for (const [name] of text.matchAll(/\brainmail_[a-z0-9_]+/g)) assert.ok(metrics.has(name), `${file} names ${name}`);
  const listed = read('docs/guide/monitoring.md').split('## All metrics')[1]!;
  for (const name of metrics) assert.ok(listed.includes(`\`${name}\``), `${name} is not in the list of all metrics`);
});
