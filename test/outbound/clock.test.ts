/** Mail that waits while the machine's clock is wrong. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nowSeconds } from '../../src/store/ids.ts';
import { SendingRoom } from './sending-room.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** The machine's clock, which a test sets: hours from the right time. */
function clock(t: TestContext) {
  const begun = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: begun });
  return { isAheadBy: (hours: number) => t.mock.timers.setTime(begun + hours * HOUR * 1_000) };
}

/** A queue whose looks are counted. */
async function countedRoom(t: TestContext, steadyAfter: number) {
  let looks = 0;
  const room = await SendingRoom.open(t, { steadyAfter, lookEvery: 1e9 }, (queue) => ({
    nextDue(after) {
      looks++;
      return queue.nextDue(after);
    },
  }));
  return { room, looks: () => looks };
}

test('a clock that is a day ahead for a while makes nobody fail, and nobody wait for a day', async (t) => {
  const { isAheadBy } = clock(t);
  const { room, looks } = await countedRoom(t, 60_000);
  let isGreylisting = true;
  const net = await room.domain('example.net', {
    says: (command) => (command === 'RCPT' && isGreylisting ? '450 4.2.1 greylisted' : undefined),
  });
  room.dns.zone.set('MX broken.test', 'SERVFAIL');
  const expires = nowSeconds() + 12 * HOUR;
  await room.send('Offer', ['carl@example.net'], { expires, warn: nowSeconds() + HOUR });
  const broken = ['First', 'Second', 'Third'];
  for (const subject of broken) await room.send(subject, ['dora@broken.test'], { expires });
  const later = nowSeconds() + 3 * DAY;
  const forLater = await room.send('For later', ['emil@example.net'], { due: later, expires: later + DAY });
  assert.deepEqual(await room.known(2), ['carl@example.net deferred', 'dora@broken.test deferred']);

  isAheadBy(24);
  room.dispatcher.wake();
  await room.known(4);
  await room.domain('example.org');
  await room.send('Sent meanwhile', ['fritz@example.org']);
  await room.known(5);
  assert.deepEqual(
    room.outcomes.map(({ kind }) => kind),
    ['deferred', 'deferred', 'deferred', 'deferred', 'sent'],
  );

  isAheadBy(0);
  isGreylisting = false;
  room.dns.say('MX', 'broken.test', { preference: 10, exchange: 'mx.example.net' });
  room.dispatcher.wake();
  await room.known(8); // the first to a domain that nobody knew of has minutes to wait by any clock
  assert.deepEqual(
    room.outcomes.slice(5).map(({ kind }) => kind),
    ['sent', 'sent', 'sent'],
  );
  assert.equal(net.taken.length, 3);
  assert.equal((await room.store.queue.message(forLater))!.recipients[0]!.due, later);
  assert.ok(looks() < 60, `${looks()} looks`);
});

test('a clock that is set back by a day keeps nobody waiting for it', async (t) => {
  const { isAheadBy } = clock(t);
  const { room, looks } = await countedRoom(t, 0);
  let isAway = true;
  const net = await room.domain('example.net', {
    says: (command) => (command === 'greeting' && isAway ? '421 4.3.2 later' : undefined),
  });
  for (const subject of ['Tried', 'Waits with it']) await room.send(subject, ['carl@example.net']);
  await room.known(1);
  isAway = false;
  isAheadBy(-24);
  await room.send('Sent after that', ['dora@example.net']);
  await room.known(4);
  assert.equal(net.taken.length, 3);
  assert.ok(looks() < 40, `${looks()} looks`);
});

test('what was put off by a clock that was wrong is brought forward at the next start, too', async (t) => {
  const { isAheadBy } = clock(t);
  const { room } = await countedRoom(t, 0);
  let isAway = true;
  const net = await room.domain('example.net', {
    says: (command) => (command === 'RCPT' && isAway ? '450 4.2.1 greylisted' : undefined),
  });
  isAheadBy(24);
  const many = Array.from({ length: 90 }, (_, at) => `p${at}@example.net`);
  for (let at = 0; at < 3; at++) await room.send(`Offer ${at}`, many);
  await room.known(270);
  await room.dispatcher.stop(60_000);
  isAheadBy(0);
  isAway = false;
  await room.restart();
  await room.known(540);
  assert.equal(net.taken.flatMap(({ recipients }) => recipients).length, 270);
});

test('what is over since the server was down is tried before it is given up', async (t) => {
  const room = await SendingRoom.open(t, { steadyAfter: 60_000 });
  await room.domain('example.net');
  const now = nowSeconds();
  const over = { due: now - 7 * DAY, warn: now - 6 * DAY, expires: now - 2 * DAY };
  await room.send('Offer', ['carl@example.net'], over);
  assert.deepEqual(await room.known(1), ['carl@example.net sent']);
});
