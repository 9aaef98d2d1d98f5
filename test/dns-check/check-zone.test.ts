import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reverseName } from '../../src/checks/authentication/iprev.ts';
import { isTrouble } from '../../src/server/dns-check/check-zone.ts';
import { recordName, recordText } from '../../src/signing/key.ts';
import { CheckedZone, FOUR, HOST, KEY, NOW, SIX } from './zone.ts';

const DAY = 86_400;

test('a domain of which all is well has nothing to look at', async (t) => {
  const zone = await CheckedZone.open(t);
  const findings = await zone.findings();
  assert.deepEqual(
    findings.filter(({ state }) => state !== 'good'),
    [],
  );
  const abouts = new Set(findings.map(({ about }) => about));
  assert.deepEqual([...abouts].sort(), [
    'A',
    'DKIM',
    'DMARC',
    'MTA-STS',
    'MX',
    'PTR',
    'SPF',
    'SRV',
    'TLSRPT',
    'autoconfig',
  ]);
});

type Spoil = (zone: CheckedZone) => void;

/** One fault alone, and what is found of it: what else depends on it is told, too. */
const FAULTS: Readonly<Record<string, readonly [Spoil, readonly string[], RegExp]>> = {
  'no MX record': [
    (z) => z.spoil('MX', 'office.test'),
    ['must MX', 'should SPF', 'should SPF'],
    /office\.test\. IN MX 10 mail\.office\.test\./,
  ],
  'a null MX': [
    (z) => z.spoil('MX', 'office.test', { preference: 0, exchange: '' }),
    ['must MX', 'should SPF', 'should SPF'],
    /takes no mail/,
  ],
  'an MX that names another': [
    (z) => {
      z.spoil('MX', 'office.test', { preference: 10, exchange: 'mx.example.net' });
      z.spoil('A', 'mx.example.net', '192.0.2.99');
    },
    ['must MX', 'should SPF', 'should SPF', 'nice MTA-STS'],
    /goes to mx\.example\.net, and not to mail\.office\.test/,
  ],
  'an MX that is an address': [
    (z) => z.spoil('MX', 'office.test', { preference: 10, exchange: HOST }, { preference: 20, exchange: FOUR }),
    ['must MX'],
    /which is an address/,
  ],
  'an MX that is an alias': [
    (z) => {
      z.spoil('MX', 'office.test', { preference: 10, exchange: HOST }, { preference: 20, exchange: 'mx.office.test' });
      z.spoil('CNAME', 'mx.office.test', HOST);
    },
    ['should MX', 'nice MTA-STS'],
    /only another name/,
  ],
  'a host without an address': [
    (z) => {
      z.spoil('A', HOST);
      z.spoil('AAAA', HOST);
    },
    ['must A', 'should MTA-STS', 'nice autoconfig', 'nice autoconfig'],
    /has no address/,
  ],
  'a host with private addresses alone': [
    (z) => {
      z.spoil('A', HOST, '192.168.1.2');
      z.spoil('AAAA', HOST, 'fd00::2');
    },
    ['must A'],
    /only addresses of a private network/,
  ],
  'a host with a private address, too': [(z) => z.spoil('A', HOST, FOUR, '10.0.0.2'), ['should A'], /10\.0\.0\.2/],
  'an address without a name': [
    (z) => z.spoil('PTR', reverseName(SIX)),
    ['must PTR'],
    /ip6\.arpa\. IN PTR mail\.office\.test\./,
  ],
  'an address with another name': [
    (z) => z.spoil('PTR', reverseName(FOUR), 'dsl-25.example.net'),
    ['should PTR'],
    /is dsl-25\.example\.net/,
  ],
  'an address whose name does not lead back': [
    (z) => {
      z.zone = { ...z.zone, sendsFrom: ['192.0.2.77'] };
      z.spoil('PTR', reverseName('192.0.2.77'), HOST);
      z.spoil('TXT', 'office.test', 'v=spf1 mx ip4:192.0.2.77 -all');
    },
    ['must PTR'],
    /mail\.office\.test\. IN A 192\.0\.2\.77/,
  ],
  'no SPF record': [
    (z) => z.spoil('TXT', 'office.test', 'something else'),
    ['should SPF'],
    /office\.test\. IN TXT "v=spf1 mx ~all"/,
  ],
  'two SPF records': [
    (z) => z.spoil('TXT', 'office.test', 'v=spf1 mx -all', 'v=spf1 ~all'),
    ['should SPF'],
    /2 SPF records/,
  ],
  'an SPF record for everybody': [(z) => z.spoil('TXT', 'office.test', 'v=spf1 mx +all'), ['should SPF'], /\+all/],
  'an SPF record that lets in everybody by what it includes': [
    (z) => {
      z.spoil('TXT', 'office.test', 'v=spf1 mx include:_spf.office.test -all');
      z.spoil('TXT', '_spf.office.test', 'v=spf1 ip4:0.0.0.0/0 -all');
    },
    ['should SPF'],
    /allows everybody/,
  ],
  'an SPF record with a mistake, where mail leaves through a provider': [
    (z) => {
      z.zone = { ...z.zone, relay: 'smtp.provider.example' };
      z.spoil('TXT', 'office.test', `v=spf1 ${'include:_spf.office.test '.repeat(11)}-all`);
      z.spoil('TXT', '_spf.office.test', 'v=spf1 ip4:198.51.100.1 -all');
    },
    ['should SPF'],
    /more than 10 questions/,
  ],
  'an address that others see, behind a router that hides those it sends from': [
    (z) => {
      z.zone = { ...z.zone, sendsFrom: ['10.0.0.2'] };
      z.spoil('PTR', reverseName(FOUR));
    },
    ['must PTR'],
    /192\.0\.2\.25 has no name/,
  ],
  'an SPF record that leaves an address out': [
    (z) => z.spoil('TXT', 'office.test', `v=spf1 ip4:${FOUR} -all`),
    ['should SPF'],
    /IN TXT "v=spf1 ip6:2001:db8::25 ip4:192\.0\.2\.25 -all"/,
  ],
  'an SPF record with a mistake': [
    (z) => z.spoil('TXT', 'office.test', 'v=spf1 mx ipv4:1.2.3.4 -all'),
    ['should SPF', 'should SPF'],
    /has a mistake/,
  ],
  'an SPF record with many questions': [
    (z) => {
      z.spoil('TXT', 'office.test', `v=spf1 ${'include:_spf.office.test '.repeat(8)}mx -all`);
      z.spoil('TXT', '_spf.office.test', 'v=spf1 ip4:198.51.100.1 -all');
    },
    ['nice SPF', 'nice SPF'],
    /costs 9 of the 10/,
  ],
  'an SPF record with too many questions': [
    (z) => {
      z.spoil('TXT', 'office.test', `v=spf1 ${'include:_spf.office.test '.repeat(11)}mx -all`);
      z.spoil('TXT', '_spf.office.test', 'v=spf1 ip4:198.51.100.1 -all');
    },
    ['should SPF', 'should SPF'],
    /more than 10 questions/,
  ],
  'no record of a key that signs': [
    (z) => z.spoil('TXT', recordName(KEY)),
    ['should DKIM'],
    /rsa-1\._domainkey\.office\.test\. IN TXT "v=DKIM1; k=rsa; p=A+" "A+"/,
  ],
  'a key that is cut off': [
    (z) => z.spoil('TXT', recordName(KEY), recordText(KEY).slice(0, 255)),
    ['should DKIM'],
    /cut off/,
  ],
  'a key that waits': [
    (z) => {
      z.keys = [KEY, { ...KEY, selector: 'rsa-2', state: 'waiting' }];
    },
    ['should DKIM'],
    /waits for its record/,
  ],
  'the record of an old key gone too soon': [
    (z) => {
      z.keys = [KEY, { ...KEY, selector: 'rsa-0', state: 'retired', since: NOW - 6 * DAY }];
    },
    ['nice DKIM'],
    /still on its way/,
  ],
  'the record of an old key that may go': [
    (z) => {
      const old = { ...KEY, selector: 'rsa-0', state: 'retired' as const, since: NOW - 8 * DAY };
      z.keys = [KEY, old];
      z.spoil('TXT', recordName(old), recordText(old));
    },
    ['nice DKIM'],
    /may be removed/,
  ],
  'no DMARC record': [
    (z) => z.spoil('TXT', '_dmarc.office.test'),
    ['should DMARC'],
    /_dmarc\.office\.test\. IN TXT "v=DMARC1; p=none/,
  ],
  'two DMARC records': [
    (z) => z.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; p=none', 'v=DMARC1; p=reject'),
    ['should DMARC'],
    /2 DMARC records/,
  ],
  'a DMARC record without a policy': [
    (z) => z.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; rua=mailto:postmaster@office.test'),
    ['should DMARC'],
    /says no p/,
  ],
  'DMARC reports that nobody reads': [
    (z) => z.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; p=reject; rua=mailto:dmarc@office.test'),
    ['should DMARC'],
    /Nobody reads dmarc@office\.test/,
  ],
  'DMARC reports to who does not want them': [
    (z) => z.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; p=reject; rua=mailto:a@reports.example!10m'),
    ['nice DMARC'],
    /office\.test\._report\._dmarc\.reports\.example\. IN TXT "v=DMARC1"/,
  ],
  'no MTA-STS record': [
    (z) => z.spoil('TXT', '_mta-sts.office.test'),
    ['nice MTA-STS'],
    /mta-sts\.office\.test\. IN CNAME/,
  ],
  'an MTA-STS record of an older policy': [
    (z) => z.spoil('TXT', '_mta-sts.office.test', 'v=STSv1; id=1'),
    ['should MTA-STS'],
    /another id/,
  ],
  'an MTA-STS record without a policy': [
    (z) => {
      z.zone = { ...z.zone, facts: { ...z.zone.facts, policyId: null } };
    },
    ['should MTA-STS'],
    /serves none/,
  ],
  'a host that the policy does not name': [
    (z) => {
      z.zone = { ...z.zone, policyMode: 'enforce' };
      z.spoil('MX', 'office.test', { preference: 10, exchange: HOST }, { preference: 20, exchange: 'mx.example.net' });
    },
    ['should MTA-STS'],
    /does not name mx\.example\.net.*\n.*mtaSts\.mx/,
  ],
  'a policy that names no host of the domain': [
    (z) => {
      z.zone = { ...z.zone, policyMode: 'enforce', policyHosts: ['*.mail.office.test'] };
    },
    ['must MTA-STS'],
    /does not name mail\.office\.test/,
  ],
  'a policy host that leads elsewhere': [
    (z) => z.spoil('CNAME', 'mta-sts.office.test', 'www.example.net'),
    ['should MTA-STS'],
    /mta-sts\.office\.test has no address/,
  ],
  'a policy to enforce without a certificate': [
    (z) => {
      const [own] = z.zone.certificates(HOST);
      z.zone = { ...z.zone, policyMode: 'enforce', certificates: () => [own!] };
    },
    ['must MTA-STS', 'should MTA-STS'],
    /no certificate for mail\.office\.test/,
  ],
  'no TLS reports': [
    (z) => z.spoil('TXT', '_smtp._tls.office.test'),
    ['nice TLSRPT'],
    /_smtp\._tls\.office\.test\. IN TXT "v=TLSRPTv1/,
  ],
  'no SRV record': [
    (z) => z.spoil('SRV', '_imaps._tcp.office.test'),
    ['nice SRV'],
    /_imaps\._tcp\.office\.test\. IN SRV 0 1 993/,
  ],
  'an SRV record that leads elsewhere': [
    (z) => z.spoil('SRV', '_imaps._tcp.office.test', { priority: 0, weight: 1, port: 993, target: 'imap.example.net' }),
    ['should SRV'],
    /leads to imap\.example\.net:993/,
  ],
  'no set-up name': [
    (z) => z.dns.zone.delete('CNAME autoconfig.office.test'),
    ['nice autoconfig'],
    /autoconfig\.office\.test\. IN CNAME mail\.office\.test\./,
  ],
  'a set-up name that leads elsewhere': [
    (z) => {
      z.dns.zone.delete('CNAME autodiscover.office.test');
      z.spoil('A', 'autodiscover.office.test', '192.0.2.99');
    },
    ['should autoconfig'],
    /leads elsewhere \(192\.0\.2\.99\)/,
  ],
  'a signed domain without TLSA records': [
    (z) => {
      z.dns.authentic = true;
    },
    ['nice DANE'],
    /_25\._tcp\.mail\.office\.test\. IN TLSA 3 1 1 [0-9a-f]{64}/,
  ],
  'a TLSA record of another certificate': [
    (z) => {
      z.dns.authentic = true;
      z.spoil('TLSA', `_25._tcp.${HOST}`, { ...z.tlsa(), certificate: Buffer.alloc(32) });
    },
    ['must DANE'],
    /deliver nothing/,
  ],
  'a TLSA record for browsers': [
    (z) => {
      z.dns.authentic = true;
      z.spoil('TLSA', `_25._tcp.${HOST}`, { ...z.tlsa(), usage: 1 });
    },
    ['should DANE'],
    /no kind that is for mail/,
  ],
  'a DNS that does not answer for a name': [
    (z) => z.dns.zone.set('TXT _dmarc.office.test', 'SERVFAIL'),
    ['should DMARC'],
    /could be found out about _dmarc\.office\.test/,
  ],
};

for (const [fault, [spoil, expected, told]] of Object.entries(FAULTS)) {
  test(`${fault} is found, and nothing else`, async (t) => {
    const zone = await CheckedZone.open(t);
    spoil(zone);
    assert.deepEqual(await zone.faults(), expected);
    const findings = (await zone.findings()).filter(({ state }) => state !== 'good');
    assert.match(findings.map(({ text, why, lines }) => [text, why, ...lines].join('\n')).join('\n'), told);
    for (const { state, why } of findings)
      assert.equal(why === '', state === 'unknown', 'what is wrong is told with its reason');
    assert.equal(
      findings.some(isTrouble),
      expected.some((one) => !one.startsWith('nice')),
    );
  });
}

test('a TLSA record of the certificate is found good', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.dns.authentic = true;
  zone.spoil('TLSA', `_25._tcp.${HOST}`, zone.tlsa());
  assert.deepEqual(await zone.faults(), []);
  assert.ok((await zone.findings()).some(({ about, state }) => about === 'DANE' && state === 'good'));
});

test('where all mail leaves through a provider, nothing is asked of the addresses of this server', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.zone = { ...zone.zone, relay: 'smtp.provider.example' };
  zone.spoil('PTR', reverseName(FOUR));
  zone.spoil('TXT', 'office.test', 'v=spf1 include:_spf.provider.example -all');
  zone.spoil('TXT', '_spf.provider.example', 'v=spf1 ip4:198.51.100.1 -all');
  assert.deepEqual(await zone.faults(), []);
  assert.ok(
    (await zone.findings()).some(({ text }) => /smtp\.provider\.example, through which its mail leaves/.test(text)),
  );
});

test('certificates with a new key each time are not told to be named in the DNS', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.dns.authentic = true;
  zone.zone = { ...zone.zone, newKeys: true };
  assert.deepEqual(await zone.faults(), []);
});

test('an MX record may name this server otherwise, and the policy then does, too', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.spoil('MX', 'office.test', { preference: 10, exchange: 'mx.office.test' });
  zone.spoil('A', 'mx.office.test', FOUR);
  zone.spoil('AAAA', 'mx.office.test', SIX);
  zone.zone = { ...zone.zone, policyMode: 'enforce', policyHosts: ['mx.office.test'] };
  assert.deepEqual(await zone.faults(), ['must MTA-STS']);
  assert.ok((await zone.findings()).some(({ text }) => /no certificate for mx\.office\.test/.test(text)));
  await zone.certify('mx.office.test', 'mta-sts.office.test');
  assert.deepEqual(await zone.faults(), []);
  assert.ok(
    (await zone.findings()).some(({ text }) => /mx\.office\.test, another name of mail\.office\.test/.test(text)),
  );
});

test('of a domain below another the policy for such domains counts, and reports may go there', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.zone = { ...zone.zone, facts: { ...zone.zone.facts, domain: 'shop.office.test' } };
  const told = async () => (await zone.findings()).filter(({ about }) => about === 'DMARC').map(({ text }) => text);
  zone.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; p=reject; sp=none');
  assert.deepEqual(await told(), ['office.test says p=none for domains below it (sp).']);
  zone.spoil('TXT', '_dmarc.office.test', 'v=DMARC1; p=quarantine');
  assert.deepEqual(await told(), ['office.test says p=quarantine.']);
  zone.spoil('TXT', '_dmarc.shop.office.test', 'v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@office.test');
  assert.deepEqual(await told(), ['shop.office.test says p=reject.']);
});

test('a line for the zone has strings of 255 bytes at most', async (t) => {
  const zone = await CheckedZone.open(t);
  const record = `v=spf1 ${'ip4:198.51.100.100/32 '.repeat(12)}~all`;
  zone.spoil('TXT', 'office.test', record);
  const [line] = (await zone.findings()).find(({ about, state }) => about === 'SPF' && state === 'wrong')!.lines;
  const [, first, ...rest] = line!.split('"');
  assert.equal(first!.length, 255);
  assert.equal(
    [first, ...rest].filter((part) => part?.trim() !== '').join(''),
    record.replace(' ', ' ip4:192.0.2.25 '),
  );
});

test('a server that takes no mail needs no MX record, and what a top-level domain says counts for nobody', async (t) => {
  const zone = await CheckedZone.open(t);
  zone.zone = { ...zone.zone, facts: { ...zone.zone.facts, takesMail: false } };
  // Named it is all the same: a router may lead port 25 to another one here.
  assert.deepEqual(await zone.faults(), []);
  zone.spoil('MX', 'office.test');
  zone.spoil('TXT', 'office.test', `v=spf1 a:${HOST} -all`);
  zone.spoil('TXT', '_dmarc.office.test');
  zone.spoil('TXT', '_dmarc.test', 'v=DMARC1; p=reject');
  assert.deepEqual(await zone.faults(), ['should DMARC']);
});
