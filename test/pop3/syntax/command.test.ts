import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { parseCommand, parseNumbers } from '../../../src/pop3/syntax/command.ts';

test('a keyword is understood in any case, and its argument is left as it is', () => {
  assert.deepEqual(parseCommand(Buffer.from('pass  two spaces ')), { keyword: 'PASS', args: ' two spaces ' });
  assert.deepEqual(parseCommand(Buffer.from('Stat')), { keyword: 'STAT', args: '' });
  assert.deepEqual(parseCommand(Buffer.from('')), { keyword: '', args: '' });
});

test('numbers are digits, and as many as are wanted', () => {
  assert.deepEqual(parseNumbers('1', 1), [1]);
  assert.deepEqual(parseNumbers(' 12  0 ', 2), [12, 0]);
  for (const args of ['', 'a', '-1', '+1', '1.0', '1 2', '0x1', '12345678901']) {
    assert.throws(() => parseNumbers(args, 1), BadCommand, args);
  }
  for (const args of ['', '1', '1 2 3', '1 -2', '1 x']) assert.throws(() => parseNumbers(args, 2), BadCommand, args);
});
