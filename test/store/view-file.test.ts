import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import type { MailStore } from '../../src/store/store.ts';
import { readViewFile } from '../../src/store/view/view-file.ts';
import { appendTo, inboxOf, newAccount, openStore, temporaryFolder } from './helpers.ts';

/** A mailbox large enough to be kept on disk. */
async function largeMailbox(store: MailStore): Promise<MailboxKey> {
  const inbox = inboxOf(await newAccount(store, 'anna'));
  let uids = [await appendTo(store, inbox, 'seed', ['\\Seen', 'Project'])];
  while (uids.length < 5_000) uids = [...uids, ...(await store.messages.copy(inbox, uids.slice(0, 2_500), inbox)).uids];
  await store.messages.storeFlags(inbox, uids.slice(10, 20), { how: 'set', flags: flagsFrom(['\\Flagged', 'Later']) });
  return inbox;
}

async function entriesOf(store: MailStore, key: MailboxKey): Promise<unknown[]> {
  const view = await store.view(key);
  return Array.from({ length: view.length }, (_, index) => ({ ...view.entry(index), uidl: view.uidl(index) }));
}

test('a large mailbox is opened from its file after a restart, with what changed since', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const inbox = await largeMailbox(store);
  const before = await entriesOf(store, inbox);
  await store.close();

  const path = join(folder, 'views', String(inbox.account), `${inbox.mailbox}.view`);
  const saved = await readViewFile(path, inbox);
  assert.equal(saved?.length, before.length);
  const old = await readFile(path);

  store = await openStore(t, folder);
  assert.deepEqual(await entriesOf(store, inbox), before);
  const view = await store.view(inbox);
  await store.messages.expunge(inbox, [view.uid(0), view.uid(4_000)]);
  await appendTo(store, inbox, 'new');
  const after = await entriesOf(store, inbox);
  await store.close();

  await writeFile(path, old); // an older state of the file is brought up to date
  store = await openStore(t, folder);
  assert.deepEqual(await entriesOf(store, inbox), after);
});

test('a file that is torn or spoilt at any place is not believed', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const inbox = await largeMailbox(store);
  const before = await entriesOf(store, inbox);
  await store.close();
  const path = join(folder, 'views', String(inbox.account), `${inbox.mailbox}.view`);
  const whole = await readFile(path);
  for (const spoil of [0, 3, 5, 40, whole.length >> 1, whole.length - 1]) {
    const bytes = Buffer.from(whole);
    bytes[spoil]! ^= 0x40;
    await writeFile(path, bytes);
    assert.equal(await readViewFile(path, inbox), undefined, `byte ${spoil}`);
    await writeFile(path, whole.subarray(0, spoil));
    assert.equal(await readViewFile(path, inbox), undefined, `cut at ${spoil}`);
  }
  store = await openStore(t, folder);
  assert.deepEqual(await entriesOf(store, inbox), before);
});

test('the files of a mailbox that is gone go too', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const inbox = await largeMailbox(store);
  const archive = (await store.mailboxes.create(inbox.account, 'Old')).id;
  const key = { account: inbox.account, mailbox: archive };
  const view = await store.view(inbox);
  await store.messages.copy(
    inbox,
    Array.from({ length: view.length }, (_, index) => view.uid(index)),
    key,
  );
  await store.view(key);
  await store.mailboxes.delete(inbox.account, archive);
  await assert.rejects(store.view(key), { code: 'mailbox.missing' });
  await store.close();
  assert.deepEqual(await readdir(join(folder, 'views', String(inbox.account))), [`${inbox.mailbox}.view`]);
});
