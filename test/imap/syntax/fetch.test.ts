import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { fetchRequest } from '../../../src/imap/syntax/fetch.ts';
import { STAR } from '../../../src/imap/syntax/types.ts';
import { parseWith } from './parse.ts';

const fetch = (text: string) => parseWith(fetchRequest, text);
const items = (text: string) => fetch(`1 ${text}`).items;
const section = (label: string, part: number[], text: object, more: object = {}) => ({
  item: 'SECTION',
  label,
  section: { part, text },
  peek: false,
  partial: null,
  ...more,
});

test('a set is read as it was written, stars and all', () => {
  assert.deepEqual(fetch('1:3,5,7:*,* FLAGS').set, {
    kind: 'ranges',
    bounds: [1, 3, 5, 5, 7, STAR, STAR, STAR],
  });
  assert.deepEqual(fetch('$ FLAGS').set, { kind: 'saved' });
});

test('macros stand for their items', () => {
  assert.deepEqual(items('fast'), [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }]);
  assert.deepEqual(items('ALL').at(-1), { item: 'ENVELOPE' });
  assert.deepEqual(items('FULL').at(-1), { item: 'BODY' });
});

test('a section says which part and what of it, and how it is called in the answer', () => {
  assert.deepEqual(items('BODY[]'), [section('BODY[]', [], { kind: 'all' })]);
  assert.deepEqual(items('body.peek[1.2.mime]'), [section('BODY[1.2.MIME]', [1, 2], { kind: 'mime' }, { peek: true })]);
  assert.deepEqual(items('BODY[3]<100.50>'), [
    section('BODY[3]<100>', [3], { kind: 'all' }, { partial: { offset: 100, length: 50 } }),
  ]);
  assert.deepEqual(items('BODY[2.TEXT]'), [section('BODY[2.TEXT]', [2], { kind: 'text' })]);
  assert.deepEqual(items('BODY[HEADER.FIELDS (From "X-\\"odd\\"")]'), [
    section('BODY[HEADER.FIELDS (From "X-\\"odd\\"")]', [], { kind: 'fields', names: ['from', 'x-"odd"'], not: false }),
  ]);
  assert.deepEqual(items('BODY[4.HEADER.FIELDS.NOT (To)]'), [
    section('BODY[4.HEADER.FIELDS.NOT (To)]', [4], { kind: 'fields', names: ['to'], not: true }),
  ]);
  assert.deepEqual(items('RFC822.HEADER'), [section('RFC822.HEADER', [], { kind: 'header' }, { peek: true })]);
});

test('binary parts, whole, in part and by size', () => {
  assert.deepEqual(items('(BINARY[1.2]<0.10> BINARY.PEEK[1] BINARY.SIZE[2])'), [
    { item: 'BINARY', label: 'BINARY[1.2]<0>', part: [1, 2], peek: false, partial: { offset: 0, length: 10 } },
    { item: 'BINARY', label: 'BINARY[1]', part: [1], peek: true, partial: null },
    { item: 'BINARY.SIZE', label: 'BINARY.SIZE[2]', part: [2] },
  ]);
});

test('an item asked for twice is answered once, and sets \\Seen if either does', () => {
  assert.deepEqual(items('(UID BODY.PEEK[] uid BODY[])'), [{ item: 'UID' }, section('BODY[]', [], { kind: 'all' })]);
});

test('CHANGEDSINCE is read behind the items', () => {
  assert.equal(fetch('1:* (FLAGS UID) (CHANGEDSINCE 12345)').changedSince, 12345);
  assert.equal(fetch('1 FLAGS').changedSince, null);
});

for (const bad of [
  '',
  '1',
  '0 FLAGS',
  '1: FLAGS',
  ',1 FLAGS',
  '4294967296 FLAGS',
  '1 FLAG',
  '1 ()',
  '1 (FLAGS',
  '1 (FLAGS  UID)',
  '1 (ALL)',
  '1 BODY[',
  '1 BODY[0]',
  '1 BODY[1.]',
  '1 BODY[MIME]',
  '1 BODY[1HEADER]',
  '1 BODY[HEADER.FIELDS ()]',
  '1 BODY[HEADER.FIELDS (a:b)]',
  '1 BODY[]<0.0>',
  '1 BODY[]<5>',
  '1 BODY.PEEK',
  '1 BINARY',
  '1 BINARY[TEXT]',
  '1 FLAGS (CHANGEDSINCE)',
  '1 FLAGS (CHANGEDSINCE 9223372036854775808)',
  '1 FLAGS UID',
  `1 BODY[${'1.'.repeat(60)}1]`,
]) {
  test(`FETCH ${bad.slice(0, 50)} is a bad command`, () => {
    assert.throws(() => fetch(bad), BadCommand);
  });
}
