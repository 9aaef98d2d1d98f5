/** Peers that break off, talk without end, answer what nobody asked, or lie: nobody's mail is taken for sent, and nothing is left open. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { Peer, type PeerLimits, type PeerMessage, Unreachable } from '../../src/outbound/peer.ts';
import { PATIENT, type Saying, type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from './scripted-peer.ts';

const RECIPIENTS = ['carl@example.net', 'dora@example.net'];
const BODY = 'Subject: Offer\r\n\r\nThat is all.\r\n';
const MESSAGE: PeerMessage = {
  sender: 'anna@office.test',
  recipients: RECIPIENTS,
  sizeBytes: BODY.length,
  options: {},
  notify: [],
  original: '',
};
/** For peers that never answer. */
const LIMITS = { connect: 20_000, greeting: 2_000, silence: 2_000, message: 3_000 };
/** Every how manyth byte a connection breaks off at; all of them in a long run. */
const STEP = Number(process.env['RAINMAIL_TEST_BYTE_STEP'] ?? 7);
/** More than what is read ahead of somebody who does not read: the buffers of both ends. */
const READ_AHEAD = 16e6;

interface Outcome {
  /** Of each recipient; `unreachable` when it did not come to that. */
  readonly replies: readonly number[] | 'unreachable';
  readonly status: readonly string[];
  /** Messages that the peer said it has. */
  readonly taken: number;
}

/** One message on one connection, and all that was open for it is closed after it. */
async function sent(scripted: ScriptedPeer, limits: PeerLimits = PATIENT): Promise<Outcome> {
  const before = scripted.taken.length;
  const opened: Readable[] = [];
  const open = () => {
    opened.push(Readable.from([Buffer.from(BODY)]));
    return opened[0]!;
  };
  let peer: Peer | undefined;
  try {
    const tls = { mode: 'none', options: {} } as const;
    peer = await Peer.connect({ address: '127.0.0.1', port: scripted.port, helo: 'a.test', tls, limits });
    const results = await peer.send(MESSAGE, open);
    assert.ok(opened.length <= 1 && opened.every(({ destroyed }) => destroyed), 'what reads the message is closed');
    return {
      replies: results.map(({ reply }) => reply),
      status: results.map(({ status }) => status),
      taken: scripted.taken.length - before,
    };
  } catch (error) {
    assert.ok(error instanceof Unreachable, String(error));
    return { replies: 'unreachable', status: [error.said.status], taken: scripted.taken.length - before };
  } finally {
    peer?.close();
    await scripted.alone();
  }
}

const saying =
  (what: Readonly<Record<string, Saying>>) =>
  (command: string, line: string): Saying | undefined =>
    what[line] ?? what[command];

async function repliesOf(t: TestContext, options: ScriptedPeerOptions): Promise<Outcome['replies']> {
  return (await sent(await scriptedPeer(t, options))).replies;
}

test('a peer that goes at any byte of what it says has taken nothing, unless it said so to the end', async (t) => {
  for (const extensions of [['PIPELINING', 'SIZE 10000'], []]) {
    for (let said = 0, whole = false; !whole; said += STEP) {
      const { replies, taken } = await sent(await scriptedPeer(t, { extensions, goesAfter: { said } }));
      whole = taken === 1;
      const expected = replies === 'unreachable' ? replies : whole ? [250, 250] : [451, 451];
      assert.deepEqual(replies, expected, `after ${said} bytes`);
    }
  }
});

test('a peer that goes at any byte of what it hears has taken nothing', async (t) => {
  for (const extensions of [['PIPELINING'], []]) {
    for (let heard = 0, whole = false; !whole; heard += STEP) {
      const { replies, taken } = await sent(await scriptedPeer(t, { extensions, goesAfter: { heard } }));
      whole = taken === 1;
      const expected = replies === 'unreachable' ? replies : whole ? [250, 250] : [451, 451];
      assert.deepEqual(replies, expected, `after ${heard} bytes`);
    }
  }
});

test('a peer that goes on and on, fast or slow, is left', async (t) => {
  for (const how of ['endless', 'trickle'] as const) {
    const steps = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'body'].map(async (step) => {
      const scripted = await scriptedPeer(t, { says: saying({ [step]: how }) });
      const { replies, taken } = await sent(scripted, LIMITS);
      const early = step === 'greeting' || step === 'EHLO';
      assert.deepEqual(replies, early ? 'unreachable' : [451, 451], `${how} ${step}`);
      assert.ok(taken === 0 && scripted.endless < READ_AHEAD, `${how} ${step}: ${scripted.endless} bytes`);
    });
    await Promise.all(steps);
  }
});

test('a peer that says more than it was asked, or the wrong thing, has taken nothing', async (t) => {
  for (const extensions of [['PIPELINING'], []]) {
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { MAIL: '250 2.1.0 fine\r\n250 2.1.5 fine' },
      { RCPT: '250 2.1.5 fine\r\n250 2.0.0 taken\r\n250 2.0.0 taken' },
      { DATA: '250 2.0.0 taken' },
      { body: '354 go on' },
      { body: 'taken' },
      { MAIL: '354 go on' },
      { RCPT: '354 go on' },
    ];
    for (const what of wrong) {
      const replies = await repliesOf(t, { extensions, says: saying(what) });
      assert.deepEqual(replies, [451, 451], JSON.stringify(what));
    }
  }
});

test('a refusal is told as it was said, however many lines, and in which bytes', async (t) => {
  const scripted = await scriptedPeer(t, {
    says: saying({
      'RCPT TO:<carl@example.net>': '550-5.1.1 nobody\r\n550-5.1.1 of that\r\n550 5.1.1 n\xe4me\x1b[31m\0',
      'RCPT TO:<dora@example.net>': `450 4.2.1 ${'later '.repeat(1_000)}`,
    }),
  });
  const tls = { mode: 'none', options: {} } as const;
  const peer = await Peer.connect({ address: '127.0.0.1', port: scripted.port, helo: 'a.test', tls, limits: PATIENT });
  const [carl, dora] = await peer.send(MESSAGE, () => Readable.from([Buffer.from(BODY)]));
  assert.deepEqual(carl, {
    address: RECIPIENTS[0],
    reply: 550,
    status: '5.1.1',
    text: 'nobody of that näme [31m',
    theirs: true,
  });
  assert.ok(dora!.reply === 450 && dora!.text.length <= 512);
  peer.close();
  await scripted.alone();
});

test('what a peer says of sizes is believed only where it hurts nobody', async (t) => {
  const by = (size: string, more: Readonly<Record<string, string>> = {}) =>
    scriptedPeer(t, { extensions: [size], says: saying(more) });
  assert.deepEqual((await sent(await by('SIZE 10'))).status, ['5.3.4', '5.3.4']);
  for (const size of ['SIZE', 'SIZE 0', 'SIZE 99999999999999999999', 'SIZE -1', 'SIZE much']) {
    assert.deepEqual((await sent(await by(size))).replies, [250, 250], size);
  }
  const liar = await by('SIZE 10000000', { body: '552 5.3.4 too large after all' });
  assert.deepEqual(await sent(liar), { replies: [552, 552], status: ['5.3.4', '5.3.4'], taken: 0 });
});

test('a peer that ends with 421 at any step is tried again', async (t) => {
  for (const step of ['MAIL', 'RCPT', 'DATA', 'body']) {
    const replies = await repliesOf(t, { says: saying({ [step]: '421 4.3.2 closing' }) });
    assert.deepEqual(replies, [421, 421], step);
  }
});

test('a peer that refuses a message and then does not let us begin anew has refused it, and is left', async (t) => {
  const steps = (['drop', 'silence', 'trickle', '500 5.5.1 what?'] as const).map(async (step) => {
    const scripted = await scriptedPeer(t, { says: saying({ body: '554 5.7.1 no', RSET: step }) });
    const tls = { mode: 'none', options: {} } as const;
    const peer = await Peer.connect({ address: '127.0.0.1', port: scripted.port, helo: 'a.test', tls, limits: LIMITS });
    const results = await peer.send(MESSAGE, () => Readable.from([Buffer.from(BODY)]));
    assert.deepEqual(
      results.map(({ reply }) => reply),
      [554, 554],
      step,
    );
    assert.equal(peer.over, true, step);
    await scripted.alone();
  });
  await Promise.all(steps);
});
