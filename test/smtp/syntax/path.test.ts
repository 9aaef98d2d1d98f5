import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { parsePath } from '../../../src/smtp/syntax/path.ts';
import fc from '../../helpers/properties.ts';

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const good: readonly [text: string, address: string][] = [
  ['<>', ''],
  ['<anna@office.test>', 'anna@office.test'],
  ['<Anna.B+tag@Office.TEST>', 'Anna.B+tag@Office.TEST'],
  ['<anna@localhost>', 'anna@localhost'],
  ['<Postmaster>', 'Postmaster'],
  ['<anna@[192.0.2.1]>', 'anna@[192.0.2.1]'],
  ['<anna@[IPv6:2001:db8::1]>', 'anna@[IPv6:2001:db8::1]'],
  ['<@relay.test,@other.test:anna@office.test>', 'anna@office.test'],
  ['<"anna"@office.test>', 'anna@office.test'],
  ['<"an\\na"@office.test>', 'anna@office.test'],
  ['<"an na"@office.test>', '"an na"@office.test'],
  ['<"a\\"b>c"@office.test>', '"a\\"b>c"@office.test'],
  ['<"anna@elsewhere.test"@office.test>', '"anna@elsewhere.test"@office.test'],
  ['<anna%elsewhere.test@office.test>', 'anna%elsewhere.test@office.test'],
  ['<elsewhere.test!anna@office.test>', 'elsewhere.test!anna@office.test'],
  ['<""@office.test>', '""@office.test'],
  [`<${'a'.repeat(200)}@office.test>`, `${'a'.repeat(200)}@office.test`],
];

for (const [text, address] of good) {
  test(`${text.slice(0, 60)} is understood as ${address.slice(0, 60) || 'nobody'}`, () => {
    assert.deepEqual(parsePath(text), { address, utf8: false, rest: '' });
  });
}

test('UTF-8 on both sides of the @ is told apart from ASCII', () => {
  assert.deepEqual(parsePath(latin1('<žofie@kancelář.test>')), {
    address: 'žofie@kancelář.test',
    utf8: true,
    rest: '',
  });
});

test('parameters are what follows the path', () => {
  assert.equal(parsePath('<anna@office.test> SIZE=10  BODY=8BITMIME ').rest, 'SIZE=10  BODY=8BITMIME');
});

const bad = [
  '',
  'anna@office.test',
  '<anna@office.test',
  '<anna>',
  '<@office.test>',
  '<anna@>',
  '<anna@@office.test>',
  '<anna@elsewhere.test@office.test>',
  '<an na@office.test>',
  '<anna@off ice.test>',
  '<anna@-office.test>',
  '<anna@office-.test>',
  '<anna@office..test>',
  '<anna@office.test.>',
  '<anna@.test>',
  '<anna@[1.2.3.4>',
  '<anna@[]>',
  '<anna@[1.2.3.4]x>',
  '<"anna@office.test>',
  '<"anna"x@office.test>',
  '<anna@office.test>SIZE=1',
  '<<anna@office.test>>',
  '<anna@office.test\u0001>',
  '<\xff\xfe@office.test>',
  `<${'a'.repeat(400)}@office.test>`,
];

for (const text of bad) {
  test(`${JSON.stringify(text).slice(0, 60)} is no path`, () => {
    assert.throws(() => parsePath(text), BadCommand);
  });
}

test('any bytes give an address without control characters, or a BadCommand', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom('<', '>', '@', '"', '\\', ':', ',', '.', 'a', '[', ']', ' ', '\xc3', '\xa9', '\0', '\x7f'),
      ),
      (chars) => {
        try {
          const { address } = parsePath(`<${chars.join('')}>`);
          assert.doesNotMatch(address, /[\x00-\x1f\x7f]/);
        } catch (error) {
          assert.ok(error instanceof BadCommand);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a canonical address is understood as itself', () => {
  for (const [, address] of good) assert.equal(parsePath(`<${address}>`).address, address);
});
