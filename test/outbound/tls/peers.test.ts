/** Hosts with TLS of every brokenness, and what each is good for: to mail without wishes, under MTA-STS, under DANE. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { reach, type TlsWish } from '../../../src/outbound/reach.ts';
import { Authority, type Certificate, selfSigned, trustedAuthority } from '../../helpers/authority.ts';
import { PeerRoom, tlsaFor } from '../peer-room.ts';
import { PATIENT, type ScriptedPeerOptions } from '../scripted-peer.ts';

const REQUIRETLS = { extensions: ['PIPELINING', '8BITMIME', 'REQUIRETLS'] };

const authority = await trustedAuthority();

const saying = (command: string, said: string) => (each: string) => (each === command ? said : undefined);

/** A certificate of which each host below has one. */
async function certificates(name: string): Promise<Readonly<Record<string, Certificate>>> {
  return {
    good: await authority.issue([name]),
    expired: await authority.issue([name], { expired: true }),
    'of another': await authority.issue(['other.test']),
    'self-signed': await selfSigned(name),
    'of an unknown authority': await (await Authority.make('Nobody')).issue([name]),
  };
}

test('a certificate matters as much as the domain asks for: not at all, under MTA-STS, or by its record (DANE)', async (t) => {
  const room = await PeerRoom.open(t);
  //                  for mail without wishes, under MTA-STS, under DANE with the record of this certificate
  const expected: Readonly<Record<string, readonly [string, string, string]>> = {
    good: ['unverified', 'mta-sts', 'dane'],
    expired: ['unverified', '454 4.7.5', 'dane'],
    'of another': ['unverified', '454 4.7.5', 'dane'],
    'self-signed': ['unverified', '454 4.7.5', 'dane'],
    'of an unknown authority': ['unverified', '454 4.7.5', 'dane'],
  };
  const made = await certificates('mx.test');
  for (const [number, [kind, tls]] of Object.entries(made).entries()) {
    const outcome: string[] = [];
    for (const way of ['plain', 'sts', 'dane']) {
      const domain = `${way}${number}.test`;
      const host = `mx.${domain}`;
      const own = kind === 'good' ? await authority.issue([host]) : tls;
      await room.host(host, { tls: own });
      room.domain(domain, host);
      if (way === 'sts') await room.policy(domain, 'enforce', host);
      if (way === 'dane') room.tlsa(host, tlsaFor('3 1 1', own.cert));
      outcome.push((await room.reach(domain)).replace(/ at .*/, ''));
    }
    assert.deepEqual(outcome, expected[kind], kind);
  }
});

test('where TLS breaks or is not there, mail goes in clear unless the domain asks for more', async (t) => {
  const room = await PeerRoom.open(t);
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const hosts: Readonly<Record<string, (tls: Certificate) => ScriptedPeerOptions>> = {
    'TLS 1.1 at most': (tls) => ({ tls: { ...tls, ...old } }),
    'a dropped handshake': (tls) => ({ tls, handshake: 'drop' }),
    'garbage for a handshake': (tls) => ({ tls, handshake: 'garbage' }),
    'no handshake at all': (tls) => ({ tls, handshake: 'silence' }),
    'STARTTLS refused': (tls) => ({ tls, says: saying('STARTTLS', '454 4.7.0 not now') }),
    'STARTTLS refused for good': (tls) => ({ tls, says: saying('STARTTLS', '554 5.7.0 never') }),
    'STARTTLS not offered': () => ({ says: saying('STARTTLS', '502 5.5.1 what?') }),
    'STARTTLS unheard of, and answered all the same': () => ({}),
    'no EHLO': () => ({ says: saying('EHLO', '502 5.5.1 what?') }),
  };
  // At once, since one never answers.
  const reached = (domain: string, greeting: number) =>
    room.reach(domain, 'usual', { ...room.options, limits: { ...PATIENT, greeting } });
  const looks = Object.entries(hosts).map(async ([kind, options], number) => {
    const host = `mx${number}.test`;
    const own = await authority.issue([host]);
    await room.host(host, options(own));
    for (const way of ['plain', 'sts', 'trial']) room.domain(`${way}${number}.test`, host);
    await room.policy(`sts${number}.test`, 'enforce', host);
    await room.policy(`trial${number}.test`, 'testing', host);
    room.alsoCalled(`signed${number}.test`, host);
    room.tlsa(`signed${number}.test`, tlsaFor('3 1 1', own.cert));
    room.domain(`dane${number}.test`, `signed${number}.test`);
    const patience = kind === 'no handshake at all' ? 2_000 : PATIENT.greeting;
    const ways = ['plain', 'trial', 'sts', 'dane'].map((way) => reached(`${way}${number}.test`, patience));
    assert.deepEqual(await Promise.all(ways), [`none at ${host}`, `none at ${host}`, '454 4.7.10', '454 4.7.10'], kind);
  });
  await Promise.all(looks);
});

test('DANE: records that match, and those that do not', async (t) => {
  const room = await PeerRoom.open(t);
  const root = await Authority.make('Root');
  const middle = await root.below('Middle');
  let number = 0;
  const reached = async (own: Certificate, ...records: Parameters<PeerRoom['tlsa']>[1][]): Promise<string> => {
    const host = `mx${++number}.test`;
    await room.host(host, { tls: own });
    room.domain(`d${number}.test`, host);
    room.tlsa(host, ...records);
    return (await room.reach(`d${number}.test`)).replace(/ at .*/, '');
  };
  const forHost = (issuer: Authority, options = {}) => issuer.issue([`mx${number + 1}.test`], options);

  const own = await forHost(middle);
  for (const numbers of ['3 1 1', '3 0 1', '3 1 2', '3 0 2', '3 0 0', '3 1 0']) {
    assert.equal(await reached(own, tlsaFor(numbers, own.cert)), 'dane', numbers);
  }
  const other = await forHost(root);
  assert.equal(await reached(own, tlsaFor('3 1 1', other.cert)), '454 4.7.5');
  assert.equal(
    await reached(own, tlsaFor('3 1 1', other.cert), tlsaFor('3 1 1', own.cert)),
    'dane',
    'while it changes',
  );
  assert.equal(await reached(own, tlsaFor('3 1 1', middle.own)), '454 4.7.5', 'an authority is not the host itself');
  for (const numbers of ['2 0 1', '2 1 1', '2 0 0', '2 1 2']) {
    assert.equal(await reached(await forHost(middle), tlsaFor(numbers, middle.own)), 'dane', numbers);
    assert.equal(await reached(await forHost(middle), tlsaFor(numbers, root.own)), 'dane', `${numbers} of the root`);
  }
  assert.equal(await reached(own, tlsaFor('2 1 1', own.cert)), '454 4.7.5', 'a host is not its own authority');
  assert.equal(
    await reached(await middle.issue(['other.test']), tlsaFor('2 1 1', middle.own)),
    '454 4.7.5',
    'its name',
  );
  assert.equal(await reached(await forHost(middle, { expired: true }), tlsaFor('2 1 1', middle.own)), '454 4.7.5');
  const forger = await middle.below('Who may issue nothing', false);
  assert.equal(await reached(await forHost(forger), tlsaFor('2 1 1', root.own)), '454 4.7.5', 'issued by who may not');
  // RFC 7672 3.2.2: the name may be that of the domain, too.
  assert.equal(await reached(await middle.issue([`d${number + 1}.test`]), tlsaFor('2 1 1', middle.own)), 'dane');
});

test('what was said in the clear after STARTTLS counts for nothing', async (t) => {
  const room = await PeerRoom.open(t);
  const tls = await authority.issue(['mx.test']);
  const says = saying('STARTTLS', '220 2.0.0 go on\r\n250-mx.test\r\n250 REQUIRETLS');
  await room.host('mx.test', { tls, says });
  room.domain('example.test', 'mx.test');
  assert.equal(await room.reach('example.test'), 'unverified at mx.test');
  assert.equal(await room.reach('example.test', 'required'), '550 5.7.30');
});

test('the next host is used when the first can not be trusted', async (t) => {
  const room = await PeerRoom.open(t);
  await room.host('a.test', { tls: await selfSigned('a.test') });
  await room.host('b.test', { tls: await authority.issue(['b.test']) });
  await room.host('c.test', { tls: await authority.issue(['c.test']) });
  room.domain('sts.test', 'c.test', 'a.test', 'b.test');
  await room.policy('sts.test', 'enforce', 'a.test', 'b.test');
  assert.equal(await room.reach('sts.test'), 'mta-sts at b.test', 'c is not in the policy, a not what it says');
  room.alsoCalled('d.test', 'a.test');
  room.dns.zone.set(`TLSA _${room.options.port}._tcp.d.test`, 'SERVFAIL');
  room.domain('dane.test', 'd.test', 'b.test');
  assert.equal(await room.reach('dane.test'), 'unverified at b.test', 'nobody can say what d’s certificate is');
  room.domain('alone.test', 'd.test');
  assert.equal(await room.reach('alone.test'), '451 4.4.3');
  assert.equal(await room.reach('alone.test', 'required'), '451 4.4.3', 'it may be found out later');
});

test('a domain of many hosts that do not answer is left alone after a while, and the rest of them tried another time', async (t) => {
  const room = await PeerRoom.open(t);
  const says = saying('greeting', '421 4.3.2 not now');
  const hosts = ['a.test', 'b.test', 'c.test', 'd.test'];
  const peers = await Promise.all(hosts.map((name) => room.host(name, { says })));
  room.domain('example.test', ...hosts);
  const reached = (triedFor: number) => room.reach('example.test', 'usual', { ...room.options, triedFor });
  const connections = () => peers.map((peer) => peer.connections);
  assert.equal(await reached(0), '421 4.3.2');
  assert.deepEqual(connections(), [1, 1, 0, 0]);
  assert.equal(await reached(60_000), '421 4.3.2');
  assert.deepEqual(connections(), [2, 2, 1, 1]);
  // Nor is it the end for mail that the others might take.
  await room.host('without.test', { tls: await authority.issue(['without.test']) });
  room.alsoCalled('either.test', 'without.test');
  room.domain('secret.test', 'without.test', 'either.test', 'a.test');
  const required = (triedFor: number) => room.reach('secret.test', 'required', { ...room.options, triedFor });
  assert.equal(await required(0), '451 4.4.1');
  assert.equal(await required(60_000), '421 4.3.2');
});

test('mail that wants TLS all the way goes where that is so, and else comes back', async (t) => {
  const room = await PeerRoom.open(t);
  await room.host('without.test', { tls: await authority.issue(['without.test']) });
  await room.host('with.test', { ...REQUIRETLS, tls: await authority.issue(['with.test']) });
  await room.host('stranger.test', { ...REQUIRETLS, tls: await selfSigned('stranger.test') });
  await room.host('plain.test', { ...REQUIRETLS, says: saying('STARTTLS', '502 5.5.1 what?') });
  room.address('dead.test');
  const reached = async (...hosts: readonly string[]) => {
    const domain = `to.${hosts.join('.')}`;
    room.domain(domain, ...hosts);
    return room.reach(domain, 'required');
  };
  assert.equal(await reached('with.test'), 'verified at with.test');
  assert.equal(await reached('without.test', 'plain.test', 'stranger.test', 'with.test'), 'verified at with.test');
  assert.equal(await reached('without.test'), '550 5.7.30');
  assert.equal(await reached('plain.test'), '550 5.7.10');
  assert.equal(await reached('stranger.test'), '550 5.7.10');
  assert.equal((await reached('dead.test', 'without.test')).slice(0, 3), '451', 'one may be there later');
  assert.equal(await room.reach('[127.0.0.1]', 'required'), '550 5.7.10', 'an address has no name to prove');

  room.dns.authentic = false;
  assert.equal(await reached('with.test', 'with.test'), '550 5.7.10', 'nobody has signed whose hosts these are');
  room.domain('listed.test', 'with.test');
  await room.policy('listed.test', 'testing', 'with.test');
  assert.equal(await room.reach('listed.test', 'required'), 'verified at with.test');
});

test('a route is protected as it says, and never less than the sender wants', async (t) => {
  const room = await PeerRoom.open(t);
  await room.host('plain.test', { says: saying('STARTTLS', '502 5.5.1 what?') });
  await room.host('strange.test', { ...REQUIRETLS, tls: await selfSigned('strange.test') });
  await room.host('good.test', { ...REQUIRETLS, tls: await authority.issue(['good.test']) });
  const ways = ['opportunistic', 'required', 'verified'] as const;
  const reached = async (host: string, wish: TlsWish = 'usual') =>
    Promise.all(ways.map((tls) => room.reachBy({ domains: ['*'], host, port: room.options.port, tls }, wish)));
  assert.deepEqual(await reached('plain.test'), ['none at plain.test', '454 4.7.10', '454 4.7.10']);
  assert.deepEqual(await reached('strange.test'), [
    'unverified at strange.test',
    'unverified at strange.test',
    '454 4.7.5',
  ]);
  assert.deepEqual(await reached('good.test'), [
    'unverified at good.test',
    'unverified at good.test',
    'verified at good.test',
  ]);
  assert.deepEqual(await reached('strange.test', 'required'), Array(3).fill('550 5.7.10'));
  assert.deepEqual(await reached('good.test', 'required'), Array(3).fill('verified at good.test'));

  await room.host('first.test', { ...REQUIRETLS, tls: await authority.issue(['first.test']), implicit: true });
  await room.host('odd.test', { tls: await selfSigned('odd.test'), implicit: true });
  const fromTheFirstByte = async (host: string, wish: TlsWish) =>
    room.reachBy({ domains: ['*'], host, port: room.options.port, tls: 'implicit' }, wish);
  assert.equal(await fromTheFirstByte('first.test', 'usual'), 'verified at first.test');
  assert.equal(await fromTheFirstByte('first.test', 'required'), 'verified at first.test');
  assert.equal(await fromTheFirstByte('odd.test', 'usual'), '454 4.7.5');
  assert.equal(await fromTheFirstByte('odd.test', 'required'), '550 5.7.10');
});

test('mail whose sender waives TLS follows what the domain wants, and goes without where that can not be', async (t) => {
  const room = await PeerRoom.open(t);
  await room.host('good.test', { tls: await authority.issue(['good.test']) });
  await room.host('strange.test', { tls: await selfSigned('strange.test') });
  await room.host('plain.test', { says: saying('STARTTLS', '502 5.5.1 what?') });
  const reached = async (host: string, listed = host) => {
    room.domain(`to.${host}`, host);
    await room.policy(`to.${host}`, 'enforce', listed);
    return room.reach(`to.${host}`, 'waived');
  };
  assert.equal(await reached('good.test'), 'mta-sts at good.test');
  assert.equal(await reached('strange.test'), 'unverified at strange.test');
  assert.equal(await reached('strange.test', 'good.test'), 'unverified at strange.test', 'it is not in the policy');
  assert.equal(await reached('plain.test'), 'none at plain.test');
  const { alone, peer } = await reach('to.plain.test', 'waived', room.options);
  assert.equal(alone, true, 'the next message begins anew');
  peer.quit();
  const route = { domains: ['*'], host: 'strange.test', port: room.options.port, tls: 'verified' } as const;
  assert.equal(await room.reachBy(route, 'waived'), '454 4.7.5', 'what the administrator wants is not waived');
});

test('mail that wants TLS all the way says so to the next', async (t) => {
  const room = await PeerRoom.open(t);
  const scripted = await room.host('with.test', { ...REQUIRETLS, tls: await authority.issue(['with.test']) });
  room.domain('example.test', 'with.test');
  const { peer } = await reach('example.test', 'required', room.options);
  const message = {
    sender: 'anna@office.test',
    recipients: ['carl@example.test'],
    sizeBytes: 20,
    options: { requireTls: true },
    notify: [],
    original: '',
  };
  const [result] = await peer.send(message, () => Readable.from([Buffer.from('Subject: Secret\r\n\r\n')]));
  assert.equal(result!.reply, 250);
  assert.match(scripted.lines.find((line) => line.startsWith('MAIL'))!, / REQUIRETLS\b/);
  peer.quit();
});
