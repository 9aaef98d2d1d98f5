import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { covers, dnsNames, NameIndex } from '../../src/net/certificate-names.ts';
import fc from '../helpers/properties.ts';

test('the names are those of the alternative names, in lower case, without what no client asks for', () => {
  assert.deepEqual(dnsNames(undefined), []);
  assert.deepEqual(dnsNames('DNS:Mail.Office.test, IP Address:192.0.2.1, DNS:*.office.test, email:a@b.test'), [
    'mail.office.test',
    '*.office.test',
  ]);
  assert.deepEqual(dnsNames('DNS:"a\\u0000b.test", DNS:"x, DNS:evil.test", DNS:good.test'), ['good.test']);
});

test('a whole name goes before a wildcard, and the first certificate before later ones', () => {
  const index = new NameIndex([
    { names: ['*.office.test', 'one.test'], value: 'wildcard' },
    { names: ['mail.office.test', 'one.test'], value: 'exact' },
  ]);
  assert.equal(index.find('MAIL.office.test'), 'exact');
  assert.equal(index.find('imap.office.test'), 'wildcard');
  assert.equal(index.find('one.test'), 'wildcard');
  for (const name of ['office.test', 'a.b.office.test', '*.office.test', '.office.test', '', 'elsewhere.test']) {
    assert.equal(index.find(name), undefined, name);
  }
});

const label = fc.constantFrom('a', 'b', 'MAIL', 'imap-1', 'xn--bcher-kva');
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, 'office', 'test'].join('.'));
const presented = fc.oneof(
  host,
  host.map((name) => `*.${name}`),
  host.map((name) => `a*.${name}`),
  host.map((name) => name.replace('.', '.*.')),
);
const asked = fc.oneof(
  host,
  presented.filter((name) => !name.includes('*')),
  fc.string({ maxLength: 30 }).filter((name) => !name.includes('\0') && !name.includes('*')),
);

test('a certificate is right for a name exactly when OpenSSL, so a client, says so', async () => {
  const runs = Number(process.env['CERTIFICATE_NAME_RUNS'] ?? 40);
  await fc.assert(
    fc.asyncProperty(
      fc.array(presented, { minLength: 1, maxLength: 4 }),
      fc.array(asked, { maxLength: 20 }),
      async (names, all) => {
        const { cert } = await generate([{ name: 'commonName', value: 'common.office.test' }], {
          keyType: 'ec',
          extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
        });
        const x509 = new X509Certificate(cert);
        const known = dnsNames(x509.subjectAltName);
        for (const name of [...all, ...names.filter((one) => !one.includes('*')), 'common.office.test']) {
          const says = x509.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
          assert.equal(covers(known, name), says, `${names.join(' ')}: ${name}`);
        }
      },
    ),
    { numRuns: runs },
  );
});
