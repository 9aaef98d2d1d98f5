/** Every combination of SPF, DKIM, DMARC's policy and ARC: from what the DNS says to the header and to what becomes of the message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { arrive, checkedRoom, keyRecord, resultsIn, sealed, send, signed } from './helpers.ts';

const POLICIES = ['no-record', 'none', 'quarantine', 'reject'] as const;
type Asked = (typeof POLICIES)[number];

/** What the domain of the reverse path says; 192.0.2.7 is where the mail comes from. */
const SPF: Readonly<Record<string, string | 'SERVFAIL' | null>> = {
  pass: 'v=spf1 ip4:192.0.2.0/24 -all',
  fail: 'v=spf1 ip4:198.51.100.1 -all',
  softfail: 'v=spf1 ip4:198.51.100.1 ~all',
  neutral: 'v=spf1 ?all',
  none: null,
  permerror: 'v=spf1 ip4:nonsense -all',
  temperror: 'SERVFAIL',
};
const SENDERS = [...Object.keys(SPF), 'pass elsewhere'];
const SIGNATURES = ['pass', 'fail', 'none', 'temperror', 'pass elsewhere'] as const;
const SEALS = ['none', 'believed', 'not believed'] as const;

const authorOf = (asked: Asked): string => `${asked}.test`;

function writeDown(dns: ScriptedDns): void {
  dns.say('PTR', '7.2.0.192.in-addr.arpa', 'mx.sender.test');
  dns.say('A', 'mx.sender.test', '192.0.2.7');
  for (const domain of ['elsewhere.test', 'lists.test', 'evil.test', ...POLICIES.map(authorOf)]) {
    dns.say('TXT', `s1._domainkey.${domain}`, keyRecord('rsa'));
    dns.zone.set(`TXT broken._domainkey.${domain}`, 'SERVFAIL');
  }
  for (const asked of POLICIES) {
    if (asked !== 'no-record') dns.say('TXT', `_dmarc.${authorOf(asked)}`, `v=DMARC1; p=${asked}`);
  }
  for (const domain of ['elsewhere.test', ...POLICIES.map(authorOf)]) {
    for (const [name, record] of Object.entries(SPF)) {
      if (record === 'SERVFAIL') dns.zone.set(`TXT ${name}.${domain}`, 'SERVFAIL');
      else if (record === null) dns.say('A', `${name}.${domain}`, '192.0.2.9');
      else dns.say('TXT', `${name}.${domain}`, record);
    }
  }
}

/** A message of the author with a signature that comes to this. */
async function written(asked: Asked, signature: (typeof SIGNATURES)[number], subject: string): Promise<string> {
  const message = `From: Boss <boss@${authorOf(asked)}>\r\nTo: anna@office.test\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;
  switch (signature) {
    case 'none':
      return message;
    case 'pass':
      return signed(message, { domain: authorOf(asked) });
    case 'pass elsewhere':
      return signed(message, { domain: 'elsewhere.test' });
    case 'temperror':
      return signed(message, { domain: authorOf(asked), selector: 'broken' });
    case 'fail':
      return (await signed(message, { domain: authorOf(asked) })).replace('Hello.', 'Hello!');
  }
}

/** What DMARC has to say, and what becomes of the message: written down here once more, as the guide says it. */
function expected(asked: Asked, spf: string, signature: string, seal: string): { dmarc: string; fate: string } {
  if (asked === 'no-record') return { dmarc: 'none', fate: 'INBOX' };
  if (spf === 'pass' || signature === 'pass') return { dmarc: 'pass', fate: 'INBOX' };
  if (spf === 'temperror' || signature === 'temperror') return { dmarc: 'temperror', fate: 'INBOX' };
  if (seal === 'believed' || asked === 'none') return { dmarc: 'fail', fate: 'INBOX' };
  return { dmarc: 'fail', fate: asked === 'quarantine' ? 'Junk' : 'refused' };
}

interface Case {
  readonly subject: string;
  readonly asked: Asked;
  readonly spf: string;
  readonly signature: (typeof SIGNATURES)[number];
  readonly seal: (typeof SEALS)[number];
  readonly dmarc: string;
  readonly fate: string;
}

test('every combination comes to what the owner of the author’s domain asks for', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  const room = await checkedRoom(t, dns, { judging: { sealers: ['lists.test'] } });
  const clients = await Promise.all(Array.from({ length: 8 }, () => arrive(room)));
  const cases: Case[] = [];
  const replies = new Map<string, string>();
  for (const asked of POLICIES) {
    for (const spf of SENDERS) {
      for (const signature of SIGNATURES) {
        for (const seal of SEALS) {
          const subject = `${asked}, spf ${spf}, dkim ${signature}, arc ${seal}`;
          cases.push({ subject, asked, spf, signature, seal, ...expected(asked, spf, signature, seal) });
        }
      }
    }
  }
  const waiting = cases.values(); // shared: each client takes the next
  await Promise.all(
    clients.map(async (client) => {
      for (const each of waiting) {
        const { asked, spf, signature, seal, subject } = each;
        let message = await written(asked, signature, subject);
        const sealer = seal === 'believed' ? 'lists.test' : 'evil.test';
        if (seal !== 'none') message = await sealed(message, sealer, `dmarc=pass header.from=${authorOf(asked)}`);
        const domain = spf === 'pass elsewhere' ? 'pass.elsewhere.test' : `${spf}.${authorOf(asked)}`;
        replies.set(subject, await send(client, `boss@${domain}`, message));
      }
    }),
  );
  assert.equal(cases.length, POLICIES.length * SENDERS.length * SIGNATURES.length * SEALS.length);

  const found = new Map<string, string>();
  for (const folder of ['INBOX', 'Junk']) {
    for (const message of await room.folderOf('anna', folder)) {
      const [, subject = ''] = /^Subject: (.*)\r$/m.exec(message) ?? [];
      assert.ok(!found.has(subject), `twice: ${subject}`);
      found.set(subject, folder);
      const wanted = cases.find((each) => each.subject === subject)!;
      const [results, ...more] = resultsIn(message);
      assert.deepEqual(more, [], subject);
      assert.match(results!, /^mail\.office\.test; iprev=pass \(mx\.sender\.test\) policy\.iprev=192\.0\.2\.7; spf=/);
      assert.match(results!, new RegExp(`; spf=${wanted.spf.split(' ')[0]} .*smtp\\.mailfrom=`), subject);
      assert.match(results!, new RegExp(`; dkim=${wanted.signature.split(' ')[0]} `), subject);
      assert.match(results!, new RegExp(`; dmarc=${wanted.dmarc} .*header\\.from=`), subject);
      assert.equal(/; arc=pass /.test(results!), wanted.seal !== 'none', subject);
      assert.ok(message.indexOf('Authentication-Results') < message.indexOf('Received:'), 'above our Received line');
    }
  }
  for (const { subject, fate } of cases) {
    const reply = replies.get(subject)!;
    assert.equal(found.get(subject) ?? 'refused', fate, `${subject}: ${reply}`);
    assert.match(reply, fate === 'refused' ? /^550 5\.7\.26 .*reject\.test.*DMARC/ : /^250 2\.0\.0 /, subject);
  }
});
