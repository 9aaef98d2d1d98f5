/** What a message comes to where a server answers in its own way, or in nobody's. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Peer } from '../../../src/outbound/peer.ts';
import fc from '../../helpers/properties.ts';
import { PATIENT, type Saying, type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from '../scripted-peer.ts';
import { BODY, bodyOf, connectTo, given, MESSAGE, results, saying } from './client-room.ts';

const PIPELINING = ['PIPELINING', '8BITMIME'];
const HUNDRED = Array.from({ length: 100 }, (_, number) => `user${number}@example.net`);

const SILENT = 'the peer says nothing any more';
/** Random scripts: more in a long run. */
const SCRIPTS = Number(process.env['RAINMAIL_TEST_PEER_SCRIPTS'] ?? 100);

/** A peer by the script, and a connection to it. */
async function meet(
  t: TestContext,
  options: ScriptedPeerOptions = {},
): Promise<{ scripted: ScriptedPeer; peer: Peer }> {
  const scripted = await scriptedPeer(t, options);
  return { scripted, peer: await connectTo(t, scripted) };
}

test('of a hundred recipients each hears what was said of it, whether they are named at once or one by one', async (t) => {
  for (const extensions of [PIPELINING, []]) {
    const says = (_command: string, line: string) => {
      const number = Number(/^RCPT TO:<user(\d+)@/.exec(line)?.[1] ?? 0);
      return number % 2 === 1 ? `550 5.1.1 not number ${number}` : undefined;
    };
    const { scripted, peer } = await meet(t, { extensions, says });
    const told = await results(peer, { recipients: HUNDRED });
    for (const [number, { address, reply, text }] of told.entries()) {
      assert.equal(address, HUNDRED[number]);
      assert.deepEqual([reply, text], number % 2 === 1 ? [550, `not number ${number}`] : [250, 'taken']);
    }
    assert.deepEqual(
      scripted.taken[0]!.recipients,
      HUNDRED.filter((_, number) => number % 2 === 0),
    );
    assert.equal(scripted.taken[0]!.body, BODY);
  }
});

test('all that can be said at once is, and only to those who can hear it', async (t) => {
  const heard = async (extensions: readonly string[]) => {
    let [atOnce, most] = [0, 0];
    const says = (command: string) => {
      if (command === 'EHLO' || command === 'body') return undefined;
      most = Math.max(most, ++atOnce);
      setImmediate(() => (atOnce = 0));
      return undefined;
    };
    const { peer } = await meet(t, { extensions, says });
    assert.deepEqual(await given(peer), [250, 250]);
    return most;
  };
  assert.equal(await heard(PIPELINING), 4);
  assert.equal(await heard([]), 1);
});

test('who wants a message that is for nobody gets an empty one, and its thanks count for nothing', async (t) => {
  const says = saying({ RCPT: '550 5.1.1 nobody', DATA: '354 go on', '.': '250 2.0.0 taken' });
  const { scripted, peer } = await meet(t, { extensions: PIPELINING, says });
  assert.deepEqual(await given(peer), [550, 550]);
  assert.deepEqual(
    scripted.lines.slice(-5).map((line) => line.slice(0, 4)),
    ['MAIL', 'RCPT', 'RCPT', 'DATA', '.'],
  );
  assert.equal(peer.over, false);
  const oneByOne = await meet(t, { extensions: [], says });
  assert.deepEqual(await given(oneByOne.peer), [550, 550]);
  assert.ok(!oneByOne.scripted.lines.includes('DATA'), 'where it is asked for one by one there is no DATA');
});

test('who refuses the sender and wants the message has none, not even an empty one', async (t) => {
  const { scripted, peer } = await meet(t, { extensions: PIPELINING, says: saying({ MAIL: '550 5.7.1 not you' }) });
  assert.deepEqual(await given(peer), [550, 550]);
  await scripted.alone();
  assert.equal(peer.over, true);
  assert.equal(scripted.taken.length, 0);
  assert.equal(scripted.lines.at(-1), 'DATA');
});

test('an answer too many or too few puts everybody off: nobody knows whose the others are', async (t) => {
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { [`RCPT TO:<${MESSAGE.recipients[0]}>`]: '550 5.1.1 nobody\r\n550 5.1.1 nobody' },
    { [`RCPT TO:<${MESSAGE.recipients[0]}>`]: '550 5.1.1 nobody', DATA: '250 2.0.0 taken' },
    { [`RCPT TO:<${MESSAGE.recipients[0]}>`]: '550 5.1.1 nobody', DATA: 'drop' },
    { RCPT: '354 go on' },
    { DATA: '354 go on\r\n250 2.0.0 taken' },
    { DATA: '354 go on\r\nwhat?' },
    { MAIL: '550-5.7.1 not you\r\n250 2.1.0 but you' },
  ];
  for (const what of wrong) {
    const { scripted, peer } = await meet(t, { extensions: PIPELINING, says: saying(what) });
    assert.deepEqual(await given(peer), [451, 451], JSON.stringify(what));
    assert.equal(peer.over, true);
    assert.equal(scripted.taken.length, 0);
  }
});

test('what was said of one recipient before the connection broke stands, where it is known whose it is', async (t) => {
  const carl = `RCPT TO:<${MESSAGE.recipients[0]}>`;
  for (const [step, what, reply] of [
    ['DATA', 'drop', 451],
    ['DATA', '421 4.3.2 bye', 421],
    ['body', 'drop', 451],
  ] as const) {
    const { peer } = await meet(t, { extensions: [], says: saying({ [carl]: '550 5.1.1 nobody', [step]: what }) });
    assert.deepEqual(await given(peer), [550, reply], `${step} ${what}`);
  }
  const { peer } = await meet(t, {
    extensions: PIPELINING,
    says: saying({ [carl]: '550 5.1.1 nobody', body: 'drop' }),
  });
  assert.deepEqual(await given(peer), [550, 451]);
});

test('a peer that refuses in the middle of a message has refused it; one that takes it there has not', async (t) => {
  async function* endless() {
    for (;;) yield Buffer.from('All work and no play.\r\n'.repeat(1_000));
  }
  for (const [said, reply] of [
    ['552 5.3.4 too much\r\n', 552],
    ['452 4.3.1 no room\r\n', 452],
    ['421 4.3.2 bye\r\n', 421],
    ['250 2.0.0 taken\r\n', 451],
    ['354 more\r\n', 451],
    ['enough\r\n', 451],
  ] as const) {
    const { scripted, peer } = await meet(t, { interrupts: { after: 100_000, with: said } });
    const told = await peer.send({ ...MESSAGE, sizeBytes: 100_000 }, endless);
    assert.deepEqual(
      told.map((each) => each.reply),
      [reply, reply],
      said,
    );
    assert.equal(peer.over, true);
    await scripted.alone();
  }
});

test('whatever a peer says at whatever step: what counts as taken it has taken, for those whom it took', async (t) => {
  const said = fc.option(
    fc.constantFrom<Saying>('250 fine', '250 a\r\n250 b', '450 no', '550 no', '354 go', '421 bye', 'what?', 'drop'),
    { nil: undefined, freq: 1 },
  );
  const [carl, dora] = MESSAGE.recipients.map((address) => `RCPT TO:<${address}>`) as [string, string];
  const steps = fc.record({ MAIL: said, [carl]: said, [dora]: said, DATA: said, '.': said, body: said });
  let script: Readonly<Record<string, Saying | undefined>> = {};
  let extensions: readonly string[] = [];
  const ehlo = () => ['250-peer.test', ...extensions.map((each) => `250-${each}`), '250 HELP'].join('\r\n');
  const scripted = await scriptedPeer(t, {
    says: (command, line) => (command === 'EHLO' ? ehlo() : (script[line] ?? script[command])),
  });
  const run = async (steps: typeof script, pipelining: boolean) => {
    [script, extensions] = [steps, pipelining ? PIPELINING : []];
    const before = scripted.taken.length;
    const peer = await connectTo(t, scripted);
    const told = await results(peer);
    peer.close();
    await scripted.alone();
    const taken = scripted.taken.slice(before);
    for (const { address, reply } of told) {
      if (reply < 300) assert.ok(taken.length === 1 && taken[0]!.recipients.includes(address));
      else assert.ok(reply >= 400);
    }
    // Nothing of the message was ever a command.
    assert.ok(
      scripted.lines.every((line) => !BODY.includes(`${line}\r\n`)),
      scripted.lines.join(' / '),
    );
    scripted.lines.length = 0;
  };
  await fc.assert(fc.asyncProperty(steps, fc.boolean(), run), { numRuns: SCRIPTS });
});

test('a message that can not be read to its end is not sent to its end', async (t) => {
  async function* broken() {
    yield Buffer.from('Subject: Offer\r\n\r\n'.padEnd(100_000, 'x'));
    throw new Error('the disk is gone');
  }
  const { scripted, peer } = await meet(t);
  await assert.rejects(peer.send(MESSAGE, broken), /the disk is gone/);
  assert.equal(peer.over, true);
  await scripted.alone();
  assert.equal(scripted.taken.length, 0);
});

test('a large message arrives as it is, in whatever pieces it is read', async (t) => {
  const { scripted, peer } = await meet(t);
  const lines = Array.from({ length: 40_000 }, (_, number) => `${'.'.repeat(number % 4)}line ${number}\r\n`);
  const whole = lines.join('');
  const pieces = [whole.slice(0, 10), whole.slice(10, 70_000), whole.slice(70_000, 70_001), whole.slice(70_001)];
  for (const chunks of [[whole], pieces, lines]) {
    const told = await peer.send({ ...MESSAGE, sizeBytes: whole.length }, () => bodyOf(...chunks));
    assert.deepEqual(
      told.map(({ reply }) => reply),
      [250, 250],
    );
    assert.ok(scripted.taken.at(-1)!.body === whole);
  }
});

test('nobody waits for nobody: a peer that hears nothing while it speaks, and speaks much', async (t) => {
  // More than the buffers of both ends hold, each way.
  const recipients = Array.from({ length: 10_000 }, (_, number) => `${'x'.repeat(800)}${number}@example.net`);
  const says = saying({ RCPT: `250 2.1.5 ${'fine '.repeat(250)}` });
  const { peer } = await meet(t, { extensions: PIPELINING, deafWhileSpeaking: true, says });
  assert.deepEqual(new Set(await given(peer, { recipients })), new Set([250]));
});

test('a peer that takes nothing more is left, and one that never comes to an end', async (t) => {
  async function* endless() {
    for (;;) yield Buffer.alloc(65_536, 'x\r\n');
  }
  const scripted = await scriptedPeer(t, {
    says: (command) => {
      if (command === 'DATA') for (const socket of scripted.sockets) setImmediate(() => socket.pause());
      return undefined;
    },
  });
  const deaf = await connectTo(t, scripted, { limits: { ...PATIENT, silence: 1_000 } });
  const told = await deaf.send(MESSAGE, endless);
  assert.deepEqual(told[0], { address: MESSAGE.recipients[0], reply: 451, status: '4.4.2', text: SILENT });
  assert.equal(deaf.over, true);

  const trickling = await scriptedPeer(t, { says: saying({ MAIL: 'trickle' }) });
  const slow = await connectTo(t, trickling, { limits: { ...PATIENT, message: 200 } });
  assert.deepEqual(
    (await results(slow)).map(({ text }) => text),
    Array(2).fill('the peer takes too long'),
  );
});
