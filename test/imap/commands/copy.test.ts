import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapOffice, imapOffice, message } from '../imap-office.ts';

async function withMessages(office: ImapOffice, count: number) {
  const client = await office.inbox();
  for (let n = 1; n <= count; n++) await client.append(message({ Subject: `m${n}` }), 'INBOX', '(\\Flagged)');
  await client.ok('NOOP');
  return client;
}

test('COPY keeps flags, date and bytes, and pairs the UIDs', async (t) => {
  const client = await withMessages(await imapOffice(t), 3);
  const [, ...original] = await client.ok('FETCH 1:3 (INTERNALDATE BODY.PEEK[])');

  const { tagged } = await client.command('COPY 2:3 Archive');
  assert.match(tagged, /^OK \[COPYUID \d+ 2:3 1:2\] /);

  await client.ok('SELECT Archive');
  const copies = await client.ok('FETCH 1:2 (INTERNALDATE BODY.PEEK[])');
  assert.deepEqual(
    copies,
    original.map((line) => line.replace(/^\* (\d)/, (_, n) => `* ${Number(n) - 1}`)),
  );
  assert.deepEqual(await client.ok('FETCH 1 FLAGS'), ['* 1 FETCH (FLAGS (\\Flagged \\Recent))']);
});

test('COPY into the same mailbox is told as new messages', async (t) => {
  const client = await withMessages(await imapOffice(t), 2);

  assert.deepEqual(await client.ok('UID COPY 1 INBOX'), ['* 3 EXISTS', '* 3 RECENT']);
});

test('COPY and MOVE to a mailbox that is not there say TRYCREATE and change nothing', async (t) => {
  const client = await withMessages(await imapOffice(t), 1);

  assert.match((await client.command('COPY 1 Nowhere')).tagged, /^NO \[TRYCREATE\] /);
  assert.match((await client.command('MOVE 1 Nowhere')).tagged, /^NO \[TRYCREATE\] /);
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 1']);
});

test('MOVE tells where the messages went, then that they are gone', async (t) => {
  const office = await imapOffice(t);
  const client = await withMessages(office, 3);
  const other = await office.inbox();

  const untagged = await client.ok('MOVE 1,3 Archive');
  assert.match(untagged[0]!, /^\* OK \[COPYUID \d+ 1,3 1:2\] /);
  assert.deepEqual(untagged.slice(1), ['* 3 EXPUNGE', '* 1 EXPUNGE']);
  assert.deepEqual(await other.ok('NOOP'), ['* 3 EXPUNGE', '* 1 EXPUNGE']);
  await client.ok('SELECT Archive');
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 1 2']);
});

test('UID COPY and UID MOVE of UIDs that are not there succeed and do nothing', async (t) => {
  const client = await withMessages(await imapOffice(t), 1);

  assert.match((await client.command('UID COPY 7:9 Archive')).tagged, /^OK (?!\[)/);
  assert.match((await client.command('UID MOVE 7:9 Archive')).tagged, /^OK (?!\[)/);
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 1']);
});

test('MOVE into the same mailbox gives the message a new place and UID', async (t) => {
  const client = await withMessages(await imapOffice(t), 2);

  const untagged = await client.ok('MOVE 1 INBOX');
  assert.match(untagged[0]!, /^\* OK \[COPYUID \d+ 1 3\] /);
  assert.deepEqual(untagged.slice(1), ['* 1 EXPUNGE', '* 2 EXISTS', '* 2 RECENT']);
  assert.deepEqual(await client.ok('UID SEARCH ALL'), ['* SEARCH 2 3']);
});
