/** What an unclean end leaves behind: the data directory is copied while the store is open, damaged as a power cut would, and opened. */
import assert from 'node:assert/strict';
import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NO_FLAGS } from '../../src/store/flags.ts';
import type { MailStore } from '../../src/store/store.ts';
import {
  appendTo,
  bytesOf,
  inboxOf,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  uidsIn,
} from './helpers.ts';

/** The directory as it is on the disk now. */
async function crashed(t: TestContext, folder: string): Promise<string> {
  const copy = join(await temporaryFolder(t), 'data');
  await cp(folder, copy, { recursive: true });
  // Shared memory does not survive; the lock's owner is gone.
  for (const name of ['mail.db-shm', 'lock.db', 'lock.db-journal']) await rm(join(copy, name), { force: true });
  return copy;
}

async function newestSegment(folder: string): Promise<string> {
  return join(folder, 'segments', (await readdir(join(folder, 'segments'))).sort().at(-1)!);
}

async function storeWithMail(
  t: TestContext,
  folder: string,
  count: number,
): Promise<{ store: MailStore; inbox: ReturnType<typeof inboxOf> }> {
  const store = await openStore(t, folder);
  const inbox = inboxOf(await newAccount(store, 'anna'));
  for (let number = 1; number <= count; number++) await appendTo(store, inbox, `m${number}`);
  return { store, inbox };
}

test('after a crash everything acknowledged is there, and the store says that it was not closed', async (t) => {
  const folder = await temporaryFolder(t);
  const { inbox } = await storeWithMail(t, folder, 20);
  const after = await openStore(t, await crashed(t, folder));
  assert.equal(after.recovered.clean, false);
  assert.equal(after.recovered.bodiesChecked, 20);
  assert.equal(after.recovered.messagesRemoved, 0);
  assert.equal((await uidsIn(after, inbox)).length, 20);
  assert.deepEqual(await bytesOf(after, inbox, 20), message('m20'));
  assert.deepEqual((await after.verify()).findings, []);
});

test('a row whose body never reached the disk goes with a tombstone, and its UID is not given again', async (t) => {
  const folder = await temporaryFolder(t);
  const { inbox } = await storeWithMail(t, folder, 5);
  const copy = await crashed(t, folder);
  const segment = await newestSegment(copy);
  await truncate(segment, (await stat(segment)).size - 10);

  const after = await openStore(t, copy);
  assert.equal(after.recovered.messagesRemoved, 1);
  assert.deepEqual(await uidsIn(after, inbox), [1, 2, 3, 4]);
  assert.deepEqual(await after.expungedSince(inbox, 0 as never), [5]);
  assert.deepEqual((await after.verify()).findings, []);
  assert.equal(await appendTo(after, inbox, 'next'), 6);
});

test('of messages that were filed together none stays when the body of one never reached the disk', async (t) => {
  const folder = await temporaryFolder(t);
  const { store, inbox } = await storeWithMail(t, folder, 2);
  const bodies = [message('first'), message('second', 5_000)];
  await store.append(
    inbox,
    await Promise.all(bodies.map(async (body) => ({ staged: await stage(store, body), flags: NO_FLAGS }))),
  );
  const copy = await crashed(t, folder);
  const segment = await newestSegment(copy);
  await truncate(segment, (await stat(segment)).size - 10);

  const after = await openStore(t, copy);
  assert.equal(after.recovered.messagesRemoved, 2);
  assert.deepEqual(await uidsIn(after, inbox), [1, 2]);
  assert.deepEqual((await after.verify()).findings, []);
});

test('only bodies behind the last checkpoint are looked at', async (t) => {
  const folder = await temporaryFolder(t);
  const { store, inbox } = await storeWithMail(t, folder, 30);
  await store.engine.checkpoints.now();
  await appendTo(store, inbox, 'later');
  const after = await openStore(t, await crashed(t, folder));
  assert.equal(after.recovered.bodiesChecked, 1);
});

test('bodies that were taken in and never filed are gone after the next start', async (t) => {
  const folder = await temporaryFolder(t);
  const { store } = await storeWithMail(t, folder, 1);
  await stage(store, message('never filed', 2_000_000));
  const copy = await crashed(t, folder);
  const before = (await readdir(join(copy, 'segments'))).length;
  const after = await openStore(t, copy);
  assert.equal(after.recovered.orphansRemoved, 1);
  assert.equal((await readdir(join(copy, 'segments'))).length, before - 1);
});

test('a damaged body behind the checkpoint is kept, reported by verify, and refused to readers, while others are served', async (t) => {
  const folder = await temporaryFolder(t);
  const { store, inbox } = await storeWithMail(t, folder, 3);
  await store.close();
  const segment = await newestSegment(folder);
  await truncate(segment, (await stat(segment)).size - 10);
  const after = await openStore(t, folder);
  assert.deepEqual(await uidsIn(after, inbox), [1, 2, 3]);
  assert.deepEqual(await bytesOf(after, inbox, 2), message('m2'));
  await assert.rejects(bytesOf(after, inbox, 3), { code: 'message.damaged' });
  const { findings } = await after.verify();
  assert.deepEqual(
    findings.map(({ account, mailbox, uid, code }) => ({ account, mailbox, uid, code })),
    [{ account: 'anna@office.test', mailbox: 'INBOX', uid: 3, code: 'body' }],
  );
});
