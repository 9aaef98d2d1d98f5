/** What an administrator is told of the way to a domain, with real names, hosts and connections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainWay } from '../../src/outbound/explain.ts';
import { Routes } from '../../src/outbound/route.ts';
import { selfSigned, trustedAuthority } from '../helpers/authority.ts';
import { PeerRoom, tlsaFor } from './peer-room.ts';

const authority = await trustedAuthority();

test('hosts in their order, what is known of each, and what a connection comes to', async (t) => {
  const room = await PeerRoom.open(t);
  const tls = await selfSigned('dane.test');
  await room.host('dane.test', { tls });
  room.tlsa('dane.test', tlsaFor('3 1 1', tls.cert));
  await room.host('plain.test', { says: (command) => (command === 'STARTTLS' ? '502 5.5.1 what?' : undefined) });
  await room.host('strange.test', { tls: await selfSigned('strange.test') });
  room.address('dead.test');
  room.domain('example.test', 'dane.test', 'plain.test', 'strange.test', 'dead.test');
  const before = await explainWay('carl@example.test', false, room.options);
  assert.equal(before.trouble, null);
  assert.deepEqual(
    before.hosts.map(({ name, signed, tlsa, protection, tries }) => [name, signed, tlsa, protection, tries]),
    [
      ['dane.test', true, 'usable', 'dane', null],
      ['plain.test', true, 'none', 'opportunistic', null],
      ['strange.test', true, 'none', 'opportunistic', null],
      ['dead.test', true, 'none', 'opportunistic', null],
    ],
  );

  await room.policy('example.test', 'enforce', 'dane.test', 'strange.test', 'dead.test');
  const { sts, hosts } = await explainWay('example.test', true, room.options);
  assert.deepEqual([sts!.mode, sts!.mx], ['enforce', ['dane.test', 'strange.test', 'dead.test']]);
  assert.deepEqual(
    hosts.map(({ protection, trouble, tries }) => [
      protection,
      trouble,
      tries!.map((each) => each.tls ?? each.trouble!.slice(0, 3)),
    ]),
    [
      ['dane', null, ['dane']],
      ['refused', 'the MTA-STS policy of example.test does not name plain.test', []],
      ['verified', null, ['454']],
      ['verified', null, ['451']],
    ],
  );
  assert.match(hosts[0]!.tries![0]!.cipher!, /^TLSv1\.3 TLS_/);
});

test('a domain that mail can not go to, and a route', async (t) => {
  const room = await PeerRoom.open(t);
  room.dns.say('MX', 'nomail.test', { preference: 0, exchange: '.' });
  room.dns.zone.set('MX broken.test', 'SERVFAIL');
  const trouble = async (domain: string) => (await explainWay(domain, true, room.options)).trouble;
  assert.equal(await trouble('nomail.test'), 'nomail.test says in the DNS that it takes no mail.');
  assert.equal(await trouble('missing.test'), 'There is no domain missing.test.');
  assert.match((await trouble('broken.test'))!, /^Nothing could be found out about broken\.test now/);
  await assert.rejects(explainWay('no domain', true, room.options), { code: 'directory.invalid' });
  const passes = async (domain: string) => (await explainWay(domain, true, room.options)).temporary;
  assert.deepEqual(
    [await passes('nomail.test'), await passes('missing.test'), await passes('broken.test')],
    [false, false, true],
  );

  const { port } = room.options;
  await room.host('smart.test', { tls: await authority.issue(['smart.test']) });
  const routes = new Routes([{ domains: ['*'], host: 'smart.test', port, tls: 'verified' }]);
  const { route, hosts } = await explainWay('example.org', true, { ...room.options, routes });
  assert.deepEqual(route, { host: 'smart.test', port });
  assert.deepEqual([hosts[0]!.tlsa, hosts[0]!.protection, hosts[0]!.tries![0]!.tls], [null, 'verified', 'verified']);
});

test('a route to localhost leads to this machine, a host that strangers call so does not', async (t) => {
  const room = await PeerRoom.open(t);
  const { port } = room.options;
  room.domain('strange.test', 'localhost');
  const routes = new Routes([{ domains: ['example.org'], host: 'localhost', port, tls: 'opportunistic' }]);
  const way = async (domain: string) => explainWay(domain, false, { ...room.options, routes });
  assert.deepEqual((await way('example.org')).hosts[0]!.addresses, ['127.0.0.1', '::1']);
  assert.deepEqual((await way('strange.test')).hosts, []);
});
