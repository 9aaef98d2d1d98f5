import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapOffice, imapOffice, message } from '../imap-office.ts';

async function withMessages(office: ImapOffice, count: number) {
  const client = await office.inbox();
  for (let n = 1; n <= count; n++) await client.append(message({ Subject: `m${n}` }));
  await client.ok('NOOP');
  return client;
}

test('EXPUNGE removes the deleted messages and tells of each by its number at that moment', async (t) => {
  const client = await withMessages(await imapOffice(t), 5);
  await client.ok('STORE 2,4:5 +FLAGS.SILENT (\\Deleted)');

  assert.deepEqual(await client.ok('EXPUNGE'), ['* 5 EXPUNGE', '* 4 EXPUNGE', '* 2 EXPUNGE']);
  assert.deepEqual(await client.ok('FETCH 1:* UID'), ['* 1 FETCH (UID 1)', '* 2 FETCH (UID 3)']);
});

test('UID EXPUNGE removes only what is both named and deleted', async (t) => {
  const client = await withMessages(await imapOffice(t), 4);
  await client.ok('STORE 1:3 +FLAGS.SILENT (\\Deleted)');

  assert.deepEqual(await client.ok('UID EXPUNGE 2:4,77'), ['* 3 EXPUNGE', '* 2 EXPUNGE']);
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 1 4']);
});

test('CLOSE removes the deleted messages without a word; UNSELECT removes nothing', async (t) => {
  const client = await withMessages(await imapOffice(t), 3);
  await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  assert.deepEqual(await client.ok('UNSELECT'), []);
  await client.ok('SELECT INBOX');
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 1 2 3']);

  assert.deepEqual(await client.ok('CLOSE'), []);
  assert.match((await client.command('FETCH 1 UID')).tagged, /^BAD /);
  await client.ok('SELECT INBOX');
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 2 3']);
});

test('CLOSE of a mailbox opened by EXAMINE removes nothing', async (t) => {
  const client = await withMessages(await imapOffice(t), 1);
  await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXAMINE INBOX');
  await client.ok('CLOSE');
  await client.ok('SELECT INBOX');
  assert.deepEqual(await client.ok('UID SEARCH DELETED'), ['* SEARCH 1']);
});

test('removals of another session wait during FETCH, STORE and SEARCH, and come with any other command', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 3);
  const laptop = await office.inbox();
  await phone.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await phone.ok('EXPUNGE');

  assert.deepEqual(await laptop.ok('FETCH 3 UID'), ['* 3 FETCH (UID 3)']);
  assert.deepEqual(await laptop.ok('STORE 3 +FLAGS.SILENT (\\Seen)'), []);
  assert.deepEqual(await laptop.ok('SEARCH SEEN'), ['* SEARCH 3']);
  assert.deepEqual(await laptop.ok('UID FETCH 3 UID'), ['* 3 FETCH (UID 3)', '* 1 EXPUNGE']);
  assert.deepEqual(await laptop.ok('FETCH 2 UID'), ['* 2 FETCH (UID 3)']);
});

test('new messages and removals at once keep the numbers straight', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 3);
  const laptop = await office.inbox();
  await phone.ok('STORE 1:2 +FLAGS.SILENT (\\Deleted)');
  await phone.ok('EXPUNGE');
  await phone.append(message({ Subject: 'new' }));

  assert.deepEqual(await laptop.ok('SEARCH ALL'), ['* 4 EXISTS', '* 0 RECENT', '* SEARCH 1 2 3 4']);
  assert.deepEqual(await laptop.ok('NOOP'), ['* 2 EXPUNGE', '* 1 EXPUNGE']);
  assert.deepEqual(await laptop.ok('UID SEARCH ALL'), ['* SEARCH 3 4']);
});

test('a session whose mailbox is deleted is told good-bye', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.signIn(), await office.signIn()];
  await phone.ok('CREATE Old');
  await laptop.ok('SELECT Old');
  await phone.ok('DELETE Old');

  const { untagged } = await laptop.command('NOOP');
  assert.match(untagged[0]!, /^\* BYE /);
  assert.equal(await laptop.response(), null);
});
