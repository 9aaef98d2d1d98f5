/** Senders who want to hear that their mail is here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const PLAIN = saslPlain('anna@office.test', PASSWORD);

async function submit(room: MailRoom, from: string, recipients: readonly string[]): Promise<string> {
  const client = await room.connect('submission');
  await client.ask('EHLO laptop.test');
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 /);
  assert.match(await client.ask(`MAIL FROM:${from}`), /^250 /);
  for (const recipient of recipients) assert.match(await client.ask(`RCPT TO:${recipient}`), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
  return client.ask('Subject: Offer\r\n\r\nHello\r\n.');
}

const fates = (report: string) =>
  [...report.matchAll(/^Final-Recipient: rfc822; (\S+)\r\nAction: (\w+)/gm)].map(
    ([, address, action]) => `${address} ${action}`,
  );

test('who asked hears that the mail is in the mailbox, of each recipient for whom they asked, in one report', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben', 'cleo', 'dora'] });
  await room.directory.by('the test').aliases.add('all@office.test', 'ben@office.test', 'dora@office.test');
  const asked = [
    '<ben@office.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Ben@office.test',
    '<cleo@office.test>',
    '<all@office.test> NOTIFY=SUCCESS',
  ];
  assert.match(await submit(room, '<anna@office.test> ENVID=17', asked), /^250 /);
  const [report, ...others] = await room.inbox('anna');
  assert.deepEqual(others, []);
  assert.deepEqual(fates(report!), ['ben@office.test delivered', 'all@office.test delivered']);
  assert.match(report!, /\r\nSubject: Delivered: Offer\r\n/);
  assert.match(report!, /\r\nOriginal-Envelope-Id: 17\r\n/);
  assert.match(report!, /\r\nOriginal-Recipient: rfc822; Ben@office\.test\r\n/);
  assert.equal((await room.inbox('ben')).length, 1);
});

test('who asked for nothing, or for something else, hears nothing', async (t) => {
  const room = await mailRoom(t);
  for (const asked of ['', ' NOTIFY=NEVER', ' NOTIFY=FAILURE,DELAY']) {
    assert.match(await submit(room, '<anna@office.test>', [`<ben@office.test>${asked}`]), /^250 /);
  }
  assert.equal((await room.inbox('ben')).length, 3);
  assert.deepEqual(await room.inbox('anna'), []);
});

test('nobody is told that mail arrived that was refused', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben', 'cleo'], quotas: { cleo: 1 } });
  const asked = ['<ben@office.test> NOTIFY=SUCCESS', '<cleo@office.test> NOTIFY=SUCCESS'];
  assert.match(await submit(room, '<anna@office.test>', asked), /^452 /);
  assert.deepEqual(await room.inbox('anna'), []);
  assert.deepEqual(await room.inbox('ben'), []);
  assert.deepEqual((await room.store.verify()).findings, []);
});

test('a report that leaves itself is sent at once: what sends it hears of it', async (t) => {
  const woken: string[][] = [];
  const room = await mailRoom(t, {
    originalSender: (path) => (path === 'srs0=x@office.test' ? 'sam@far.test' : undefined),
    outgoing: {
      destinationOf: (address) => address.slice(address.indexOf('@') + 1),
      times: (from) => ({ warn: 0, expires: from + 86_400 }),
      wake: (destinations = []) => void woken.push([...destinations]),
    },
  });
  const { policy } = room.directory.by('the test');
  await policy.set({ scope: 'account', name: 'anna@office.test' }, ['submission.senders=domain']);
  assert.match(await submit(room, '<srs0=x@office.test>', ['<ben@office.test> NOTIFY=SUCCESS']), /^250 /);
  assert.deepEqual(woken, [['far.test']]);
  assert.deepEqual(await room.store.queue.destinationsDue(10), ['far.test']);
});
