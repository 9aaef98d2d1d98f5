/** Real programs lose their mail, or delete it by mistake; the server gives it back. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { restoreRemoved } from '../../src/server/admin/undelete.ts';
import type { TrialOffice } from '../helpers/office.ts';
import { deliverMany, numbered } from './client.ts';
import { Fetchmail } from './fetchmail.ts';
import { contentsAt, Laptop, subjectsAt } from './laptop.ts';
import { subjectOf } from './maildir.ts';

async function undelete(office: TrialOffice, options: { folder?: string; redeliver?: boolean } = {}): Promise<number> {
  const { messages } = await perform(restoreRemoved, { account: 'anna@office.test', ...options }, office);
  return messages;
}

/** Folders and their messages, as the laptop has them; mbsync's own mark left out. */
async function everything(laptop: Laptop): Promise<[folder: string, messages: string[]][]> {
  const folders = await laptop.folders();
  return Promise.all(
    folders.map(async (name): Promise<[string, string[]]> => {
      const messages = await laptop.folder(name).messages();
      return [name, messages.map(({ flags, content }) => `${flags} ${content.replace(/^X-TUID: .*\n/m, '')}`).sort()];
    }),
  );
}

test('the laptop dies with all its mail; a new one has everything from the server', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office } = laptop;
  const [phone] = office.devices('anna', ['phone']);
  await deliverMany(office, 'anna', 100);
  await phone.imap(async (session) => {
    await session.command('CREATE Projects');
    await session.command('UID MOVE 11:20 Projects');
    await session.command('UID STORE 1:10 +FLAGS (\\Seen \\Flagged)');
    await session.append('Sent', 'Subject: To the bank\r\n\r\nHello.\r\n', '\\Seen');
  });
  await laptop.sync();
  const before = await everything(laptop);

  await rm(laptop.home.path('mail'), { recursive: true });
  await mkdir(laptop.home.path('mail'));
  await laptop.sync();
  assert.deepEqual(await everything(laptop), before);
  assert.equal((await laptop.inbox.messages()).length, 90);
  await laptop.settled();
});

test('a program that deletes everything at the server by mistake: undelete brings it back to all devices', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office } = laptop;
  await deliverMany(office, 'anna', 100);
  await laptop.sync();
  const before = await everything(laptop);

  // Its files are gone, its memory of having had them is not: mbsync takes them for deleted, and deletes them at the server.
  for (const message of await laptop.inbox.messages()) await laptop.inbox.remove(message);
  await laptop.sync();
  assert.deepEqual(await subjectsAt(office, 'INBOX'), []);

  assert.equal(await undelete(office), 100);
  assert.deepEqual(await subjectsAt(office, 'INBOX'), numbered(100));
  await laptop.sync();
  assert.deepEqual(await everything(laptop), before);
  await laptop.settled();
});

test('a tree of folders deleted by mistake comes back, and no device has anything twice', async (t) => {
  const laptop = await Laptop.open(t);
  if (laptop === undefined) return;
  const { office } = laptop;
  const [phone] = office.devices('anna', ['phone']);
  await deliverMany(office, 'anna', 30);
  await phone.imap(async (session) => {
    for (const name of ['Projects', 'Projects/Bridge', 'Projects/Bridge/Plans'])
      await session.command(`CREATE ${name}`);
    await session.command('UID MOVE 1:10 Projects');
    await session.command('UID MOVE 11:15 Projects/Bridge');
    await session.command('UID MOVE 16:18 Projects/Bridge/Plans');
  });
  await laptop.sync();
  const contents = () =>
    Promise.all(
      ['INBOX', 'Projects', 'Projects/Bridge', 'Projects/Bridge/Plans'].map((name) => contentsAt(office, name)),
    );
  const before = await contents();

  await phone.imap(async (session) => {
    for (const name of ['Projects/Bridge/Plans', 'Projects/Bridge', 'Projects'])
      await session.command(`DELETE ${name}`);
  });
  await laptop.sync(); // it finds the folders gone, and leaves its own, which are not empty, to the person
  assert.equal(await undelete(office, { folder: 'Projects' }), 18);
  assert.deepEqual(await contents(), before);
  await laptop.sync();
  await laptop.settled();
  assert.deepEqual(await contents(), before);
  assert.equal((await laptop.folder('Projects').messages()).length, 10);
});

test('fetchmail, which keeps account of unique ids, fetches what was undeleted only when it is delivered again', async (t) => {
  const { office, fetchmail } = (await Fetchmail.open(t)) ?? {};
  if (office === undefined || fetchmail === undefined) return;
  const [phone] = office.devices('anna', ['phone']);
  const fetched = async () => {
    await fetchmail.fetch({ keep: true, tls: 'implicit' });
    return (await fetchmail.received()).map(subjectOf).sort();
  };
  const expungeAll = () =>
    phone.imap(async (session) => {
      await session.command('STORE 1:* +FLAGS.SILENT (\\Deleted)');
      await session.command('EXPUNGE');
    });
  await deliverMany(office, 'anna', 20);
  assert.deepEqual(await fetched(), numbered(20));

  await expungeAll();
  assert.equal(await undelete(office), 20);
  assert.deepEqual(await subjectsAt(office, 'INBOX'), numbered(20));
  assert.deepEqual(await fetched(), numbered(20), 'nothing twice');

  await expungeAll();
  assert.equal(await undelete(office, { redeliver: true }), 20);
  assert.deepEqual(await fetched(), [...numbered(20), ...numbered(20)].sort());
});
