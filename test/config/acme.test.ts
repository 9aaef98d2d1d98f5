import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { Refused } from '../../src/errors.ts';

const parse = (text: string) => parseConfig(`[acme]\n${text}`, 'rainmail.toml').acme;

function mistake(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof Refused && error.code === 'config.invalid');
    return error.message;
  }
  return 'none';
}

test('certificates are ordered when they are asked for, and the terms are agreed to', () => {
  assert.equal(parse('').enabled, false);
  assert.equal(
    parse('enabled = true\nagreeToTerms = true').directory,
    'https://acme-v02.api.letsencrypt.org/directory',
  );
  assert.match(mistake('enabled = true'), /^rainmail\.toml:1: acme\.agreeToTerms: must be true/);
});

test('a name or a list of names is a certificate; names are as DNS has them', () => {
  assert.deepEqual(parse('names = ["Mail.Office.test", ["bücher.test", "autoconfig.office.test"]]').names, [
    ['mail.office.test'],
    ['xn--bcher-kva.test', 'autoconfig.office.test'],
  ]);
});

test('names that no authority could check, or that would be anything but a file name, are refused', () => {
  for (const name of [
    '*.office.test',
    'localhost',
    '192.0.2.1',
    '2001:db8::1',
    '../../etc/passwd',
    'a..test',
    '',
    '-a.test',
    'a/b.test',
    'a_b.test',
    `${'a.'.repeat(130)}test`,
  ])
    assert.match(mistake(`names = [["${name}"]]`), /is not a host name/, name);
  assert.match(mistake('names = ["a.test", ["b.test", "A.test"]]'), /has a name twice/);
  assert.match(mistake('names = [[]]'), /names/);
});

test('the rest of it is checked too', () => {
  assert.match(mistake('directory = "http://ca.test/dir"'), /is not an https address/);
  assert.match(mistake('contact = ["postmaster"]'), /is not an e-mail address/);
  assert.match(mistake('challenge = "dns-01"'), /must be one of http-01, tls-alpn-01/);
  assert.match(mistake('eabKeyId = "kid"'), /needs both eabKeyId and eabKeyFile/);
});
