import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DnsFacts, dnsRecords, zoneFile } from '../../src/autoconfig/dns.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { access, services } from './facts.ts';

const KEYS: DnsFacts['keys'] = [
  { selector: 'rsa-1', text: `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`, until: null },
  { selector: 'rsa-0', text: 'v=DKIM1; k=rsa; p=BBBB', until: '2026-11-30' },
];
const whole: DnsFacts = {
  domain: 'office.test',
  services,
  access: access(),
  takesMail: true,
  hasPostmaster: true,
  keys: KEYS,
  policyId: '1234abcd',
};

/** `name type value`, as in the zone. */
const lines = (facts: DnsFacts) =>
  dnsRecords(facts).flatMap(({ records }) => records.map(({ name, type, value }) => `${name} ${type} ${value}`));
const services_ = (facts: DnsFacts) => lines(facts).filter((line) => /^_(imap|pop3|submission)/.test(line));

test('a domain gets records for its mail, its mail programs and the reports of others', () => {
  assert.deepEqual(lines(whole), [
    '@ MX 10 mail.office.test.',
    '@ TXT "v=spf1 mx ~all"',
    `rsa-1._domainkey TXT "v=DKIM1; k=rsa; p=${'A'.repeat(237)}" "${'A'.repeat(155)}"`,
    'rsa-0._domainkey TXT "v=DKIM1; k=rsa; p=BBBB"',
    '_dmarc TXT "v=DMARC1; p=none; rua=mailto:postmaster@office.test"',
    '_mta-sts TXT "v=STSv1; id=1234abcd"',
    'mta-sts CNAME mail.office.test.',
    '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@office.test"',
    '_imaps._tcp SRV 0 1 993 mail.office.test.',
    '_imap._tcp SRV 10 1 143 mail.office.test.',
    '_pop3s._tcp SRV 20 1 995 mail.office.test.',
    '_pop3._tcp SRV 30 1 110 mail.office.test.',
    '_submissions._tcp SRV 0 1 465 mail.office.test.',
    '_submission._tcp SRV 10 1 587 mail.office.test.',
    'autoconfig CNAME mail.office.test.',
    'autodiscover CNAME mail.office.test.',
    '_autodiscover._tcp SRV 0 0 443 mail.office.test.',
  ]);
});

test('a domain whose people use POP3 puts it first, and says what there is not', () => {
  assert.deepEqual(services_({ ...whole, access: access({ prefer: 'pop3' }) }).slice(0, 4), [
    '_imaps._tcp SRV 20 1 993 mail.office.test.',
    '_imap._tcp SRV 30 1 143 mail.office.test.',
    '_pop3s._tcp SRV 0 1 995 mail.office.test.',
    '_pop3._tcp SRV 10 1 110 mail.office.test.',
  ]);
  const none = { ...services, submission: services.submission.slice(0, 1) };
  assert.deepEqual(services_({ ...whole, services: none, access: access({ imap: false }) }), [
    '_imaps._tcp SRV 0 0 0 .',
    '_imap._tcp SRV 0 0 0 .',
    '_pop3s._tcp SRV 20 1 995 mail.office.test.',
    '_pop3._tcp SRV 30 1 110 mail.office.test.',
    '_submissions._tcp SRV 0 1 465 mail.office.test.',
    '_submission._tcp SRV 0 0 0 .',
  ]);
});

test('a domain whose server has a name elsewhere does not send Thunderbird there with a password', () => {
  const guest = lines({ ...whole, domain: 'branch.test' });
  assert.ok(guest.includes('autodiscover CNAME mail.office.test.'));
  assert.deepEqual(
    guest.filter((line) => line.startsWith('_autodiscover')),
    [],
  );
});

test('nothing is published that is not so', () => {
  const nothing = lines({
    ...whole,
    services: { ...services, https: null },
    takesMail: false,
    hasPostmaster: false,
    keys: [],
    policyId: null,
  });
  assert.ok(!nothing.some((line) => /MX|CNAME|autodiscover|postmaster|TLSRPT|STS|DKIM/.test(line)), nothing.join('\n'));
});

test('a name server takes the zone file as it is', async (t) => {
  const checkzone = needsTool(t, 'named-checkzone');
  if (!checkzone) return;
  const folder = await emptyFolder(t);
  const variants: DnsFacts[] = [
    whole,
    { ...whole, access: access({ imap: false, prefer: 'pop3' }), hasPostmaster: false },
    { ...whole, domain: 'xn--bcher-kva.example', services: { ...services, host: 'mx.elsewhere.example', https: null } },
    { ...whole, services: { ...services, host: 'autoconfig.office.test' } },
  ];
  for (const [index, facts] of variants.entries()) {
    const { domain, services } = facts;
    const zone = zoneFile(facts, dnsRecords(facts), ['192.0.2.1', '2001:db8::1']);
    // The hints are records, once they are no comments any more.
    const withHosts = zone.replace(/^; {3}(\S+ IN A.*)$/gm, services.host.endsWith(domain) ? '$1' : '; $1');
    const head = `$TTL 60\n@ IN SOA ns.example. root.example. 1 2 3 4 5\n@ IN NS ns.example.\n`;
    const file = join(folder, `${index}.zone`);
    await writeFile(file, `${head}${withHosts}\n`);
    const told = await output(checkzone, [
      '-i',
      'local',
      '-k',
      'fail',
      '-n',
      'fail',
      '-M',
      'fail',
      '-S',
      'fail',
      domain,
      file,
    ]);
    assert.match(told, /\nOK\n$/);
    assert.doesNotMatch(told.replace(/ns\.example/g, ''), /warning|error|out of zone/i, told);
  }
});
