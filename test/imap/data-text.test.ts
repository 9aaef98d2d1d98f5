import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateTime, flagList } from '../../src/imap/data-text.ts';
import { dateTime as readDateTime } from '../../src/imap/syntax/dates.ts';
import { CommandReader } from '../../src/imap/syntax/reader.ts';
import { FLAG_BITS, flagNames } from '../../src/store/flags.ts';
import fc from '../helpers/properties.ts';

test('a date is written as RFC 9051 writes date-time, in UTC', () => {
  assert.equal(dateTime(0), '" 1-Jan-1970 00:00:00 +0000"');
  assert.equal(dateTime(837_571_465), '"17-Jul-1996 02:44:25 +0000"');
  assert.equal(dateTime(-1), '"31-Dec-1969 23:59:59 +0000"');
  assert.equal(dateTime(4_102_444_799), '"31-Dec-2099 23:59:59 +0000"');
});

test('a date that is written is read as the same second', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000_000, max: 10_000_000_000 }), (seconds) => {
      assert.equal(readDateTime(new CommandReader(dateTime(seconds))), seconds);
    }),
  );
});

test('flags are listed by name, keywords after them and \\Recent at the end', () => {
  assert.equal(flagList(0, [], false), '()');
  assert.equal(flagList(0, [], true), '(\\Recent)');
  assert.equal(flagList(1 | 16, ['Receipt'], true), '(\\Seen \\Draft Receipt \\Recent)');
  fc.assert(
    fc.property(fc.nat(2 ** FLAG_BITS.length - 1), fc.subarray(['a', 'b', 'c']), (bits, keywords) => {
      assert.equal(flagList(bits, keywords, false), `(${flagNames({ bits, keywords }).join(' ')})`);
    }),
  );
});
