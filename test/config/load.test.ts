import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { nearest } from '../../src/config/nearest.ts';
import { sampleConfig } from '../../src/config/sample.ts';
import { certificateFiles, defaults } from '../../src/config/schema.ts';
import { parseAddress, parseDuration, parseSize } from '../../src/config/units.ts';
import { Refused } from '../../src/errors.ts';

const sample = new URL('../../docs/rainmail.sample.toml', import.meta.url);

/** The error text for a configuration. */
function mistakes(text: string): string[] {
  try {
    parseConfig(text, 'rainmail.toml');
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    assert.equal(error.code, 'config.invalid');
    return error.message.split('\n');
  }
  return assert.fail('the configuration was taken');
}

test('an empty file is a configuration: every setting has a default', () => {
  assert.deepEqual(parseConfig('', 'rainmail.toml'), defaults());
  assert.equal(defaults().limits.message, 50 * 1024 * 1024);
  assert.equal(defaults().timeouts.imap, 30 * 60_000);
});

test('the sample file is up to date (npm run sample)', () => {
  assert.equal(readFileSync(sample, 'utf8'), sampleConfig());
});

test('the sample file with every setting switched on means the defaults', () => {
  const on = sampleConfig().replace(/^# (?=[a-zA-Z]+ = )/gm, '');
  assert.match(on, /^imap = true$/m);
  assert.deepEqual(parseConfig(on, 'rainmail.sample.toml'), defaults());
});

test('a misspelt setting is an error that names its line and the setting that was meant', () => {
  assert.deepEqual(mistakes('name = "mail.example.org"\n\n[limits]\nmesage = "5MB"\n'), [
    'rainmail.toml:4: limits.mesage: there is no such setting. Did you mean message?',
  ]);
});

test('an unknown section is an error at its line', () => {
  assert.deepEqual(mistakes('\n[limit]\nmessage = "5MB"\n'), [
    'rainmail.toml:2: limit: there is no such setting. Did you mean limits?',
  ]);
  assert.match(mistakes('wholly-different = 1')[0]!, /^rainmail.toml:1: .* See the sample file/);
});

test('every mistake is told at once, in the order of the lines', () => {
  const told = mistakes('[timeouts]\nimap = "soon"\npop3 = 600\n[limits]\nmessage = "50 apples"\nconnections = 0\n');
  assert.deepEqual(told, [
    'rainmail.toml:2: timeouts.imap: "soon" is not a duration. Write it like "30m", "10s" or "14d".',
    'rainmail.toml:3: timeouts.pop3: must be text in quotes.',
    'rainmail.toml:5: limits.message: "50 apples" is not a size. Write it like "50MB".',
    'rainmail.toml:6: limits.connections: must be at least 1.',
  ]);
});

test('a mistake inside a list is told at the line of the list element', () => {
  assert.deepEqual(mistakes('[listen]\nimap = [\n  "127.0.0.1",\n  "127.0.0.1:99999",\n]\n'), [
    'rainmail.toml:4: listen.imap.1: "127.0.0.1:99999" is not an address to listen on. Write it like "192.0.2.1", "[::1]:1143" or "*".',
  ]);
  assert.match(
    mistakes('[lmtp]\nnetworks = ["10.0.0.0/40"]')[0]!,
    /rainmail.toml:2: lmtp.networks.0: .* is not a network/,
  );
  assert.match(
    mistakes('[listen]\nimap = "yes"')[0]!,
    /rainmail.toml:2: listen.imap: "yes" is not true, false or a list/,
  );
});

test('broken TOML is an error at its line', () => {
  assert.match(mistakes('name = "a"\ndata = \n')[0]!, /^rainmail.toml:2: /);
  assert.match(mistakes('[log]\nlevel = "info"\nlevel = "warn"\n')[0]!, /^rainmail.toml:3: /);
});

test('a setting of a fixed choice lists the choice', () => {
  assert.match(mistakes('[log]\nlevel = "loud"')[0]!, /^rainmail.toml:2: log.level: must be one of fatal, error, warn/);
});

test('a certificate without its key is an error', () => {
  assert.match(mistakes('[tls]\ncertificate = "a.pem"')[0]!, /^rainmail.toml:1: tls: needs both/);
  assert.match(
    mistakes('[tls]\nmore = [{ certificate = "a.pem" }]')[0]!,
    /^rainmail.toml:2: tls.more.0.key: must be text/,
  );
  const more = '[[tls.more]]\ncertificate = "b.pem"\nkey = "b.key"';
  assert.match(mistakes(more)[0]!, /before there can be more/);
  const both = parseConfig(`[tls]\ncertificate = "a.pem"\nkey = "a.key"\n${more}`, 'rainmail.toml');
  assert.deepEqual(
    certificateFiles(both.tls).map(({ key }) => key),
    ['a.key', 'b.key'],
  );
});

test('a server that takes mail by two sections is used in one way', () => {
  const route = (domain: string, tls: string, port = 25) =>
    `[[routes]]\ndomains = ["${domain}"]\nhost = "smtp.provider.example"\nport = ${port}\ntls = "${tls}"\n`;
  assert.match(
    mistakes(`${route('example.org', 'opportunistic')}${route('*', 'verified')}`)[0]!,
    /^rainmail.toml:10: routes.1.tls: differs from the section before for smtp.provider.example:25/,
  );
  const ways = `${route('example.org', 'opportunistic')}${route('*', 'verified', 587)}${route('example.net', 'verified', 587)}`;
  assert.equal(parseConfig(ways, 'rainmail.toml').routes.length, 3);
});

test('a file that is not there is an error that names it', () => {
  assert.throws(() => loadConfig('/nowhere/rainmail.toml'), /\/nowhere\/rainmail.toml: can't be read \(ENOENT\)/);
});

test('the sample file can be loaded as it is, and its data directory starts at its folder', () => {
  assert.equal(loadConfig(fileURLToPath(sample)).data, resolve(fileURLToPath(sample), '../data'));
});

test('sizes, durations and addresses are read as people write them', () => {
  assert.deepEqual(['50MB', '1 kb', '0B', '1.5GB', 'MB', '-1MB', '5'].map(parseSize), [
    52_428_800,
    1_024,
    0,
    1_610_612_736,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['30m', '14d', '500ms', '1h', '5 s', 'm', '5M'].map(parseDuration), [
    1_800_000,
    1_209_600_000,
    500,
    3_600_000,
    5_000,
    undefined,
    undefined,
  ]);
  assert.deepEqual(
    ['127.0.0.1:143', '[::1]:143', '::1', '*', '*:25', 'mail.example.org:993', '[mail]:1', '1.2.3.4:', 'a b'].map(
      parseAddress,
    ),
    [
      { host: '127.0.0.1', port: 143 },
      { host: '::1', port: 143 },
      { host: '::1' },
      { host: '*' },
      { host: '*', port: 25 },
      { host: 'mail.example.org', port: 993 },
      undefined,
      undefined,
      undefined,
    ],
  );
});

test('the nearest name is found only when one is near', () => {
  assert.equal(nearest('conections', ['connections', 'commands']), 'connections');
  assert.equal(nearest('IMAP', ['imap', 'imaps']), 'imap');
  assert.equal(nearest('colour', ['connections', 'commands']), undefined);
});
