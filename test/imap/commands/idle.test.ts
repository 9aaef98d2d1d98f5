import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapOffice, message } from '../imap-office.ts';

test('IDLE tells of new messages, flags and removals as they happen, until DONE', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.inbox(), await office.inbox()];
  const tag = laptop.start('IDLE');
  assert.match((await laptop.response())!, /^\+ /);

  await phone.append(message({ Subject: 'new' }));
  assert.equal(await laptop.response(), '* 1 EXISTS');
  assert.match((await laptop.response())!, /^\* \d RECENT$/);
  await phone.ok('NOOP');
  await phone.ok('STORE 1 +FLAGS (\\Deleted)');
  assert.match((await laptop.response())!, /^\* 1 FETCH \(UID 1 FLAGS \(\\Deleted/);
  await phone.ok('EXPUNGE');
  assert.equal(await laptop.response(), '* 1 EXPUNGE');

  laptop.send('DONE\r\n');
  assert.match((await laptop.answer(tag)).tagged, /^OK /);
  assert.deepEqual(await laptop.ok('UID SEARCH ALL'), ['* SEARCH']);
});

test('what happened before IDLE is told at its beginning', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.inbox(), await office.inbox()];
  await phone.append(message({ Subject: 'new' }));

  const tag = laptop.start('IDLE');
  assert.match((await laptop.response())!, /^\+ /);
  assert.equal(await laptop.response(), '* 1 EXISTS');
  laptop.send('done\r\n');
  await laptop.answer(tag);
});

test('IDLE without a selected mailbox waits for DONE', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  const tag = client.start('IDLE');
  assert.match((await client.response())!, /^\+ /);
  client.send('DONE\r\n');
  assert.match((await client.answer(tag)).tagged, /^OK /);
});

test('anything but DONE ends IDLE with BAD, and the session goes on', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const tag = client.start('IDLE');
  await client.response();
  client.send('t9 NOOP\r\n');
  assert.match((await client.answer(tag)).tagged, /^BAD /);
  await client.ok('NOOP');

  const long = client.start('IDLE');
  await client.response();
  client.send(`${'x'.repeat(10_000)}\r\n`);
  assert.match((await client.answer(long)).tagged, /^BAD /);
  await client.ok('NOOP');
});

test('DONE may come together with IDLE and with the next command', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  client.send('a IDLE\r\nDONE\r\nb NOOP\r\n');

  assert.match((await client.response())!, /^\+ /);
  assert.match((await client.response())!, /^a OK /);
  assert.match((await client.response())!, /^b OK /);
});

test('a client that leaves while it idles is forgotten', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.inbox(), await office.inbox()];
  laptop.start('IDLE');
  await laptop.response();
  laptop.destroy();

  await phone.append(message({ Subject: 'new' }));
  await phone.ok('NOOP');
});

test('an idling client whose mailbox is deleted is told good-bye', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.signIn(), await office.signIn()];
  await phone.ok('CREATE Old');
  await laptop.ok('SELECT Old');
  const tag = laptop.start('IDLE');
  await laptop.response();
  await phone.ok('DELETE Old');

  assert.match((await laptop.answer(tag)).untagged[0]!, /^\* BYE /);
  assert.equal(await laptop.response(), null);
});
