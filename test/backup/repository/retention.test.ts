import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kept } from '../../../src/backup/repository/retention.ts';

const taken = (time: string): number => new Date(time).getTime() / 1_000;
const nightly = (from: string, days: number) =>
  Array.from({ length: days }, (_, day) => {
    const date = new Date(from);
    date.setDate(date.getDate() + day);
    return { id: date.toLocaleDateString('sv-SE'), taken: date.getTime() / 1_000 };
  });

test('the newest of each of the last days, weeks and months is kept', () => {
  const keep = kept(nightly('2026-01-01T23:00:00', 120), { daily: 3, weekly: 2, monthly: 4 }); // up to Thursday, 30 April
  assert.deepEqual([...keep].sort(), [
    '2026-01-31',
    '2026-02-28',
    '2026-03-31',
    '2026-04-26',
    '2026-04-28',
    '2026-04-29',
    '2026-04-30',
  ]);
});

test('days without a backup are not counted', () => {
  const keep = kept([...nightly('2026-01-01T23:00:00', 2), ...nightly('2026-06-01T23:00:00', 1)], {
    daily: 3,
    weekly: 0,
    monthly: 0,
  });
  assert.equal(keep.size, 3);
});

test('of one day only the newest is kept, and the very newest always', () => {
  const day = [
    { id: 'morning', taken: taken('2026-01-01T08:00:00') },
    { id: 'evening', taken: taken('2026-01-01T20:00:00') },
  ];
  assert.deepEqual([...kept(day, { daily: 5, weekly: 5, monthly: 5 })], ['evening']);
  assert.deepEqual([...kept(day, { daily: 0, weekly: 0, monthly: 0 })], ['evening']);
  assert.deepEqual([...kept([], { daily: 1, weekly: 1, monthly: 1 })], []);
});
