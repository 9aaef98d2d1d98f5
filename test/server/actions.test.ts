import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { allActions, findAction } from '../../src/server/admin/actions.ts';

const FOLDER = new URL('../../src/server/admin/', import.meta.url);

test('every action that a file declares is found under its name', async () => {
  const files = await Promise.all(readdirSync(FOLDER).map((file) => import(new URL(file, FOLDER).href)));
  const declared = files
    .flatMap((file) => Object.values(file))
    .filter((value) => typeof value === 'object' && value !== null && 'run' in value) as unknown as { name: string }[];
  assert.ok(declared.length > 80);
  for (const action of declared) assert.equal(await findAction(action.name), action, action.name);
  assert.equal((await allActions()).length, declared.length);
});

test('what is no action is not found', async () => {
  for (const name of ['', 'account', 'account.', 'account.addAccount', 'constructor', '__proto__.add', 'launch']) {
    assert.equal(await findAction(name), undefined, name);
  }
});
