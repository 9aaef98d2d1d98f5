/** Mail that waits for room in a full mailbox: it arrives when there is some, once and with nobody else, or its sender is told. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findStories, storiesFor } from '../../src/trace/stories.ts';
import { SendingOffice } from './sending-office.ts';

const [ANNA, BEN, CLEO, ALL] = ['anna', 'ben', 'cleo', 'all'].map((name) => `${name}@office.test`) as [
  string,
  string,
  string,
  string,
];

/** Anna, Ben and Cleo are the group; Ben has no room. */
async function open(t: TestContext): Promise<SendingOffice> {
  const office = await SendingOffice.open(t);
  const { groups } = office.room.directory.by('the test');
  await groups.add('All', { address: ALL });
  await groups.join('All', ANNA, BEN, CLEO);
  await setRoom(office, 1);
  return office;
}

async function setRoom({ room }: SendingOffice, bytes: number | null): Promise<void> {
  await room.directory.by('the test').quotas.set({ scope: 'account', name: BEN }, bytes);
}

async function counts({ room }: SendingOffice): Promise<number[]> {
  return Promise.all(['anna', 'ben', 'cleo'].map(async (name) => (await room.inbox(name)).length));
}

test('when there is room it arrives, once, and with nobody who had it before', async (t) => {
  const office = await open(t);
  const { room } = office;
  const { forwarding, groups } = room.directory.by('the test');
  // Whatever leads to Ben, and wherever his mail goes on to, everybody has one copy.
  await groups.add('Sales', { address: 'sales@office.test' });
  await groups.join('Sales', BEN, CLEO);
  await forwarding.set(BEN, [CLEO, 'ben@example.net'], { keeps: true });
  assert.match(await office.submit('', `<${ALL}>`, '<sales@office.test>'), /^250 2\.0\.0 Taken as /);
  assert.deepEqual(await office.known(1), ['ben@example.net sent']);
  assert.deepEqual(await counts(office), [1, 0, 1]);
  await office.retry();
  assert.deepEqual(await office.known(2), ['ben@example.net sent', `${BEN} deferred`]);
  await setRoom(office, null);
  await office.retry();
  await office.known(3);
  assert.deepEqual(office.outcomes.map(({ kind }) => kind).sort(), ['deferred', 'sent', 'sent']);
  assert.deepEqual(await counts(office), [1, 1, 1]);
  const [message] = await room.inbox('ben');
  assert.match(
    message!,
    /^Return-Path: <anna@office\.test>\r\nDelivered-To: ben@office\.test\r\nDelivered-To: all@office\.test\r\nList-Id: /,
  );
  assert.equal(office.peer.taken.length, 1);
  assert.deepEqual(await office.waiting(), []);
  assert.deepEqual((await room.store.verify()).findings, []);
});

test('what waits for room finds whom it is for by the name they have by then, goes on where their mail goes by then, and is for nobody else', async (t) => {
  const office = await open(t);
  const { room } = office;
  const { accounts, forwarding, groups } = room.directory.by('the test');
  await office.receive('sam@example.net', ALL);
  await accounts.rename(BEN, 'bernd@office.test', { keepOld: false });
  await accounts.add({ address: BEN, password: 'another Ben came', quotaBytes: null });
  await forwarding.set('bernd@office.test', ['bernd@example.net'], { keeps: false });
  await office.retry();
  assert.deepEqual(await office.known(2), [`${BEN} sent`, 'bernd@example.net sent']);
  assert.equal(office.peer.taken.length, 1);

  await forwarding.remove('bernd@office.test');
  await groups.join('All', 'bernd@office.test');
  await office.receive('sam@example.net', ALL);
  await accounts.remove('bernd@office.test');
  await accounts.add({ address: 'bernd@office.test', password: 'another Bernd, too', quotaBytes: null });
  await office.retry();
  // Its sender is told that the group could not be reached as a whole, and nothing of Bernd.
  assert.deepEqual((await office.known(4)).slice(2), ['bernd@office.test failed', 'sam@example.net sent']);
  assert.deepEqual(await room.inbox('bernd'), []);
  const report = office.peer.taken.at(-1)!;
  assert.equal(report.sender, '');
  assert.match(report.body, /\r\nFinal-Recipient: rfc822; all@office\.test\r\nAction: failed\r\nStatus: 5\.0\.0\r\n/);
  assert.doesNotMatch(report.body, /bernd/i);
});

test('mail for later waits for room when its time has come, and the others have theirs', async (t) => {
  const office = await open(t);
  await office.submit('HOLDFOR=1', `<${ALL}>`, `<${CLEO}>`);
  assert.deepEqual(await office.known(2), [`${ALL} sent`, `${CLEO} sent`]);
  assert.deepEqual(await counts(office), [1, 0, 1]);
  await setRoom(office, null);
  await office.retry();
  assert.deepEqual(await office.known(3), [`${ALL} sent`, `${BEN} sent`, `${CLEO} sent`]);
  assert.deepEqual(await counts(office), [1, 1, 1]);
  assert.deepEqual(await office.waiting(), []);
});

test('when its time is over its sender is told, in words, of the group and not of who is in it', async (t) => {
  const office = await open(t);
  const { room } = office;
  await office.submit('', `<${ALL}>`);
  await office.retry();
  assert.deepEqual(await office.known(1), [`${BEN} deferred`]);
  await office.pass('warn');
  assert.deepEqual(await office.known(2), [`${BEN} deferred`, `${BEN} delayed`]);
  const warning = (await room.inbox('anna'))[1]!.replaceAll('=\r\n', '');
  assert.match(warning, /\r\nFinal-Recipient: rfc822; all@office\.test\r\nAction: delayed\r\n/);
  assert.match(warning, /to this address yet:\s+all@office\.test\s+The mailbox of one of those for whom/);
  await office.pass('expires');
  assert.deepEqual((await office.known(3)).slice(2), [`${BEN} failed`]);
  const report = (await room.inbox('anna'))[2]!;
  assert.match(report, /\r\nFinal-Recipient: rfc822; all@office\.test\r\nAction: failed\r\nStatus: 4\.2\.2\r\n/);
  assert.match(report.replaceAll('=\r\n', ''), /The mailbox of one of those for whom this address stands is full/);
  assert.doesNotMatch(report, /ben@/);

  // Elsewhere, where this server has told the sender that it took the message; and never the null sender.
  for (const sender of ['sam@example.net', '']) await office.receive(sender, ALL);
  await office.pass('expires');
  const ends = (await office.known(6)).filter((end) => /failed|sent/.test(end));
  assert.deepEqual(ends, [`${BEN} failed`, `${BEN} failed`, `${BEN} failed`, 'sam@example.net sent']);
  const [told, ...others] = office.peer.taken;
  assert.deepEqual([told!.sender, told!.recipients, others], ['', ['sam@example.net'], []]);
  assert.doesNotMatch(told!.body, /ben@/);
  assert.deepEqual(await counts(office), [5, 0, 3]);
});

test('the way of what waits for room is told to who looks after the server, to whom it is for, and to who sent it', async (t) => {
  const office = await open(t);
  const { room } = office;
  const { store, directory } = room;
  await office.submit('', `<${ALL}>`);
  await office.retry();
  await office.known(1);
  await setRoom(office, null);
  await office.retry();
  await office.known(2);
  const ids = await Promise.all([ANNA, BEN].map(async (name) => (await directory.account(name)).id));
  const all = (await findStories({ store, directory }, { from: ANNA }, 10)).stories;
  const [annas, bens] = await Promise.all(ids.map((id) => storiesFor({ store, directory }, id, {}, 10)));
  const told = (stories: typeof all) =>
    stories
      .toReversed()
      .flatMap(({ events }) =>
        events.flatMap(({ text }) => text.replace(/number \d+/, 'number N').replace(/ from .*/, '')),
      );
  const waits = `waits for room in the mailbox of ${BEN}, which is full, as number N in the queue; others behind ${ALL} have it`;
  const deferred = `could not be filed for ${BEN} yet, and is tried again: 452 4.2.2 The mailbox of ${BEN} is full; please try again later.`;
  assert.deepEqual(told(all), [
    `was sent by ${ANNA}`,
    `was filed for ${ANNA} in INBOX`,
    `was filed for ${CLEO} in INBOX`,
    `was filed in ${ANNA}'s folder for sent mail`,
    ...[waits, deferred, `came to ${BEN} here, out of the queue`],
    told(all)[7]!, // it came out of the queue, so many bytes
    `was filed for ${BEN} in INBOX`,
  ]);
  assert.match(told(all)[7]!, /^came out of the queue, for people here, /);
  assert.deepEqual(told(bens!).slice(0, 4), [
    ...[`was sent by ${ANNA}`, waits, deferred, `came to ${BEN} here, out of the queue`],
  ]);
  const senders = told(annas!).join('\n');
  assert.match(senders, new RegExp(`\nwaits for room in a mailbox behind ${ALL}, which is full; the others have it$`));
  assert.doesNotMatch(senders, /ben@/);
});
