import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoment } from '../../src/config/units.ts';

test('a moment is a time ago, a day here, or a day with a time', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  assert.equal(parseMoment('2d', now), Date.parse('2026-11-21T12:00:00Z'));
  assert.equal(parseMoment('90m', now), Date.parse('2026-11-23T10:30:00Z'));
  assert.equal(parseMoment('2026-11-20', now), new Date(2026, 10, 20).getTime());
  assert.equal(parseMoment('2026-11-20 14:30', now), new Date(2026, 10, 20, 14, 30).getTime());
  assert.equal(parseMoment('2026-11-20T14:30:05', now), new Date(2026, 10, 20, 14, 30, 5).getTime());
  assert.equal(parseMoment('2026-11-20T14:30:00+02:00', now), Date.parse('2026-11-20T12:30:00Z'));
  for (const text of [
    '',
    'yesterday',
    '2026',
    '2026-13-01',
    '2026-11-20 25:00',
    '20.11.2026',
    '2026-11-20T14:30Zulu',
  ]) {
    assert.equal(parseMoment(text, now), undefined, text);
  }
});
