import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseSubject } from '../../src/message/base-subject.ts';
import { readMessageId, readMessageIds } from '../../src/message/message-ids.ts';

const SUBJECTS: readonly (readonly [subject: string, base: string])[] = [
  ['Hello', 'HELLO'],
  ['Re: Hello', 'HELLO'],
  ['RE:re : Fwd: fw: Hello', 'HELLO'],
  ['Re[2]: Hello', 'HELLO'],
  ['Re [list]: Hello', 'HELLO'],
  ['[list] Re: [other] Hello', 'HELLO'],
  ['[list] Hello (fwd) (FWD) ', 'HELLO'],
  ['[Fwd: Hello]', 'HELLO'],
  ['[Fwd: Re: [list] Hello (fwd)]', 'HELLO'],
  ['[Fwd: [Fwd: Hello]]', 'HELLO'],
  ['[list]', '[LIST]'],
  ['[a] [b]', '[B]'],
  ['Re: [list]', '[LIST]'],
  ['Hello\t  big   world', 'HELLO BIG WORLD'],
  ['Regarding: Hello', 'REGARDING: HELLO'],
  ['Hello [list]', 'HELLO [LIST]'],
  ['[unclosed Hello', '[UNCLOSED HELLO'],
  ['Re:', ''],
  ['', ''],
  ['(fwd)', ''],
];

for (const [subject, base] of SUBJECTS) {
  test(`the base subject of ${JSON.stringify(subject)}`, () => assert.equal(baseSubject(subject), base));
}

test('a base subject is its own base subject', () => {
  for (const [, base] of SUBJECTS) assert.equal(baseSubject(base), base);
});

test('a subject of many blobs, prefixes or trailers is read in one go', () => {
  for (const piece of ['[]', '[a] ', 're: ', '[fwd:', '(fwd)', '[', ' ', '[fwd: [x]']) {
    const base = baseSubject(piece.repeat(50_000));
    assert.ok(base.length <= piece.length * 50_000);
  }
});

test('identifiers come without brackets, doubles and words between', () => {
  assert.deepEqual(readMessageIds('<a@x.test> and <b@x.test>\t<a@x.test>'), ['a@x.test', 'b@x.test']);
  assert.deepEqual(readMessageIds('Your message of Monday'), []);
  assert.deepEqual(readMessageIds('<broken <c@x.test> <d@\r\n x.test> <> <unclosed'), ['c@x.test', 'd@x.test']);
});

test('quotes that mean nothing make no other identifier (RFC 5256 2.2)', () => {
  assert.equal(readMessageId('<"01KF8JCEOCBS0045PS"@xxx.yyy.com>'), '01KF8JCEOCBS0045PS@xxx.yyy.com');
});

test('an identifier without brackets is taken when nothing else can be meant', () => {
  assert.equal(readMessageId('a@x.test'), 'a@x.test');
  assert.equal(readMessageId('no identifier here'), null);
});

test('of too many references the first and the last are kept', () => {
  const ids = readMessageIds(Array.from({ length: 500 }, (_, index) => `<${index}@x.test>`).join(' '));
  assert.equal(ids.length, 100);
  assert.deepEqual(ids.slice(0, 2), ['0@x.test', '401@x.test']);
  assert.equal(ids.at(-1), '499@x.test');
});
