import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDate, readDate } from '../../src/message/dates.ts';
import fc from '../helpers/properties.ts';

const READABLE: readonly (readonly [field: string, iso: string])[] = [
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z'],
  ['Tue, 1 Jul 2003 10:52:37 +0200', '2003-07-01T08:52:37Z'],
  ['Thu, 13 Feb 1969 23:32:54 -0330', '1969-02-14T03:02:54Z'],
  ['Thu,\t13\t Feb\t 1969\t 23:32\t -0330 (Newfoundland Time)', '1969-02-14T03:02:00Z'],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06Z'], // RFC 5322 A.6.2
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06Z'], // A.6.3
  ['1 Jan 49 00:00 UT', '2049-01-01T00:00:00Z'],
  ['1 Jan 50 00:00 UT', '1950-01-01T00:00:00Z'],
  ['1 Jan 103 00:00 UT', '2003-01-01T00:00:00Z'],
  ['29 Feb 2024 23:59:60 EST', '2024-03-01T05:00:00Z'],
  ['1 Jul 2024 12:00:00 PDT', '2024-07-01T19:00:00Z'],
  ['1 Jul 2024 12:00:00 Z', '2024-07-01T12:00:00Z'],
  ['1 Jul 2024 12:00:00 A', '2024-07-01T12:00:00Z'], // RFC 5322 4.3: military zones say nothing
  ['1 Jul 2024 12:00:00 -0000', '2024-07-01T12:00:00Z'],
  ['1 Jul 2024 12:00:00', '2024-07-01T12:00:00Z'],
  ['Monday, 1-Jul-2024 12:00:00 +01:00', '2024-07-01T11:00:00Z'],
];

for (const [field, iso] of READABLE) {
  test(`the date ${field}`, () => assert.equal(parseDate(field), Date.parse(iso) / 1000));
}

for (const field of [
  '',
  'yesterday',
  '30 Feb 2024 12:00 +0000',
  '29 Feb 2023 12:00 +0000',
  '0 Jan 2024 12:00 +0000',
  '1 Foo 2024 12:00 +0000',
  '1 Jan 2024 24:00 +0000',
  '1 Jan 2024 12:60 +0000',
  '1 Jan 2024 12:00 +0075',
  '1 Jan 1800 12:00 +0000',
  '(((((((((',
]) {
  test(`no date: ${JSON.stringify(field)}`, () => assert.equal(parseDate(field), null));
}

test('the day as written disregards the zone', () => {
  assert.equal(readDate('1 Jul 2024 23:30:00 -0800')?.day, Date.UTC(2024, 6, 1) / 86_400_000);
});

test('every moment comes back from the date that writes it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (at) => {
      assert.equal(parseDate(new Date(at * 1000).toUTCString()), at);
    }),
  );
});
