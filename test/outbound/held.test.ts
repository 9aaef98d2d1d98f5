/** Mail that is to be there later (RFC 4865). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Here } from '../../src/outbound/here.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { DAY, SendingOffice } from './sending-office.ts';

test('mail for later is in Sent at once and with nobody before its time; then it is with all, here and elsewhere', async (t) => {
  const office = await SendingOffice.open(t);
  const { room, peer } = office;
  const before = nowSeconds();
  const reply = await office.submit('HOLDFOR=4', '<ben@office.test> NOTIFY=SUCCESS', '<carl@example.net>');
  assert.match(reply, /^250 2\.0\.0 Waits until 2\d{3}-/);
  const sent = (await room.store.mailboxes.list((await room.directory.account('anna@office.test')).id)).find(
    ({ role }) => role === 'sent',
  );
  assert.equal(sent?.total, 1);
  const waiting = await office.waiting();
  assert.deepEqual(
    waiting.map(({ address }) => address),
    ['ben@office.test', 'carl@example.net'],
  );
  for (const { due } of waiting) assert.ok(due >= before + 4);
  assert.deepEqual(await room.inbox('ben'), []);
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'carl@example.net sent']);
  assert.ok(nowSeconds() >= before + 4);
  const [message] = await room.inbox('ben');
  assert.match(
    message!,
    /^Return-Path: <anna@office\.test>\r\nDelivered-To: ben@office\.test\r\n(?:.*\r\n)*Subject: Party/,
  );
  assert.equal(peer.taken.length, 1);
  const [report, ...others] = await room.inbox('anna');
  assert.match(report!, /\r\nFinal-Recipient: rfc822; ben@office\.test\r\nAction: delivered\r\nStatus: 2\.1\.5\r\n/);
  assert.deepEqual(others, []);
  assert.deepEqual(await office.waiting(), []);
  assert.equal((await room.store.verify()).findings.length, 0);
});

test('who has it by several addresses has one copy, whose mailbox is full waits alone, and who asked hears of the rest', async (t) => {
  const office = await SendingOffice.open(t);
  const { room } = office;
  const by = room.directory.by('the test');
  await by.aliases.add('all@office.test', 'ben@office.test', 'cleo@office.test');
  await by.quotas.set({ scope: 'account', name: 'cleo@office.test' }, 1);
  const notify = 'NOTIFY=SUCCESS';
  await office.submit('HOLDFOR=1', ...['ben', 'anna', 'cleo'].map((one) => `<${one}@office.test> ${notify}`));
  assert.deepEqual(await office.known(3), [
    'anna@office.test sent',
    'ben@office.test sent',
    'cleo@office.test deferred',
  ]);
  const told = (await room.inbox('anna'))
    .map((text) => text.match(/(?<=Final-Recipient: rfc822; )\S+/g))
    .filter(Boolean);
  assert.deepEqual(told, [['ben@office.test', 'anna@office.test']]);
  assert.deepEqual(
    (await office.waiting()).map(({ address }) => address),
    ['cleo@office.test'],
  );
  await by.quotas.set({ scope: 'account', name: 'cleo@office.test' }, null);
  await office.submit('HOLDFOR=1', '<ben@office.test>', '<all@office.test>', '<cleo@office.test>');
  await office.known(6);
  assert.deepEqual([(await room.inbox('ben')).length, (await room.inbox('cleo')).length], [2, 1]);
});

test('where the mail goes is looked at when its time has come', async (t) => {
  const office = await SendingOffice.open(t);
  const { room } = office;
  await office.submit('HOLDFOR=86400', '<ben@office.test>', '<cleo@office.test>');
  await room.directory.by('the test').accounts.remove('cleo@office.test');
  await office.itIsTime();
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'cleo@office.test failed']);
  assert.equal((await room.inbox('ben')).length, 1);
  const [report] = await room.inbox('anna');
  assert.match(report!, /\r\nFinal-Recipient: rfc822; cleo@office\.test\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
});

test('what was taken for later goes on, though its sender may not send as that any more', async (t) => {
  const office = await SendingOffice.open(t);
  const { room } = office;
  await office.submit('HOLDFOR=86400', '<ben@office.test>', '<carl@example.net>');
  await room.directory.by('the test').accounts.rename('anna@office.test', 'annika@office.test', { keepOld: false });
  await office.itIsTime();
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'carl@example.net sent']);
  assert.equal((await room.inbox('ben')).length, 1);
});

test('whoever has it does not get it again, should the server have died before it noted that', async (t) => {
  const office = await SendingOffice.open(t);
  const { store, delivery, directory } = office.room;
  await office.submit('HOLDFOR=86400', '<ben@office.test>', '<cleo@office.test>');
  const [[first] = []] = await Array.fromAsync(store.queue.pages());
  const { message, recipients } = (await store.queue.message(first!.id))!;
  const [record] = await store.bodyRecords(message.account, [message.email]);
  const bytes = await store.bodies.whole(message.account, record!.email, record!.body);
  const here = new Here({ store, delivery: Promise.resolve(delivery), accountOf: (id) => directory.accountOf(id) });
  const deliver = async (some: typeof recipients) => {
    const outcomes = await here.deliver(message, some, bytes.length, async function* () {
      yield bytes;
    });
    return outcomes.map(({ recipient, kind }) => `${recipient.address} ${kind}`);
  };
  const [ben] = recipients as [(typeof recipients)[0]];
  assert.deepEqual(await deliver([ben]), ['ben@office.test sent']);
  assert.deepEqual(await deliver([ben]), []);
  assert.equal((await office.room.inbox('ben')).length, 1);
  assert.deepEqual(
    (await office.waiting()).map(({ address }) => address),
    ['cleo@office.test'],
  );
  assert.deepEqual(await deliver(recipients), ['cleo@office.test sent']);
  assert.deepEqual(await deliver(recipients), []);
  assert.deepEqual([(await office.room.inbox('ben')).length, (await office.room.inbox('cleo')).length], [1, 1]);
  assert.deepEqual((await store.verify()).findings, []);
});

test('mail may wait only as long as is announced, and only for people who signed in', async (t) => {
  const office = await SendingOffice.open(t);
  const client = await office.submission();
  const from = 'MAIL FROM:<anna@office.test>';
  for (const wrong of [
    `HOLDFOR=${30 * DAY + 1}`,
    'HOLDFOR=0',
    'HOLDUNTIL=soon',
    'HOLDFOR=1 HOLDUNTIL=2027-01-01T00:00:00Z',
  ]) {
    assert.match(await client.ask(`${from} ${wrong}`), /^501 5\.5\.4 /, wrong);
  }
  assert.match(await client.ask(`${from} HOLDUNTIL=2020-01-01T00:00:00Z`), /^250 /);
  const other = await office.room.connect('smtp');
  await other.ask('EHLO mx.test');
  assert.match(await other.ask('MAIL FROM:<carl@example.net> HOLDFOR=1'), /^555 /);
});
