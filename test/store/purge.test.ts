import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allStatements, sql } from '../../src/store/engine/sql.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import { type AccountId, nowSeconds, type Uid } from '../../src/store/ids.ts';
import { markRemoved } from '../../src/store/operations/accounts.ts';
import { releaseHold, setHold } from '../../src/store/operations/hold.ts';
import type { MailStore } from '../../src/store/store.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  diskUse,
  inboxOf,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from './helpers.ts';
import { appendMany, assertWhole, found, offered, restore } from './retained-helpers.ts';

const OLDER = sql(
  'UPDATE retained SET removed = removed - CAST(? AS INTEGER), expires = expires - CAST(? AS INTEGER) WHERE account_id = ?',
);

const due = allStatements().find(({ text }) => text.includes('a.legal_hold = 0'))!;
const EXPLAIN_DUE = sql<readonly [id: number, parent: number, unused: number, detail: string]>(
  `EXPLAIN QUERY PLAN ${due.text}`,
);

test('the cap on what is retained purges the oldest removals first', async (t) => {
  const folder = await temporaryFolder(t);
  const size = message('m0', 1_000).length;
  const store = await openStore(t, folder, { retainedCapBytes: size * 3 });
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const [m0, m1, m2, m3, m4] = await appendMany(store, inbox, 5, 1_000);
  for (const uid of [m3, m1, m4, m0, m2]) {
    await store.messages.expunge(inbox, [uid!]);
    await age(store, account, 10);
  }
  await store.housekeep();
  assert.deepEqual(await offered(store, account), ['m2', 'm0', 'm4']);
  await assertWhole(store);
});

/** Lets everything retained be so many seconds older. */
async function age(store: MailStore, account: AccountId, seconds: number): Promise<void> {
  await store.engine.write(async (tx) => tx.run(OLDER, seconds, seconds, account));
}

test('a purge on request gives the disk back at once, also of files that mostly live', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder, { segmentBytes: 400_000 });
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const uids = await appendMany(store, inbox, 100, 10_000);
  const gone = uids.filter((_, index) => index % 10 === 3);
  const kept = uids.filter((uid) => !gone.includes(uid));
  await store.messages.expunge(inbox, gone);
  const before = await diskUse(folder);

  const { items } = await store.retained.choose(account, {}, {});
  const purged = await store.retained.purge(account, items);
  const after = await diskUse(folder);
  assert.equal(purged.messages, 10);
  assert.equal(purged.bytes, 100_000);
  assert.equal(purged.segmentsWaiting, 0);
  // What is told is what the files say, but for the headers of the new ones.
  assert.ok(Math.abs(before - after - purged.bytesFreed) < 500, `${before - after}, told ${purged.bytesFreed}`);
  assert.ok(before - after > 99_000, `${before - after} bytes`);
  assert.deepEqual(await found(store, account), []);
  for (const uid of kept) assert.deepEqual(await bytesOf(store, inbox, uid), message(`m${uids.indexOf(uid)}`, 10_000));
  await assertWhole(store);
});

test('a purge takes large messages with their files, and leaves what other recipients have', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  const staged = await stage(store, message('film', 3_000_000));
  const { uids } = await store.append(inboxOf(anna), [{ staged, flags: flagsFrom([]) }]);
  const { uid } = await deliver(store, [anna, ben], 'to both');
  await store.messages.expunge(inboxOf(anna), [...uids, uid]);
  const { items } = await store.retained.choose(anna, {}, {});
  const { bytesFreed } = await store.retained.purge(anna, items);
  assert.ok(bytesFreed > 2_900_000 && bytesFreed < 3_010_000, `${bytesFreed} bytes`);
  assert.ok((await diskUse(folder)) < 100_000);
  assert.equal((await uidsIn(store, inboxOf(ben))).length, 1);
  await assertWhole(store);
});

test('what a purge could not give back at once, housekeeping does', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const uids = await appendMany(store, inbox, 20, 10_000);
  await store.messages.expunge(inbox, uids.slice(0, 5));
  const incoming = await stage(store, message('on its way'));
  const { items } = await store.retained.choose(account, {}, {});
  const { segmentsWaiting, bytesFreed } = await store.retained.purge(account, items);
  assert.deepEqual({ segmentsWaiting, bytesFreed }, { segmentsWaiting: 1, bytesFreed: 0 });
  await store.append(inbox, [{ staged: incoming, flags: flagsFrom([]) }]);
  const before = await diskUse(folder);
  await store.housekeep();
  assert.ok(before - (await diskUse(folder)) > 49_000);
  assert.equal((await uidsIn(store, inbox)).length, 16);
  await assertWhole(store);
});

test('on a full disk a purge gives back what needs no copies, and the rest when there is room', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const film = await stage(store, message('film', 3_000_000));
  const { uids } = await store.append(inbox, [{ staged: film, flags: flagsFrom([]) }]);
  const small = await appendMany(store, inbox, 20, 10_000);
  await store.messages.expunge(inbox, [...uids, ...small.slice(0, 5)]);
  await store.close();

  store = await openStore(t, folder, { diskWatermarkBytes: Number.MAX_SAFE_INTEGER });
  const { items } = await store.retained.choose(account, {}, {});
  const { messages, segmentsWaiting, bytesFreed } = await store.retained.purge(account, items);
  assert.deepEqual({ messages, segmentsWaiting }, { messages: 6, segmentsWaiting: 1 });
  assert.ok(bytesFreed > 2_900_000);
  await store.close();
  store = await openStore(t, folder);
  await store.housekeep();
  assert.ok((await diskUse(folder)) < 160_000);
  await assertWhole(store);
});

test('a purge while a backup reads the files is told to be waiting, and done when the backup is', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const uids = await appendMany(store, inbox, 20, 10_000);
  await store.messages.expunge(inbox, uids.slice(0, 5));
  const snapshot = await store.snapshots.take();
  const { items } = await store.retained.choose(account, {}, {});
  const { segmentsWaiting, bytesFreed } = await store.retained.purge(account, items);
  assert.deepEqual({ segmentsWaiting, bytesFreed }, { segmentsWaiting: 1, bytesFreed: 0 });
  assert.ok((await diskUse(folder)) > 200_000);
  await snapshot.release();
  assert.ok((await diskUse(folder)) < 160_000);
  await assertWhole(store);
});

test('a held account keeps everything, whatever its age and size and whoever asks', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder, { retainedCapBytes: 1 });
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  await store.engine.write((tx) => setHold(tx, anna, 1_700_000_000));
  for (const account of [anna, ben]) {
    await store.messages.expunge(inboxOf(account), [await appendTo(store, inboxOf(account), 'old')]);
    await age(store, account, 30 * 86_400);
  }
  await store.housekeep();
  assert.deepEqual(await offered(store, anna), ['old']);
  assert.deepEqual(await offered(store, ben), []);
  const { items } = await store.retained.choose(anna, {}, {});
  await assert.rejects(store.retained.purge(anna, items), {
    code: 'account.held',
    message: /anna@office\.test is under legal hold since 2023-11-14.*rainmail hold release anna@office\.test/,
  });
  await assert.rejects(
    store.engine.write((tx) => markRemoved(tx, anna)),
    { code: 'account.held' },
  );
  // It can be brought back, and goes the same way again.
  await restore(store, anna);
  await store.messages.expunge(inboxOf(anna), (await uidsIn(store, inboxOf(anna))) as Uid[]);
  await age(store, anna, 30 * 86_400);
  await store.housekeep();
  assert.deepEqual(await offered(store, anna), ['old']);

  await store.engine.write((tx) => releaseHold(tx, anna));
  await store.housekeep();
  assert.deepEqual(await found(store, anna), []);
  await assertWhole(store);
});

test('housekeeping does not look through what a held account keeps', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const inbox = inboxOf(anna);
  await store.messages.expunge(inbox, await appendMany(store, inbox, 1_000));
  await age(store, anna, 30 * 86_400);
  await store.engine.write((tx) => setHold(tx, anna, 1));
  const plan = await store.engine.read(async (tx) => tx.all(EXPLAIN_DUE, 1e9, nowSeconds(), 0, 500));
  const text = plan.map((row) => row[3]).join('\n');
  assert.match(text, /SEARCH r USING COVERING INDEX retained_expires \(account_id=\? AND expires<\?\)/);
  assert.doesNotMatch(text, /SCAN r/);
  assert.equal((await store.housekeep()).purged, 0);
});
