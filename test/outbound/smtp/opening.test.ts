/** Coming to where a message can be given: greetings, EHLO, TLS, signing in. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Unreachable } from '../../../src/outbound/peer.ts';
import { type Certificate, selfSigned } from '../../helpers/authority.ts';
import { freePort } from '../../helpers/ports.ts';
import { saslPlain } from '../../helpers/sasl-plain.ts';
import { type ScriptedPeerOptions, scriptedPeer } from '../scripted-peer.ts';
import { BODY, connectTo, given, saying } from './client-room.ts';

const ANYONE = { rejectUnauthorized: false } as const;
const ANNA = { user: 'anna@office.test', password: 'a very Gute Idee: größer' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

let certificate: Certificate;
before(async () => {
  certificate = await selfSigned('mx.test');
});

const isUnreachable =
  (text: RegExp, tls = false) =>
  (error: unknown) => {
    assert.ok(error instanceof Unreachable, String(error));
    assert.match(`${error.said.reply} ${error.said.status} ${error.said.text}`, text);
    assert.equal(error.tls, tls);
    return true;
  };

test('a greeting of many lines is one, and byte by byte it is the same', async (t) => {
  const greeting = '220-mx.test\r\n220-No spam here.\r\n220 We mean it.';
  for (const slowly of [false, true]) {
    const scripted = await scriptedPeer(t, { slowly, says: saying({ greeting }) });
    const peer = await connectTo(t, scripted);
    assert.deepEqual(await given(peer), [250, 250]);
    assert.equal(scripted.taken[0]!.body, BODY);
  }
});

test('a peer that does not know EHLO is asked in the old way, and for nothing new', async (t) => {
  const scripted = await scriptedPeer(t, { says: saying({ EHLO: '502 5.5.1 what?' }) });
  const peer = await connectTo(t, scripted, { tls: { mode: 'opportunistic', options: ANYONE } });
  assert.deepEqual(await given(peer), [250, 250]);
  assert.deepEqual(scripted.lines, [
    ...['EHLO mail.office.test', 'HELO mail.office.test', 'MAIL FROM:<anna@office.test>'],
    ...['RCPT TO:<carl@example.net>', 'RCPT TO:<dora@example.net>', 'DATA'],
  ]);
  assert.deepEqual([peer.offers('SIZE'), peer.secure, peer.relaysNotices], [false, false, false]);
});

test('a peer that turns us away is told goodbye, and tried later', async (t) => {
  for (const [what, text] of [
    [{ greeting: '554 5.3.2 closed' }, /^451 4\.3\.2 554 5\.3\.2 closed$/],
    [{ greeting: '354 go on' }, /^451 4\.3\.2 it answers with 354 go on$/],
    [{ EHLO: '451 4.3.0 later' }, /^451 4\.3\.0 later$/],
    [{ EHLO: '502 what?', HELO: '550 5.7.1 no' }, /^451 4\.7\.1 550 5\.7\.1 no$/],
  ] as const) {
    const scripted = await scriptedPeer(t, { says: saying(what) });
    await assert.rejects(connectTo(t, scripted), isUnreachable(text));
    await scripted.alone();
    assert.equal(scripted.lines.at(-1), 'QUIT');
  }
  const busy = await scriptedPeer(t, { says: saying({ greeting: '421 4.3.2 too busy' }) });
  await assert.rejects(connectTo(t, busy), isUnreachable(/^421 4\.3\.2 too busy$/));
});

test('a peer that has ended with 421 between two messages takes no other', async (t) => {
  const scripted = await scriptedPeer(t, { says: saying({ body: '250 2.0.0 taken\r\n421 4.3.2 that is enough' }) });
  const peer = await connectTo(t, scripted);
  assert.deepEqual(await given(peer), [250, 250]);
  assert.equal(peer.over, true);
  assert.deepEqual(await given(peer), [421, 421]);
  assert.equal(scripted.taken.length, 1);
});

test('whatever is said in the clear behind the answer to STARTTLS is forgotten', async (t) => {
  for (const injects of [
    '250-mx.test\r\n250 REQUIRETLS\r\n',
    '250-mx.test\r\n250-RE',
    '421 4.3.2 bye\r\n',
    '\0',
    'oh\r\n',
  ]) {
    const scripted = await scriptedPeer(t, { tls: certificate, injects });
    const peer = await connectTo(t, scripted, { tls: { mode: 'required', options: ANYONE } });
    assert.deepEqual([peer.secure, peer.offers('REQUIRETLS'), peer.offers('SIZE')], [true, false, true]);
    assert.deepEqual(await given(peer), [250, 250]);
    assert.equal(scripted.taken[0]!.secure, true);
  }
});

test('what was offered in the clear is not offered under TLS until it is said again', async (t) => {
  let greeted = 0;
  const says = (command: string) => {
    const offered = command === 'EHLO' && ++greeted === 1 ? '250-mx.test\r\n250-STARTTLS\r\n250 DSN' : undefined;
    return command === 'EHLO' ? (offered ?? '250-mx.test\r\n250 PIPELINING') : undefined;
  };
  const peer = await connectTo(t, await scriptedPeer(t, { tls: certificate, says }), {
    tls: { mode: 'required', options: ANYONE },
  });
  assert.deepEqual([peer.offers('DSN'), peer.offers('PIPELINING')], [false, true]);
});

test('TLS that is refused is done without, where it may be', async (t) => {
  const refusing: ScriptedPeerOptions = { tls: certificate, says: saying({ STARTTLS: '454 4.7.0 not now' }) };
  const peer = await connectTo(t, await scriptedPeer(t, refusing), { tls: { mode: 'opportunistic', options: ANYONE } });
  assert.deepEqual([peer.secure, peer.offers('SIZE')], [false, true]);
  assert.deepEqual(await given(peer), [250, 250]);
  await assert.rejects(
    connectTo(t, await scriptedPeer(t, refusing), { tls: { mode: 'required', options: ANYONE } }),
    isUnreachable(/^454 4\.7\.10 TLS could not be turned on: not now$/, true),
  );
  const leaving = await scriptedPeer(t, { tls: certificate, says: saying({ STARTTLS: '421 4.3.2 bye' }) });
  await assert.rejects(
    connectTo(t, leaving, { tls: { mode: 'opportunistic', options: ANYONE } }),
    isUnreachable(/^421 4\.3\.2 bye$/),
  );
  const silent = await scriptedPeer(t);
  await assert.rejects(
    connectTo(t, silent, { tls: { mode: 'required', options: ANYONE } }),
    isUnreachable(/^454 4\.7\.10 .*not offered$/, true),
  );
  assert.ok(!silent.lines.includes('STARTTLS'));
});

test('one signs in by PLAIN, or else by LOGIN, or not at all', async (t) => {
  const offering = (auth: string) => ['PIPELINING', auth];
  const plain = saslPlain(ANNA.user, ANNA.password);
  const login = {
    'AUTH LOGIN': '334 VXNlcm5hbWU6',
    [base64(ANNA.user)]: '334 UGFzc3dvcmQ6',
    [base64(ANNA.password)]: '235 2.7.0 welcome',
  };
  for (const [extensions, what, lines] of [
    [offering('AUTH LOGIN PLAIN'), { [`AUTH PLAIN ${plain}`]: '235 2.7.0 welcome' }, [`AUTH PLAIN ${plain}`]],
    [offering('AUTH CRAM-MD5 LOGIN'), login, Object.keys(login)],
  ] as const) {
    const scripted = await scriptedPeer(t, { extensions, says: saying({ ...what, AUTH: '504 5.5.4 what?' }) });
    const peer = await connectTo(t, scripted, { credentials: ANNA });
    assert.deepEqual(scripted.lines.slice(1), lines);
    assert.deepEqual(await given(peer), [250, 250]);
  }
  const cram = await scriptedPeer(t, { extensions: offering('AUTH CRAM-MD5') });
  await assert.rejects(
    connectTo(t, cram, { credentials: ANNA }),
    isUnreachable(/^454 4\.7\.8 it does not let us sign in: it offers neither PLAIN nor LOGIN$/),
  );
});

test('a password that is too long for a command goes on a line of its own', async (t) => {
  const credentials = { user: 'anna', password: 'x'.repeat(500) };
  const response = saslPlain('anna', credentials.password);
  const says = saying({ 'AUTH PLAIN': '334 ', [response]: '235 2.7.0 welcome' });
  const scripted = await scriptedPeer(t, { extensions: ['AUTH PLAIN'], says });
  await connectTo(t, scripted, { credentials });
  assert.deepEqual(scripted.lines.slice(1), ['AUTH PLAIN', response]);
});

test('a password that is not the one is ours to set right: mail waits', async (t) => {
  for (const what of [{ AUTH: '535 5.7.8 wrong' }, { 'AUTH LOGIN': '334 ', [base64(ANNA.user)]: '535 5.7.8 wrong' }]) {
    const extensions = ['AUTH' in what ? 'AUTH PLAIN' : 'AUTH LOGIN'];
    const scripted = await scriptedPeer(t, { extensions, says: saying(what) });
    const error = isUnreachable(/^454 4\.7\.8 it does not let us sign in: wrong$/);
    await assert.rejects(connectTo(t, scripted, { credentials: ANNA }), error);
    assert.equal(scripted.lines.at(-1) === base64(ANNA.password), false);
  }
});

test('a server that stops closes its connections at once, whatever they wait for', async (t) => {
  const scripted = await scriptedPeer(t, { says: saying({ MAIL: 'silence' }) });
  const stopping = new AbortController();
  const peer = await connectTo(t, scripted, { signal: stopping.signal });
  const sending = given(peer);
  stopping.abort();
  assert.deepEqual(await sending, [451, 451]);
  await scripted.alone();
  await assert.rejects(connectTo(t, scripted, { signal: stopping.signal }), Unreachable);
});

test('what the network says is told in words, with its own', async (t) => {
  const port = await freePort();
  await assert.rejects(
    connectTo(t, { port }),
    isUnreachable(/^451 4\.4\.1 no mail server listens there \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)$/),
  );
  await assert.rejects(
    connectTo(t, { port }, { localAddress: '192.0.2.77' }),
    isUnreachable(/^451 4\.4\.1 this machine does not have the address .* outbound\.localAddresses \(.*EADDRNOTAVAIL/),
  );
});
