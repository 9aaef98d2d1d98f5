/** Giving mail to peers that behave, and to those that don't. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { Peer, type PeerMessage, type PeerOptions, Unreachable } from '../../src/outbound/peer.ts';
import { PATIENT, type Saying, type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from './scripted-peer.ts';

const MESSAGE: PeerMessage = {
  sender: 'anna@office.test',
  recipients: ['carl@example.net', 'dora@example.net'],
  sizeBytes: 60,
  options: {},
  notify: [],
  original: '',
};
const BODY = 'Subject: Offer\r\n\r\n.hidden\r\n..dots\r\n\r\nEnd.\r\n';
const body = () => Readable.from([Buffer.from(BODY)]);
const PLAIN: PeerOptions['tls'] = { mode: 'none', options: {} };
/** For peers that never answer. */
const LIMITS = { connect: 20_000, greeting: 1_500, silence: 1_500, message: 3_000 };

function connect({ port }: ScriptedPeer, more: Partial<PeerOptions> = {}): Promise<Peer> {
  return Peer.connect({ address: '127.0.0.1', port, helo: 'mail.office.test', tls: PLAIN, limits: PATIENT, ...more });
}

/** What it came to, by recipient. */
async function replies(
  t: Parameters<typeof scriptedPeer>[0],
  options: ScriptedPeerOptions,
  limits = PATIENT,
): Promise<number[]> {
  const peer = await connect(await scriptedPeer(t, options), { limits });
  try {
    return (await peer.send(MESSAGE, body)).map(({ reply }) => reply);
  } finally {
    peer.close();
  }
}

const saying =
  (what: Readonly<Record<string, Saying>>) =>
  (command: string, line: string): Saying | undefined =>
    what[line] ?? what[command];

test('a peer that behaves has every byte, and says so for each recipient', async (t) => {
  const scripted = await scriptedPeer(t);
  const peer = await connect(scripted);
  const results = await peer.send(MESSAGE, body);
  assert.deepEqual(results, [
    { address: 'carl@example.net', reply: 250, status: '2.0.0', text: 'taken', theirs: true },
    { address: 'dora@example.net', reply: 250, status: '2.0.0', text: 'taken', theirs: true },
  ]);
  const [taken] = scripted.taken;
  assert.deepEqual(taken, { sender: 'anna@office.test', recipients: MESSAGE.recipients, body: BODY, secure: false });
  peer.quit();
});

test('one connection serves many messages, also after one that was refused', async (t) => {
  let number = 0;
  const scripted = await scriptedPeer(t, {
    says: (command) => (command === 'body' && ++number === 2 ? '554 5.7.1 no spam here' : undefined),
  });
  const peer = await connect(scripted);
  const outcomes: number[] = [];
  for (let count = 0; count < 4; count++) {
    const [first] = await peer.send(MESSAGE, body);
    outcomes.push(first!.reply);
  }
  assert.deepEqual(outcomes, [250, 554, 250, 250]);
  assert.equal(scripted.connections, 1);
  peer.quit();
});

test('what a peer says of one recipient is that one’s alone', async (t) => {
  const says = saying({ 'RCPT TO:<dora@example.net>': '550 5.1.1 nobody of that name' });
  const peer = await connect(await scriptedPeer(t, { says }));
  const [carl, dora] = await peer.send(MESSAGE, body);
  assert.equal(carl!.reply, 250);
  const said = { reply: 550, status: '5.1.1', text: 'nobody of that name', theirs: true };
  assert.deepEqual(dora, { address: 'dora@example.net', ...said });
  peer.quit();
});

test('a refusal at any step is the answer for those it concerns', async (t) => {
  assert.deepEqual(await replies(t, { says: saying({ MAIL: '451 4.7.1 come back later' }) }), [451, 451]);
  assert.deepEqual(await replies(t, { says: saying({ RCPT: '550 5.7.1 not you' }) }), [550, 550]);
  assert.deepEqual(await replies(t, { says: saying({ DATA: '452 4.3.1 no room' }) }), [452, 452]);
  assert.deepEqual(await replies(t, { says: saying({ body: '550-5.7.1 no\r\n550 5.7.1 spam' }) }), [550, 550]);
});

test('addresses with letters beyond ASCII are for peers that know them, those with such a domain for all', async (t) => {
  const recipients = ['zoë@example.net', 'carl@example.net', 'dora@bücher.example'];
  const ignorant = await scriptedPeer(t);
  const without = await connect(ignorant);
  const results = await without.send({ ...MESSAGE, recipients }, body);
  assert.deepEqual(
    results.map(({ address, reply, status }) => `${address} ${reply} ${status}`),
    ['zoë@example.net 553 5.6.7', 'carl@example.net 250 2.0.0', 'dora@bücher.example 250 2.0.0'],
  );
  assert.deepEqual(ignorant.taken[0]!.recipients, ['carl@example.net', 'dora@xn--bcher-kva.example']);
  const fromZoe = await without.send({ ...MESSAGE, sender: 'zoë@office.test' }, body);
  assert.deepEqual(
    fromZoe.map(({ status }) => status),
    ['5.6.7', '5.6.7'],
  );
  assert.equal((await without.send(MESSAGE, body))[0]!.reply, 250, 'the connection is as good as before');
  without.quit();
  const knowing = await scriptedPeer(t, { extensions: ['SMTPUTF8', '8BITMIME'] });
  const peer = await connect(knowing);
  const known = await peer.send({ ...MESSAGE, recipients }, body);
  assert.deepEqual(
    known.map(({ reply }) => reply),
    [250, 250, 250],
  );
  const mails = () => knowing.lines.filter((line) => line.startsWith('MAIL'));
  assert.match(mails()[0]!, / SMTPUTF8\b/);
  await peer.send(MESSAGE, body);
  assert.doesNotMatch(mails()[1]!, /SMTPUTF8/);
  await peer.send({ ...MESSAGE, options: { utf8: true } }, body); // its header alone has such letters
  assert.match(mails()[2]!, / SMTPUTF8\b/);
  peer.quit();
});

test('a peer that falls silent, or goes, at any step leaves everybody to be tried again', async (t) => {
  const cases = ['MAIL', 'RCPT', 'DATA', 'body'].flatMap((step) =>
    ['silence', 'drop'].map(async (what) => {
      assert.deepEqual(await replies(t, { says: saying({ [step]: what }) }, LIMITS), [451, 451], `${step} ${what}`);
    }),
  );
  await Promise.all(cases); // at once: it is waited for the silent ones
});

test('a peer that can not be talked to is unreachable', async (t) => {
  for (const what of ['silence', 'drop', '554 5.3.2 closed', '421 4.3.2 too busy', 'nonsense']) {
    const scripted = await scriptedPeer(t, { says: saying({ greeting: what }) });
    await assert.rejects(connect(scripted, { limits: LIMITS }), Unreachable, what);
  }
  const gone = await scriptedPeer(t);
  await assert.rejects(connect({ port: 1 } as ScriptedPeer), Unreachable);
  gone.sockets.clear();
});

test('a peer that talks without end is cut off', async (t) => {
  const endless = await scriptedPeer(t, { says: saying({ greeting: `220-${'x'.repeat(1 << 20)}` }) });
  await assert.rejects(connect(endless), Unreachable);
});

test('TLS is used where it is offered, demanded where it must be, and left out where it breaks and may', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'peer.test' }]);
  const anyone = { rejectUnauthorized: false };
  const withTls = await scriptedPeer(t, { tls: { key, cert } });
  const safe = await connect(withTls, { tls: { mode: 'opportunistic', options: anyone } });
  assert.equal(safe.secure, true);
  await safe.send(MESSAGE, body);
  assert.equal(withTls.taken[0]!.secure, true);
  safe.quit();
  const without = await scriptedPeer(t);
  const open = await connect(without, { tls: { mode: 'opportunistic', options: anyone } });
  assert.equal(open.secure, false);
  open.quit();
  await assert.rejects(connect(without, { tls: { mode: 'required', options: anyone } }), Unreachable);
  const strict = { mode: 'required', options: { servername: 'peer.test' } } as const;
  await assert.rejects(connect(withTls, { tls: strict }), (error) => error instanceof Unreachable && error.tls);
  const refused = await scriptedPeer(t, { tls: { key, cert }, says: saying({ STARTTLS: '454 4.7.0 not now' }) });
  const fallen = await connect(refused, { tls: { mode: 'opportunistic', options: anyone } });
  assert.equal(fallen.secure, false);
  fallen.quit();
});

test('a certificate that is looked at and is not the one ends the connection before a message goes', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'peer.test' }]);
  const scripted = await scriptedPeer(t, { tls: { key, cert } });
  const tls: PeerOptions['tls'] = {
    mode: 'required',
    options: { rejectUnauthorized: false },
    verify: () => 'the certificate is none that the DNS names',
  };
  await assert.rejects(connect(scripted, { tls }), (error) => error instanceof Unreachable && error.tls);
  assert.equal(scripted.taken.length, 0);
});
