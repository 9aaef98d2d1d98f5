/** A real client library, imapflow, reads and changes a mailbox the way a mail program does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { type ImapOffice, imapOffice, message, PASSWORD } from './imap-office.ts';

async function imapflow(office: ImapOffice): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: office.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'anna@office.test', pass: PASSWORD },
    logger: false,
  });
  await client.connect();
  return client;
}

test('imapflow adds, lists, reads, searches, flags, moves and removes messages', async (t) => {
  const client = await imapflow(await imapOffice(t));
  for (const subject of ['one', 'two', 'three']) {
    await client.append('INBOX', message({ From: 'Ben <ben@office.test>', Subject: subject }, `${subject} text`), []);
  }
  const lock = await client.getMailboxLock('INBOX');

  const subjects: (string | undefined)[] = [];
  for await (const one of client.fetch('1:*', { envelope: true, bodyStructure: true, flags: true, uid: true })) {
    subjects.push(one.envelope?.subject);
    assert.equal(one.bodyStructure?.type, 'text/plain');
  }
  assert.deepEqual(subjects, ['one', 'two', 'three']);
  assert.deepEqual(await client.search({ body: 'two text' }, { uid: true }), [2]);

  const { content } = await client.download('3', undefined, { uid: true });
  const chunks: Buffer[] = [];
  for await (const chunk of content!) chunks.push(chunk as Buffer);
  assert.match(Buffer.concat(chunks).toString(), /\r\n\r\nthree text\r\n$/);

  assert.ok(await client.messageFlagsAdd({ uid: '1' }, ['\\Flagged', 'Receipt'], { uid: true }));
  const first = await client.fetchOne('1', { flags: true }, { uid: true });
  assert.ok(first !== false && first.flags?.has('\\Flagged') && first.flags.has('Receipt'));

  const moved = await client.messageMove('2', 'Archive', { uid: true });
  assert.ok(moved !== false && moved.uidMap?.get(2) === 1);
  assert.ok(await client.messageDelete('3', { uid: true }));
  assert.deepEqual(await client.search({ all: true }, { uid: true }), [1]);
  lock.release();
  await client.logout();
});

test('imapflow hears of new mail while it idles', async (t) => {
  const office = await imapOffice(t);
  const client = await imapflow(office);
  await client.mailboxOpen('INBOX');
  const idling = client.idle();
  const heard = once(client, 'exists');
  const other = await office.inbox();
  await other.append(message({ Subject: 'new' }));

  const [{ count }] = (await heard) as [{ count: number }];
  assert.equal(count, 1);
  await client.noop(); // ends IDLE
  await idling;
  await client.logout();
});
