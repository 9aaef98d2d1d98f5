/** Messages that an account lost are put in again, with the ids they had. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import type { EmailId, ItemId } from '../../src/store/ids.ts';
import { prepareMessage } from '../../src/store/operations/file-message.ts';
import { type FormerIds, type Reinstated, standingOf } from '../../src/store/operations/reinstate.ts';
import type { MailStore } from '../../src/store/store.ts';
import type { MessageEntry } from '../../src/store/types.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  stage,
  temporaryStore,
} from './helpers.ts';

const PREFIX = Buffer.from('Return-Path: <ben@office.test>\r\n');

async function entryOf(store: MailStore, key: MailboxKey, uid: number): Promise<MessageEntry> {
  const view = await store.view(key);
  return view.entry(view.indexOf(uid));
}

/** Anna with one letter in her INBOX, as a backup has it. */
async function annaWithALetter(t: TestContext) {
  const store = await temporaryStore(t, { retentionDays: 0 });
  const anna = await newAccount(store, 'anna');
  const inbox = inboxOf(anna);
  const { uid } = await deliver(store, anna, 'Letter');
  await store.messages.storeFlags(inbox, [uid], { how: 'set', flags: flagsFrom(['\\Seen', 'Later']) });
  return { store, anna, inbox, uid, backup: await entryOf(store, inbox, uid) };
}

async function fromBackup(
  store: MailStore,
  entry: MessageEntry,
  ids: FormerIds,
  withContent = true,
): Promise<Reinstated> {
  const { flags, size, received, saved } = entry;
  const content = withContent
    ? { message: prepareMessage(await stage(store, message('Letter'))), prefix: PREFIX }
    : null;
  return {
    ...ids,
    content,
    flags: flags.bits,
    keywords: flags.keywords.join(' ') || null,
    size,
    received,
    saved,
    uidl: null,
  };
}

async function purge(store: MailStore, key: MailboxKey, uid: number): Promise<void> {
  await store.messages.expunge(key, [(await store.view(key)).uid((await store.view(key)).indexOf(uid))]);
  await store.engine.write(async (tx) => tx.run(EXPIRE));
  await store.housekeep();
}

const EXPIRE = sql('UPDATE retained SET expires = 1');

const put = (store: MailStore, { account, mailbox }: MailboxKey, messages: readonly Reinstated[]) =>
  store.reinstate({ account, mailbox, messages });

async function assertVerified(store: MailStore): Promise<void> {
  assert.deepEqual((await store.verify()).findings, []);
}

test('a message that was purged comes back with its ids, flags, dates and bytes, under a new UID', async (t) => {
  const { store, inbox, uid, backup } = await annaWithALetter(t);
  const bytes = await bytesOf(store, inbox, uid);
  const { uidnext } = await store.view(inbox);
  await purge(store, inbox, uid);
  assert.equal(await store.engine.read((tx) => standingOf(tx, inbox.account, inbox.mailbox, backup)), 'gone');

  const [as] = await put(store, inbox, [await fromBackup(store, backup, backup)]);

  assert.deepEqual(as, { uid: uidnext, item: backup.item, email: backup.email });
  const entry = await entryOf(store, inbox, as!.uid);
  assert.deepEqual({ ...entry, uid: 0, modseq: 0 }, { ...backup, uid: 0, modseq: 0 });
  assert.deepEqual(flagNames(entry.flags), ['\\Seen', 'Later']);
  assert.deepEqual(await bytesOf(store, inbox, as!.uid), bytes);
  await assertVerified(store);
});

test('what is there is left as it is: in its place, moved, or removed and retained', async (t) => {
  const { store, anna, inbox, uid, backup } = await annaWithALetter(t);
  const again = [await fromBackup(store, backup, backup), await fromBackup(store, backup, backup)];
  assert.deepEqual(await put(store, inbox, again), [null, null]);

  const archive = await mailboxNamed(store, anna, 'Archive');
  const { uids } = await store.messages.move(inbox, [uid], archive);
  assert.deepEqual(await put(store, inbox, again), [null, null]);
  assert.equal((await store.view(inbox)).length, 0);

  await store.messages.expunge(archive, uids);
  assert.equal(await store.engine.read((tx) => standingOf(tx, anna, inbox.mailbox, backup)), 'retained');
  assert.deepEqual(await put(store, inbox, again), [null, null]);
  await assertVerified(store);
});

test('one that came twice is put in once', async (t) => {
  const { store, inbox, uid, backup } = await annaWithALetter(t);
  await purge(store, inbox, uid);
  const twice = [await fromBackup(store, backup, backup), await fromBackup(store, backup, backup)];
  const [first, second] = await put(store, inbox, twice);
  assert.equal(first!.item, backup.item);
  assert.equal(second, null);
  await assertVerified(store);
});

test('a copy beside what is there shares its content and is another item', async (t) => {
  const { store, anna, backup } = await annaWithALetter(t);
  const beside = await mailboxNamed(store, anna, 'Archive');
  const copy = await fromBackup(store, backup, { item: null, email: backup.email }, false);
  const [as] = await put(store, beside, [copy]);
  assert.equal(as!.email, backup.email);
  assert.notEqual(as!.item, backup.item);
  assert.deepEqual(await put(store, beside, [copy]), [null]);
  await assertVerified(store);
});

test('an id that this account never gave is not taken over', async (t) => {
  const { store, inbox, backup } = await annaWithALetter(t);
  const foreign = { item: 1_000_000 as ItemId, email: 1_000_001 as EmailId };
  const [as] = await put(store, inbox, [await fromBackup(store, backup, foreign)]);
  assert.ok(as!.item < 1_000 && as!.email < 1_000);
  const uid = await appendTo(store, inbox, 'Next');
  assert.ok((await entryOf(store, inbox, uid)).item > as!.item);
  await assertVerified(store);
});

test('what goes beyond the quota is refused whole', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna', 1_000);
  const inbox = inboxOf(anna);
  const { uid } = await deliver(store, anna, 'Letter');
  const backup = await entryOf(store, inbox, uid);
  const many = await Promise.all(
    Array.from({ length: 10 }, () => fromBackup(store, backup, { item: null, email: null })),
  );
  await assert.rejects(put(store, inbox, many), /Raise its quota/);
  assert.equal((await store.view(inbox)).length, 1);
  await assertVerified(store);
});
