import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, readSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { flagsFrom } from '../../src/store/flags.ts';
import type { StoreSnapshot } from '../../src/store/snapshots.ts';
import {
  appendTo,
  deliver,
  inboxOf,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from './helpers.ts';

function databaseOf({ databaseFile, databaseBytes }: StoreSnapshot): Buffer {
  const bytes = Buffer.alloc(databaseBytes);
  assert.equal(readSync(databaseFile, bytes, 0, bytes.length, 0), bytes.length);
  return bytes;
}

test('the database file holds all that was acknowledged, and rests while mail goes on coming in', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder, { checkpointBytes: 50_000 });
  const anna = await newAccount(store, 'anna');
  for (let number = 0; number < 20; number++) await deliver(store, anna, `before ${number}`);

  const snapshot = await store.snapshots.take();
  const resting = databaseOf(snapshot);
  const copy = join(folder, 'copy.db');
  await writeFile(copy, resting);
  const database = new DatabaseSync(copy, { readOnly: true });
  assert.deepEqual({ ...database.prepare('SELECT count(*) AS messages FROM message').get() }, { messages: 20 });
  assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  database.close();

  // Enough for several checkpoints, were they allowed.
  await Promise.all(Array.from({ length: 600 }, (_, number) => deliver(store, anna, `meanwhile ${number}`)));
  assert.ok(statSync(join(folder, 'mail.db-wal')).size > 300_000);
  assert.equal(hash('sha256', databaseOf(snapshot)), hash('sha256', resting));

  snapshot.thaw();
  await store.engine.checkpoints.now();
  assert.notEqual(hash('sha256', databaseOf(snapshot)), hash('sha256', resting), 'nothing was written back afterwards');
  await snapshot.release();
});

test('a segment that is emptied during a backup stays until its end', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder, { retentionDays: -1 });
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const staged = await stage(store, message('large', 3_000_000));
  const { uids } = await store.append(inbox, [{ staged, flags: flagsFrom([]) }]);
  const snapshot = await store.snapshots.take();
  const { path } = snapshot.segments.find(({ bytes }) => bytes > 3_000_000)!;
  await store.messages.expunge(inbox, uids);
  await store.housekeep();
  assert.ok(existsSync(path));
  await snapshot.release();
  assert.ok(!existsSync(path));
});

test('one snapshot waits until the other has read its database', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const first = await store.snapshots.take();
  await appendTo(store, inboxOf(anna), 'between');
  const waiting = store.snapshots.take();
  first.thaw();
  const second = await waiting;
  assert.notEqual(second.databaseBytes, 0);
  await first.release();
  await second.release();
});

test('a store that is closed during a backup loses nothing', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  await store.snapshots.take();
  await deliver(store, anna, 'one');
  await store.close();
  store = await openStore(t, folder);
  assert.equal(store.recovered.clean, true);
  assert.equal((await uidsIn(store, inboxOf(anna))).length, 1);
});
