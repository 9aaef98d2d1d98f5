import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { storeRequest } from '../../../src/imap/syntax/store.ts';
import { parseWith } from './parse.ts';

const store = (text: string) => parseWith(storeRequest, text);

test('flags are set, added or removed, with and without an answer', () => {
  assert.deepEqual(store('1 FLAGS (\\Seen work)').change, { how: 'set', flags: { bits: 1, keywords: ['work'] } });
  assert.deepEqual(store('1 +flags.silent \\Deleted').change, { how: 'add', flags: { bits: 8, keywords: [] } });
  assert.equal(store('1 +flags.silent \\Deleted').silent, true);
  assert.deepEqual(store('1 -FLAGS \\seen \\DRAFT $Junk').change, {
    how: 'remove',
    flags: { bits: 1 | 16 | 128, keywords: [] },
  });
  assert.deepEqual(store('1 FLAGS ()').change, { how: 'set', flags: { bits: 0, keywords: [] } });
});

test('\\Recent is read and means nothing', () => {
  assert.deepEqual(store('1 FLAGS (\\Recent)').change.flags, { bits: 0, keywords: [] });
});

test('UNCHANGEDSINCE stands before the flags', () => {
  assert.equal(store('1:* (UNCHANGEDSINCE 0) FLAGS ()').unchangedSince, 0);
});

for (const bad of [
  '1 FLAGS',
  '1 FLAG (\\Seen)',
  '1 FLAGS (\\Seen',
  '1 FLAGS (\\Foo)',
  '1 FLAGS (\\*)',
  '1 FLAGS (a%b)',
  '1 FLAGS (\\Seen) x',
  '1 *FLAGS ()',
  '1 (UNCHANGEDSINCE x) FLAGS ()',
  `1 FLAGS (${'x'.repeat(101)})`,
  `1 FLAGS (${Array.from({ length: 101 }, (_, i) => `k${i}`).join(' ')})`,
]) {
  test(`STORE ${bad.slice(0, 40)} is a bad command`, () => {
    assert.throws(() => store(bad), BadCommand);
  });
}
