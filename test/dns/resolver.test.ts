/** What the resolver makes of what DNS servers say, over real sockets. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { Resolver, type ResolverOptions } from '../../src/dns/resolver.ts';
import { Refused } from '../../src/errors.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import fc from '../helpers/properties.ts';

/** Where an answer comes; a slow machine is no silent server. */
const PATIENT = 20_000;

function resolverOf(dns: ScriptedDns, options: Partial<ResolverOptions> = {}): Resolver {
  return new Resolver({ servers: [dns.server], validating: false, timeout: PATIENT, ...options });
}

const isUnavailable = (error: unknown) => error instanceof Refused && error.code === 'dns.unavailable';

test('records come in the form that their users want', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('MX', 'example.net', { preference: 10, exchange: 'MX.example.net.' }, { preference: 0, exchange: '.' });
  dns.say('A', 'mx.example.net', '192.0.2.1', '192.0.2.2');
  dns.say('AAAA', 'mx.example.net', '2001:db8::1');
  dns.say('TXT', 'example.net', ['v=spf1 ', '-all'], 'something else');
  dns.say('PTR', '1.2.0.192.in-addr.arpa', 'mx.example.net');
  dns.say('SRV', '_imaps._tcp.example.net', { priority: 1, weight: 2, port: 993, target: 'mail.example.net' });
  const certificate = Buffer.alloc(32, 7);
  dns.say('TLSA', '_25._tcp.mx.example.net', { usage: 3, selector: 1, matchingType: 1, certificate });
  const resolver = resolverOf(dns);
  const records = async (name: string, type: Parameters<Resolver['query']>[1]) =>
    (await resolver.query(name, type)).records;
  assert.deepEqual(await records('example.net', 'MX'), [
    { preference: 10, exchange: 'mx.example.net' },
    { preference: 0, exchange: '' }, // RFC 7505: no mail
  ]);
  assert.deepEqual(await records('mx.example.net', 'A'), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(await records('mx.example.net', 'AAAA'), ['2001:db8::1']);
  assert.deepEqual(await records('example.net', 'TXT'), ['v=spf1 -all', 'something else']);
  assert.deepEqual(await records('1.2.0.192.in-addr.arpa', 'PTR'), ['mx.example.net']);
  assert.deepEqual(await records('_imaps._tcp.example.net', 'SRV'), [
    { priority: 1, weight: 2, port: 993, target: 'mail.example.net' },
  ]);
  assert.deepEqual(await records('_25._tcp.mx.example.net', 'TLSA'), [
    { usage: 3, selector: 1, matchingType: 1, data: certificate },
  ]);
});

test('who has just changed a record does not hear the old one', async (t) => {
  const dns = await scriptedDns(t);
  const resolver = resolverOf(dns);
  dns.say('TXT', 'example.net', 'old');
  await resolver.query('example.net', 'TXT');
  dns.say('TXT', 'example.net', 'new');
  assert.deepEqual((await resolver.query('example.net', 'TXT')).records, ['old']);
  assert.deepEqual((await resolver.query('example.net', 'TXT', { fresh: true })).records, ['new']);
  assert.deepEqual((await resolver.query('example.net', 'TXT')).records, ['new']);
});

test('that there is none is an answer; that nobody could say is an error', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('A', 'example.net', '192.0.2.1');
  dns.zone.set('A broken.test', 'SERVFAIL');
  dns.zone.set('A refused.test', 'REFUSED');
  dns.zone.set('A silent.test', 'silence');
  const resolver = resolverOf(dns);
  const { records, missing } = await resolver.query('example.net', 'MX');
  assert.deepEqual({ records, missing }, { records: [], missing: false });
  assert.equal((await resolver.query('nobody.test', 'MX')).missing, true);
  for (const name of ['broken.test', 'refused.test']) await assert.rejects(resolver.query(name, 'A'), isUnavailable);
  await assert.rejects(resolverOf(dns, { timeout: 50 }).query('silent.test', 'A'), isUnavailable);
  await assert.rejects(resolverOf(dns, { servers: [] }).query('example.net', 'A'), isUnavailable);
});

test('the next server is asked when one can not say', async (t) => {
  const [broken, good] = [await scriptedDns(t), await scriptedDns(t)];
  broken.zone.set('A example.net', 'SERVFAIL');
  good.say('A', 'example.net', '192.0.2.1');
  const resolver = resolverOf(broken, { servers: [broken.server, good.server] });
  assert.deepEqual((await resolver.query('example.net', 'A')).records, ['192.0.2.1']);
});

test('an alias is followed, and one that goes round in circles has no records', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('CNAME', 'www.example.net', 'host.example.org');
  dns.say('A', 'host.example.org', '192.0.2.7');
  const resolver = resolverOf(dns);
  assert.deepEqual((await resolver.query('WWW.example.net.', 'A')).records, ['192.0.2.7']);
  const circle = ['a.test', 'b.test', 'a.test'];
  dns.zone.set(
    'A a.test',
    circle.slice(1).map((data, at) => ({ type: 'CNAME', name: circle[at]!, ttl: 60, data })),
  );
  assert.deepEqual((await resolver.query('a.test', 'A')).records, []);
});

test('an answer that is too long for UDP is fetched over TCP', async (t) => {
  const dns = await scriptedDns(t);
  dns.truncated = true;
  const long = Array.from({ length: 40 }, (_, at) => `v=DKIM1; p=${String(at).repeat(90)}`);
  dns.say('TXT', 'example.net', ...long);
  assert.deepEqual((await resolverOf(dns).query('example.net', 'TXT')).records, long);
  assert.deepEqual(dns.asked, ['TXT example.net', 'tcp TXT example.net']);
});

test('a server that is older than EDNS is asked without it', async (t) => {
  const dns = await scriptedDns(t);
  dns.old = true;
  dns.say('A', 'example.net', '192.0.2.1');
  assert.deepEqual((await resolverOf(dns).query('example.net', 'A')).records, ['192.0.2.1']);
  assert.equal((await resolverOf(dns).query('nobody.test', 'A')).missing, true);
});

test('the same question is asked once, and again when its time is over', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('A', 'example.net', '192.0.2.1'); // 300 s
  let now = 0;
  const resolver = resolverOf(dns, { clock: () => now });
  await Promise.all([resolver.query('example.net', 'A'), resolver.query('EXAMPLE.net', 'A')]);
  now = 299_000;
  await resolver.query('example.net', 'A');
  assert.equal(dns.asked.length, 1);
  now = 301_000;
  await resolver.query('example.net', 'A');
  assert.equal(dns.asked.length, 2);
  await resolver.query('nobody.test', 'A');
  await resolver.query('nobody.test', 'A');
  assert.equal(dns.asked.length, 3);
});

test('an answer is authentic only where the configuration says that its server can be believed', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('A', 'example.net', '192.0.2.1');
  dns.authentic = true;
  assert.equal((await resolverOf(dns).query('example.net', 'A')).authentic, false);
  assert.equal((await resolverOf(dns, { validating: true }).query('example.net', 'A')).authentic, true);
  dns.authentic = false;
  assert.equal((await resolverOf(dns, { validating: true }).query('example.net', 'A')).authentic, false);
});

test('answers to other questions, with other numbers, and noise are passed over', async (t) => {
  const liar = createSocket('udp4');
  t.after(() => liar.close());
  liar.on('message', (query, from) => {
    const { id = 0, questions = [] } = decode(query);
    const answer = (data: string) => [{ type: 'A' as const, name: 'example.net', ttl: 60, data }];
    const tell = (bytes: Buffer) => liar.send(bytes, from.port, from.address);
    tell(Buffer.from('noise'));
    tell(encode({ type: 'response', id: (id + 1) % 65_536, questions, answers: answer('192.0.2.66') }));
    const other = [{ type: 'A' as const, name: 'example.org' }];
    tell(encode({ type: 'response', id, questions: other, answers: answer('192.0.2.66') }));
    tell(encode({ type: 'query', id, questions, answers: answer('192.0.2.66') }));
    tell(encode({ type: 'response', id, questions, answers: answer('192.0.2.1') }));
  });
  liar.bind(0, '127.0.0.1');
  await once(liar, 'listening');
  const server = { host: '127.0.0.1', port: liar.address().port };
  const resolver = new Resolver({ servers: [server], validating: false });
  assert.deepEqual((await resolver.query('example.net', 'A')).records, ['192.0.2.1']);
});

test('a name that no domain can have is missing, and nobody is asked', async (t) => {
  const dns = await scriptedDns(t);
  const resolver = resolverOf(dns);
  for (const name of ['', '.', 'a..b', `${'a'.repeat(64)}.test`, `${'a.'.repeat(130)}test`, 'a b.test']) {
    assert.equal((await resolver.query(name, 'A')).missing, true, name);
  }
  assert.deepEqual(dns.asked, []);
});

test('whatever bytes a server sends, the outcome is an answer or a refusal', async (t) => {
  let bytes = Buffer.alloc(0);
  const noisy = createSocket('udp4');
  t.after(() => noisy.close());
  noisy.on('message', (query, from) =>
    noisy.send(Buffer.concat([query.subarray(0, 2), bytes]), from.port, from.address),
  );
  noisy.bind(0, '127.0.0.1');
  await once(noisy, 'listening');
  const server = { host: '127.0.0.1', port: noisy.address().port };
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
      bytes = Buffer.from(noise);
      const resolver = new Resolver({ servers: [server], validating: false, timeout: 5 });
      await resolver
        .query('example.net', 'MX')
        .catch((error: unknown) => assert.ok(isUnavailable(error), String(error)));
    }),
    { numRuns: 100 },
  );
});

test('what is remembered is bounded in bytes: answers as long as they come make room for each other', async (t) => {
  const dns = await scriptedDns(t);
  dns.truncated = true;
  const long = Array.from({ length: 240 }, (_, at) => String(at % 10).repeat(250)); // 60 KB
  const names = Array.from({ length: 300 }, (_, at) => `s${at}.example.net`);
  for (const name of names) dns.say('TXT', name, long);
  const resolver = resolverOf(dns);
  for (const name of names) await resolver.query(name, 'TXT');
  dns.asked.length = 0;
  await resolver.query(names.at(-1)!, 'TXT');
  assert.equal(dns.asked.length, 0);
  await resolver.query(names[0]!, 'TXT');
  assert.equal(dns.asked.length, 2);
});
