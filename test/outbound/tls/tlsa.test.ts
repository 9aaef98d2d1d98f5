/** What the DNS says of certificates, asked over a real socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resolver } from '../../../src/dns/resolver.ts';
import { type Tlsa, tlsaOf } from '../../../src/outbound/tls/tlsa.ts';
import { scriptedDns } from '../../helpers/dns-server.ts';

const SHA256 = Buffer.alloc(32, 1);
const SHA512 = Buffer.alloc(64, 2);

const record = (usage: number, selector: number, matchingType: number, certificate: Buffer) => ({
  usage,
  selector,
  matchingType,
  certificate,
});

/** Usage, selector and matching type of those that count; or what was found instead. */
function told(tlsa: Tlsa): string {
  if (tlsa.kind !== 'usable') return tlsa.kind;
  return tlsa.records.map(({ usage, selector, matchingType }) => `${usage}${selector}${matchingType}`).join(' ');
}

test('nothing, nothing signed, nothing usable and nobody knows are told apart', async (t) => {
  const dns = await scriptedDns(t);
  const ask = (name: string, { signed = true, authentic = true, patience = 20_000 } = {}) => {
    dns.authentic = signed;
    const resolver = new Resolver({ servers: [dns.server], validating: true, timeout: patience });
    return tlsaOf({ name, authentic }, 25, resolver);
  };
  const tlsa = (name: string, ...data: readonly unknown[]) => {
    dns.say('A', name, '127.0.0.1');
    dns.say('TLSA', `_25._tcp.${name}`, ...data);
  };

  dns.say('A', 'none.test', '127.0.0.1');
  assert.equal(told(await ask('none.test')), 'none');

  tlsa('good.test', record(3, 1, 1, SHA256), record(2, 0, 2, SHA512));
  assert.equal(told(await ask('good.test')), '311 202');
  assert.equal(told(await ask('good.test', { signed: false })), 'none');
  const asked = dns.asked.length;
  assert.equal(told(await ask('good.test', { authentic: false })), 'none');
  assert.equal(dns.asked.length, asked, 'nobody is asked of a host whose name is not sure');

  tlsa('pkix.test', record(0, 1, 1, SHA256), record(1, 1, 1, SHA256));
  assert.equal(told(await ask('pkix.test')), 'unusable');
  tlsa('odd.test', record(3, 2, 1, SHA256), record(3, 1, 3, SHA256), record(3, 1, 1, SHA512), record(7, 1, 1, SHA256));
  assert.equal(told(await ask('odd.test')), 'unusable');
  tlsa('mixed.test', record(1, 1, 1, SHA256), record(3, 1, 1, SHA256), record(3, 1, 1, Buffer.alloc(31)));
  assert.equal(told(await ask('mixed.test')), '311');

  for (const broken of ['SERVFAIL', 'REFUSED', 'silence'] as const) {
    dns.say('A', `${broken.toLowerCase()}.test`, '127.0.0.1');
    dns.zone.set(`TLSA _25._tcp.${broken.toLowerCase()}.test`, broken);
    const patience = broken === 'silence' ? 1_000 : 20_000;
    assert.equal((await ask(`${broken.toLowerCase()}.test`, { patience })).kind, 'unknown', broken);
  }
});

test('of digests beside each other the strongest counts', async (t) => {
  const dns = await scriptedDns(t);
  dns.authentic = true;
  dns.say('A', 'mx.test', '127.0.0.1');
  dns.say(
    'TLSA',
    '_25._tcp.mx.test',
    record(3, 1, 1, SHA256),
    record(3, 1, 2, SHA512),
    record(3, 1, 0, SHA256),
    record(3, 0, 1, SHA256),
    record(2, 1, 1, SHA256),
  );
  const resolver = new Resolver({ servers: [dns.server], validating: true });
  assert.equal(told(await tlsaOf({ name: 'mx.test', authentic: true }, 25, resolver)), '312 310 301 211');
});

test('for a host that is an alias the name it stands for is asked first, then its own', async (t) => {
  const dns = await scriptedDns(t);
  dns.authentic = true;
  const resolver = new Resolver({ servers: [dns.server], validating: true });
  const baseOf = async (name: string) => {
    const tlsa = await tlsaOf({ name, authentic: true }, 25, resolver);
    return tlsa.kind === 'usable' ? tlsa.base : tlsa.kind;
  };
  for (const name of ['a', 'b', 'c']) {
    dns.say('CNAME', `${name}.test`, `real-${name}.test`);
    dns.say('A', `real-${name}.test`, '127.0.0.1');
  }
  dns.say('TLSA', '_25._tcp.real-a.test', record(3, 1, 1, SHA256));
  dns.say('TLSA', '_25._tcp.a.test', record(3, 1, 1, SHA256));
  dns.say('TLSA', '_25._tcp.b.test', record(3, 1, 1, SHA256));
  assert.deepEqual(await Promise.all(['a.test', 'b.test', 'c.test'].map(baseOf)), ['real-a.test', 'b.test', 'none']);
  dns.say('CNAME', 'far.test', 'a.test');
  assert.equal(await baseOf('far.test'), 'real-a.test');
  dns.say('CNAME', 'round.test', 'about.test');
  dns.say('CNAME', 'about.test', 'round.test');
  assert.equal(await baseOf('round.test'), 'none');
});
