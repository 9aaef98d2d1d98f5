import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachableServices } from '../../src/autoconfig/services.ts';
import { parseConfig } from '../../src/config/load.ts';

const listening = [
  { service: 'imap', port: 143 },
  { service: 'imaps', port: 993 },
  { service: 'pop3s', port: 995 },
  { service: 'submission', port: 587 },
  { service: 'https', port: 8443 },
  { service: 'health', port: 9025 },
];

const reachable = (section: string) =>
  reachableServices(parseConfig(`[clients]\n${section}`, 'rainmail.toml').clients, listening, 'mail.office.test');

test('clients are told what listens, TLS from the first byte before STARTTLS', () => {
  assert.deepEqual(reachable(''), {
    host: 'mail.office.test',
    organisation: 'mail.office.test',
    imap: [
      { port: 993, security: 'tls' },
      { port: 143, security: 'starttls' },
    ],
    pop3: [{ port: 995, security: 'tls' }],
    submission: [{ port: 587, security: 'starttls' }],
    https: 8443,
  });
});

test('what stands between may change name and ports, and hide a service', () => {
  const { host, organisation, imap, pop3, https } = reachable(
    'host = "MX.Office.test"\norganisation = "Fruit & Sons"\nimap = false\npop3 = 1110\nhttps = 443',
  );
  assert.deepEqual([host, organisation, https], ['mx.office.test', 'Fruit & Sons', 443]);
  assert.deepEqual(imap, [{ port: 993, security: 'tls' }]);
  assert.deepEqual(pop3, [
    { port: 995, security: 'tls' },
    { port: 1110, security: 'starttls' }, // a proxy has it, whatever listens here
  ]);
});

test('a port that is none, or a host that is no name, is a mistake with its line', () => {
  for (const line of ['imaps = 70000', 'imaps = "993"', 'https = 0', 'host = "http://mail"']) {
    assert.throws(() => reachable(line), { code: 'config.invalid', message: /^rainmail\.toml:2: clients\./ }, line);
  }
});
