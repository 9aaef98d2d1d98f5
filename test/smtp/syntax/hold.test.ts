import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { parseParameters } from '../../../src/smtp/syntax/command.ts';
import { holdKeyword, parseHold } from '../../../src/smtp/syntax/hold.ts';

const NOW = Date.UTC(2026, 10, 23, 12) / 1_000;
const DAY = 86_400;
const hold = (text: string) => parseHold(parseParameters(text), NOW, DAY);

test('a message waits for so many seconds, or until a moment, or not at all', () => {
  assert.equal(hold('SIZE=1'), undefined);
  assert.equal(hold('HOLDFOR=60'), NOW + 60);
  assert.equal(hold('HOLDUNTIL=2026-11-23T12:30:00Z'), NOW + 1_800);
  assert.equal(hold('holduntil=2026-11-23t14:30:00.250+02:00'), NOW + 1_801);
  assert.equal(hold('HOLDUNTIL=2026-11-20T12:00:00Z'), undefined);
  assert.equal(hold('HOLDFOR=86400'), NOW + DAY);
});

const WRONG = [
  'HOLDFOR',
  'HOLDFOR=0',
  'HOLDFOR=-1',
  'HOLDFOR=1e3',
  'HOLDFOR=1234567890',
  'HOLDFOR=86401',
  'HOLDUNTIL',
  'HOLDUNTIL=tomorrow',
  'HOLDUNTIL=2026-11-23',
  'HOLDUNTIL=2026-11-23T12:30:00',
  'HOLDUNTIL=2026-13-23T12:30:00Z',
  'HOLDUNTIL=2026-11-24T12:00:01Z',
  'HOLDFOR=60 HOLDUNTIL=2026-11-23T12:30:00Z',
];

for (const text of WRONG) test(`${text} is refused`, () => assert.throws(() => hold(text), BadCommand));

test('EHLO says how long, and until when that is', () => {
  assert.equal(holdKeyword(NOW, DAY), 'FUTURERELEASE 86400 2026-11-24T12:00:00Z');
});
