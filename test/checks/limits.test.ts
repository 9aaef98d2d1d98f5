/** How strangers who bring too much, ask for too many, or can't wait are kept in bounds. Over real SMTP; time is the test's own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LeakyBuckets } from '../../src/checks/limits/leaky-buckets.ts';
import { type Bound, Reception, type ReceptionOptions } from '../../src/checks/limits/reception.ts';
import { Tarpit } from '../../src/checks/limits/tarpit.ts';
import { defaults } from '../../src/config/schema.ts';
import { networks } from '../../src/config/units.ts';
import { type Client, type MailRoom, mailRoom } from '../helpers/mail-room.ts';

const LIMITS = defaults().strangers;
const HOUR = 3_600_000;

interface Bounded {
  readonly room: MailRoom;
  readonly turnedAway: Bound[];
  readonly slept: number[];
  pass(time: number): void;
}

async function boundedRoom(
  t: TestContext,
  limits: Partial<typeof LIMITS> = {},
  more: Partial<ReceptionOptions> = {},
): Promise<Bounded> {
  let now = 0;
  const turnedAway: Bound[] = [];
  const slept: number[] = [];
  const reception = new Reception({
    trusted: networks(['127.0.0.0/8']),
    greetingDelay: 0,
    limits: { ...LIMITS, ...limits },
    onTurnedAway: (bound) => turnedAway.push(bound),
    clock: () => now,
    sleep: async (time) => void slept.push(time),
    ...more,
  });
  const room = await mailRoom(t, { fromAfar: true, reception });
  return {
    room,
    turnedAway,
    slept,
    pass(time) {
      now += time;
    },
  };
}

async function arrive(room: MailRoom): Promise<Client> {
  const client = await room.connect('smtp');
  await client.ask('EHLO mx.sender.test');
  return client;
}

/** @returns the reply to MAIL, or to the RCPT after it */
async function bring(client: Client, sender: string, recipient = 'anna@office.test'): Promise<string> {
  const reply = await client.ask(`MAIL FROM:<${sender}>`);
  if (!reply.startsWith('250')) return reply;
  const answer = await client.ask(`RCPT TO:<${recipient}>`);
  await client.ask('RSET');
  return answer;
}

for (const [limit, bound] of [
  ['messagesByAddress', 'messages by address'],
  ['messagesByNetwork', 'messages by network'],
  ['messagesBySender', 'messages by sender'],
  ['recipientsByAddress', 'recipients by address'],
] as const) {
  test(`${bound}: who brings more is asked to come later, and later it is taken`, async (t) => {
    const { room, turnedAway, pass } = await boundedRoom(t, { [limit]: 3 });
    const client = await arrive(room);
    for (let count = 0; count < 3; count++) assert.match(await bring(client, 'a@pass.test'), /^250 /);
    assert.match(await bring(client, 'A@pass.test', 'ANNA@office.test'), /^451 4\.7\.1 Too many .* within an hour; /);
    assert.deepEqual(turnedAway, [bound]);
    pass(HOUR / 3);
    assert.match(await bring(client, 'a@pass.test'), /^250 /);
    assert.match(await bring(client, 'a@pass.test'), /^451 /);
  });
}

test('messages for recipient: those that were taken count, whoever brings them, and naming somebody does not', async (t) => {
  const { room, turnedAway, pass } = await boundedRoom(t, { messagesForRecipient: 3 });
  const client = await arrive(room);
  for (let count = 0; count < 10; count++) assert.match(await bring(client, 'a@pass.test'), /^250 /);
  for (let count = 0; count < 3; count++) {
    await client.ask('MAIL FROM:<a@pass.test>');
    for (const name of ['anna', 'Anna']) assert.match(await client.ask(`RCPT TO:<${name}@office.test>`), /^250 /);
    await client.ask('DATA');
    client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
    assert.match(await client.reply(), /^250 /);
  }
  assert.match(await bring(client, 'b@pass.test', 'ANNA@office.test'), /^451 4\.7\.1 Too many messages for this/);
  assert.deepEqual(turnedAway, ['messages for recipient']);
  await room.store.trace.flush();
  const rows = (await Array.fromAsync(room.store.trace.find({}))).flat();
  const refused = rows.flatMap(({ message }) => message.recipients.flatMap((each) => each.refused ?? []));
  assert.match(refused.join('\n'), /^451 4\.7\.1 Too many messages for this recipient/);
  pass(HOUR / 3);
  assert.match(await bring(client, 'a@pass.test'), /^250 /);
});

test('what somebody elsewhere sends in their name holds up nobody’s own mail', () => {
  const reception = new Reception({
    trusted: networks([]),
    greetingDelay: 0,
    limits: { ...LIMITS, messagesBySender: 1 },
  });
  reception.receive('198.51.100.1')!.begins('boss@partner.test');
  assert.throws(() => reception.receive('198.51.100.2')!.begins('boss@partner.test'), { code: 'limit.rate' });
  reception.receive('192.0.2.7')!.begins('boss@partner.test');
});

test('reports, which have no sender, are not counted as one sender’s', async (t) => {
  const { room } = await boundedRoom(t, { messagesBySender: 1 });
  const client = await arrive(room);
  for (let count = 0; count < 3; count++) assert.match(await bring(client, ''), /^250 /);
});

test('an address that connects again and again is asked to come later', async (t) => {
  const { room, turnedAway, pass } = await boundedRoom(t, { connectionsAMinute: 2 });
  for (let count = 0; count < 2; count++) await arrive(room);
  const third = await greeting(room);
  assert.match(third, /^421 4\.7\.1 mail\.office\.test Too many connections from 192\.0\.2\.7 within a minute/);
  assert.deepEqual(turnedAway, ['connections']);
  pass(30_000);
  assert.match(await greeting(room), /^220 /);
});

/** What a stranger reads before it has said anything; and where the server ends the connection, all of it. */
async function greeting(room: MailRoom, says = ''): Promise<string> {
  const socket = connect({ port: room.port('smtp'), host: '127.0.0.1' });
  socket.write(`PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n${says}`);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

test('a stranger who brings nothing for long is sent away, and a friend may stay', async (t) => {
  const roomFor = (trusted: string) => {
    const reception = new Reception({ trusted: networks([trusted]), greetingDelay: 0, limits: LIMITS });
    return mailRoom(t, { fromAfar: true, reception, smtp: { visit: 0 } });
  };
  const stranger = await (await roomFor('127.0.0.0/8')).connect('smtp');
  stranger.send('NOOP\r\n');
  assert.match(await stranger.untilEnd(), /^250 .*\r\n421 4\.4\.2 No message was brought for too long/);
  const friend = await (await roomFor('192.0.2.7')).connect('smtp');
  for (let count = 0; count < 3; count++) assert.match(await friend.ask('NOOP'), /^250 /);
});

test('who speaks before the greeting is turned away, who waits is greeted, and friends need not wait', async (t) => {
  const { room, turnedAway } = await boundedRoom(t, {}, { greetingDelay: 100 });
  assert.match(await greeting(room, 'EHLO spammer\r\n'), /^554 5\.5\.1 mail\.office\.test You spoke before/);
  assert.deepEqual(turnedAway, ['early talker']);
  assert.match(await greeting(room), /^220 /);
  const friends = await boundedRoom(t, {}, { greetingDelay: 30_000, trusted: networks(['192.0.2.7']) });
  assert.match(await greeting(friends.room, 'EHLO friend\r\n'), /^220 /);
});

test('a search for addresses gets slower with each, and comes to its end', async (t) => {
  const { room, turnedAway, slept, pass } = await boundedRoom(t, { unknownRecipients: 20 });
  const client = await arrive(room);
  await client.ask('MAIL FROM:<a@pass.test>');
  for (let count = 0; count < 20; count++) {
    assert.match(await client.ask(`RCPT TO:<guess${count}@office.test>`), /^550 5\.1\.1 /);
  }
  assert.deepEqual(slept, [1_000, 2_000, 4_000, 8_000, 16_000, ...Array(5).fill(20_000)]);
  assert.match(await client.ask('RCPT TO:<guess@office.test>'), /^421 4\.7\.1 /);
  assert.match(await greeting(room), /^421 4\.7\.1 .* asked for too many addresses that do not exist/);
  assert.deepEqual(turnedAway, ['unknown recipients', 'unknown recipients']);
  pass(HOUR);
  const later = await arrive(room);
  assert.match(await bring(later, 'a@pass.test'), /^250 /);
});

test('few wait in the tarpit at a time, and who goes away leaves it', async () => {
  const tarpit = new Tarpit({ most: 1_000_000, clock: () => 0 });
  const gone = new AbortController();
  for (let count = 0; count < 10; count++) assert.equal(await tarpit.missed('192.0.2.1', gone.signal), true);
  const waiting = Array.from({ length: 4 }, () => tarpit.missed('192.0.2.1', gone.signal));
  assert.equal(await tarpit.missed('192.0.2.1', gone.signal), false);
  gone.abort();
  assert.deepEqual(await Promise.all(waiting), [false, false, false, false]);
});

test('half a million addresses are counted in bounded memory, IPv6 by network', () => {
  const reception = new Reception({
    trusted: networks([]),
    greetingDelay: 0,
    limits: { ...LIMITS, messagesByAddress: 2 },
  });
  const buckets = new LeakyBuckets({ most: 1, per: HOUR }, () => 0, 1_000);
  for (let count = 0; count < 500_000; count++) {
    const address = `2001:db8:${(count >> 16).toString(16)}:${(count & 0xffff).toString(16)}::1`;
    if (count % 10 === 0) reception.receive(address)!.connects();
    buckets.add(address);
  }
  assert.equal(buckets.size, 1_000);
  // 192.0.2.1 within IPv6 is told as 192.0.2.1; two addresses of one /64 are one peer.
  reception.receive('2001:db8:f::1')!.begins('a@a.test');
  reception.receive('2001:db8:f::2')!.begins('b@b.test');
  assert.throws(() => reception.receive('2001:db8:f::3')!.begins('c@c.test'), { code: 'limit.rate' });
});

test('a bucket that is full has room again as it leaks, and never more than it holds', () => {
  let now = 0;
  const buckets = new LeakyBuckets({ most: 10, per: 1_000 }, () => now);
  for (let count = 0; count < 10; count++) {
    assert.ok(buckets.hasRoom('a'));
    buckets.add('a');
  }
  assert.ok(!buckets.hasRoom('a'));
  assert.ok(buckets.hasRoom('b'));
  now = 100;
  assert.ok(buckets.hasRoom('a'));
  now = 1_000_000;
  assert.equal(buckets.level('a'), 0);
});
