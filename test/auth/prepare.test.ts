import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preparePassword } from '../../src/auth/prepare.ts';

test('the examples of RFC 4013 come out as printed there', () => {
  for (const [input, output] of [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
  ] as const) {
    assert.equal(preparePassword(input), output);
  }
});

test('a password that SASLprep has no answer for is taken as it is', () => {
  for (const password of ['\u0007', '\u06271', '\u{1f600}', 'e\u{1f600}']) {
    assert.equal(preparePassword(password), password);
  }
});

test('the same password typed on two keyboards is the same', () => {
  assert.equal(preparePassword('Ju\u0308rgen'), preparePassword('J\u00fcrgen'));
});
