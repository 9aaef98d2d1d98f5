/** scripts/test.mjs: what runs these tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emptyFolder } from '../helpers/folder.ts';

const RUNNER = fileURLToPath(new URL('../../scripts/test.mjs', import.meta.url));

test('a file of tests that never ends is ended, named, and a failure', async (t) => {
  const folder = await emptyFolder(t);
  const hanging =
    "import { test } from 'node:test'; test('waits', () => new Promise(() => setInterval(() => {}, 1_000)));";
  await writeFile(join(folder, 'hanging.test.mjs'), hanging);
  const env: NodeJS.ProcessEnv = { ...process.env, RAINMAIL_TEST_MINUTES: '0.03' };
  delete env['NODE_TEST_CONTEXT']; // in which no tests of others are run
  const { status, stderr } = spawnSync(process.execPath, [RUNNER, '*.test.mjs'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /^hanging\.test\.mjs was ended after 0\.03 minutes: /m);
});
