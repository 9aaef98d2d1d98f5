import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastDue, parseSchedule } from '../../src/config/schedule.ts';

test('a schedule is a time of every day, of a day of the week, or off', () => {
  assert.deepEqual(parseSchedule('23:00'), { weekday: null, hour: 23, minute: 0 });
  assert.deepEqual(parseSchedule('Sun 3:05'), { weekday: 0, hour: 3, minute: 5 });
  assert.equal(parseSchedule('off'), 'off');
  for (const wrong of ['', '24:00', '12:60', 'day 12:00', '12', 'sun', '12:00:00'])
    assert.equal(parseSchedule(wrong), undefined, wrong);
});

test('when a schedule was due last, in local time', () => {
  const due = (text: string, now: string) => lastDue(parseSchedule(text)!, new Date(now))?.toLocaleString('sv-SE');
  assert.equal(due('23:00', '2026-11-23T22:59:59'), '2026-11-22 23:00:00');
  assert.equal(due('23:00', '2026-11-23T23:00:00'), '2026-11-23 23:00:00');
  assert.equal(due('sun 04:00', '2026-11-23T12:00:00'), '2026-11-22 04:00:00');
  assert.equal(due('sun 04:00', '2026-11-22T03:00:00'), '2026-11-15 04:00:00');
  assert.equal(due('00:30', '2026-03-01T00:00:00'), '2026-02-28 00:30:00');
  assert.equal(due('off', '2026-11-23T12:00:00'), undefined);
});
