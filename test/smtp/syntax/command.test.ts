import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { afterKeyword, parseCommand, parseParameters, parseSize } from '../../../src/smtp/syntax/command.ts';
import fc from '../../helpers/properties.ts';

test('a verb is understood in any case, and its arguments without the space around them', () => {
  assert.deepEqual(parseCommand(Buffer.from('ehlo  my.name ')), { verb: 'EHLO', args: 'my.name' });
  assert.deepEqual(parseCommand(Buffer.from('QUIT')), { verb: 'QUIT', args: '' });
  assert.deepEqual(parseCommand(Buffer.from('')), { verb: '', args: '' });
});

test('FROM: and TO: are found in any case, with or without a space after the colon', () => {
  assert.equal(afterKeyword('FROM:<a@b>', 'FROM:'), '<a@b>');
  assert.equal(afterKeyword('to: <a@b> X=1', 'TO:'), '<a@b> X=1');
  assert.throws(() => afterKeyword('FROM <a@b>', 'FROM:'), BadCommand);
  assert.throws(() => afterKeyword('', 'TO:'), BadCommand);
});

test('parameters are names with and without values', () => {
  assert.deepEqual(
    [...parseParameters('size=10 SMTPUTF8 Body=8BITMIME')],
    [
      ['SIZE', '10'],
      ['SMTPUTF8', null],
      ['BODY', '8BITMIME'],
    ],
  );
  assert.equal(parseParameters('').size, 0);
});

for (const text of ['=1', 'A=', 'A==', 'A=b=c', 'A A', 'A\u0001', '-A', 'A=\x7f', Array(30).fill('A').join(' ')]) {
  test(`${JSON.stringify(text).slice(0, 40)} are no parameters`, () => {
    assert.throws(() => parseParameters(text), BadCommand);
  });
}

test('a size is digits, as many as can be counted', () => {
  assert.equal(parseSize('0'), 0);
  assert.equal(parseSize('123456789012345'), 123456789012345);
  for (const text of ['', '-1', '1e3', ' 1', '0x10', '1234567890123456']) assert.equal(parseSize(text), null);
});

test('any line is a command or a BadCommand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const { verb, args } = parseCommand(Buffer.from(bytes));
      assert.equal(verb, verb.toUpperCase());
      try {
        parseParameters(args);
      } catch (error) {
        assert.ok(error instanceof BadCommand);
      }
    }),
  );
});
