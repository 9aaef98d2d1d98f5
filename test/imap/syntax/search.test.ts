import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { searchRequest } from '../../../src/imap/syntax/search.ts';
import { parseWith } from './parse.ts';

const search = (text: string) => parseWith(searchRequest, text);
const key = (text: string) => search(text).key;
const text = (bytes: string) => Buffer.from(bytes, 'latin1');
const flag = (bits: number, present: boolean) => ({ key: 'flag', flag: { bits, keywords: [] }, present });

test('several keys are all meant', () => {
  assert.deepEqual(key('ALL'), { key: 'all' });
  assert.deepEqual(key('SEEN unflagged'), { key: 'and', keys: [flag(1, true), flag(4, false)] });
  assert.deepEqual(key('(SEEN)'), flag(1, true));
});

test('NOT and OR hold keys, which may be sets, lists and each other', () => {
  assert.deepEqual(key('OR 1:2 NOT (UID 7 DRAFT)'), {
    key: 'or',
    left: { key: 'sequence', set: { kind: 'ranges', bounds: [1, 2] } },
    right: {
      key: 'not',
      of: { key: 'and', keys: [{ key: 'uid', set: { kind: 'ranges', bounds: [7, 7] } }, flag(16, true)] },
    },
  });
});

test('OLD and NEW are made of RECENT', () => {
  assert.deepEqual(key('OLD'), { key: 'not', of: { key: 'recent' } });
  assert.deepEqual(key('NEW'), { key: 'and', keys: [{ key: 'recent' }, flag(1, false)] });
});

test('texts stay bytes, quoted, as a literal or as they are', () => {
  assert.deepEqual(key('FROM anna'), { key: 'from', text: text('anna') });
  assert.deepEqual(key('TEXT "a \\"b\\" \xfc"'), { key: 'text', text: text('a "b" \xfc') });
  assert.deepEqual(key('SUBJECT {5+}\r\nab"\xe4)'), { key: 'subject', text: text('ab"\xe4)') });
  assert.deepEqual(key('HEADER X-Spam ""'), { key: 'header', name: 'x-spam', text: text('') });
});

test('dates, sizes, ages and ids', () => {
  assert.deepEqual(key('SENTSINCE 1-Feb-1994'), { key: 'sentsince', day: Date.UTC(1994, 1, 1) / 1000 });
  assert.deepEqual(key('ON "29-feb-2024"'), { key: 'on', day: Date.UTC(2024, 1, 29) / 1000 });
  assert.deepEqual(key('LARGER 0'), { key: 'larger', bytes: 0 });
  assert.deepEqual(key('YOUNGER 259200'), { key: 'younger', seconds: 259200 });
  assert.deepEqual(key('EMAILID E34'), { key: 'emailid', id: 'E34' });
  assert.deepEqual(key('MODSEQ 620162338'), { key: 'modseq', modseq: 620162338 });
  assert.deepEqual(key('MODSEQ "/flags/\\\\draft" all 620162338'), { key: 'modseq', modseq: 620162338 });
});

test('keywords with a bit of their own are flags like any other', () => {
  assert.deepEqual(key('KEYWORD $Forwarded'), flag(32, true));
  assert.deepEqual(key('UNKEYWORD work'), { key: 'flag', flag: { bits: 0, keywords: ['work'] }, present: false });
});

test('RETURN and CHARSET come before the keys', () => {
  assert.deepEqual(search('RETURN (MIN COUNT SAVE) CHARSET utf-8 ALL'), {
    returns: { min: true, max: false, count: true, all: false, save: true },
    charset: 'utf-8',
    key: { key: 'all' },
  });
  assert.equal(search('RETURN () ALL').returns?.all, true);
  assert.equal(search('$ SEEN').returns, null);
});

for (const bad of [
  '',
  'SEEM',
  'NOT',
  'OR SEEN',
  '()',
  '(SEEN',
  'SEEN)',
  'FROM',
  'HEADER Subject',
  'HEADER "a b" c',
  'ON 30-Feb-2024',
  'ON 1-Foo-2024',
  'OLDER 0',
  'LARGER -1',
  'RETURN (ALL)',
  'RETURN (BEST) ALL',
  'CHARSET ALL',
  'KEYWORD \\Seen',
  'EMAILID a/b',
  'MODSEQ "/flag" all 1',
  'UID 0',
  `${'('.repeat(60)}ALL${')'.repeat(60)}`,
  `${'NOT '.repeat(60)}ALL`,
]) {
  test(`SEARCH ${bad.slice(0, 40)} is a bad command`, () => {
    assert.throws(() => search(bad), BadCommand);
  });
}
