import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  canonicalName,
  formatAddress,
  isReservedDomain,
  parseAddress,
  parseDomain,
} from '../../src/directory/address.ts';
import fc from '../helpers/properties.ts';

const written = (text: string) => {
  const address = parseAddress(text);
  return address === null ? null : formatAddress(address);
};

test('an address is compared without regard to case, needless quotes and the form of its characters', () => {
  for (const [text, canonical] of [
    ['Anna@Office.TEST', 'anna@office.test'],
    ['"Anna"@office.test', 'anna@office.test'],
    ['"An\\na"@office.test', 'anna@office.test'],
    ['anna@BÜCHER.example', 'anna@xn--bcher-kva.example'],
    ['anna@xn--bcher-kva.example', 'anna@xn--bcher-kva.example'],
    ['Jo\u0308rg@office.test', 'j\u00f6rg@office.test'],
    ['"a b"@office.test', '"a b"@office.test'],
    ['"a\\"\\\\b"@office.test', '"a\\"\\\\b"@office.test'],
    ['"a@b"@office.test', '"a@b"@office.test'],
    ["o'brien+tag@office.test", "o'brien+tag@office.test"],
  ] as const) {
    assert.equal(written(text), canonical, text);
  }
});

test('text that is no address is told from one', () => {
  for (const text of [
    '',
    '@',
    'anna',
    'anna@',
    '@office.test',
    '.anna@office.test',
    'anna.@office.test',
    'an..na@office.test',
    'an na@office.test',
    'anna@office..test',
    'anna@-office.test',
    'anna@office_.test',
    'anna@office.test.',
    'anna@[192.0.2.1]',
    'anna@192.0.2.1',
    'anna@1.2.3',
    'anna\0@office.test',
    '"anna@office.test',
    '""@office.test',
    '"an"na@office.test',
    '\ud800@office.test',
    `${'a'.repeat(65)}@office.test`,
    `anna@${'a'.repeat(64)}.test`,
    `anna@${'a.'.repeat(130)}test`,
    `${'a'.repeat(64)}@${`${'b'.repeat(60)}.`.repeat(3)}test1234`,
  ]) {
    assert.equal(parseAddress(text), null, text);
  }
});

test('the canonical form of an address stays the same when it is read again', () => {
  const local = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => JSON.stringify(text)),
  );
  const domain = fc.oneof(fc.domain(), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(local, domain, (before, after) => {
      const once = written(`${before}@${after}`);
      if (once !== null) assert.equal(written(once), once);
    }),
    { numRuns: 500 },
  );
});

test('any text whatever is read without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      parseAddress(text);
      parseDomain(text);
      assert.ok(canonicalName(text).length <= 254 * 18);
    }),
    { numRuns: 500 },
  );
});

test('domains that belong to nobody are known', () => {
  for (const domain of [
    'test',
    'office.test',
    'a.example',
    'example.com',
    'mail.example.net',
    'x.invalid',
    'localhost',
  ]) {
    assert.ok(isReservedDomain(domain), domain);
  }
  for (const domain of ['office.com', 'myexample.com', 'contest', 'test.com', 'example.org.uk']) {
    assert.ok(!isReservedDomain(domain), domain);
  }
});
