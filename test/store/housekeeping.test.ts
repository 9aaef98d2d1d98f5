import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagsFrom } from '../../src/store/flags.ts';
import { markRemoved } from '../../src/store/operations/accounts.ts';
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
  uidsIn,
} from './helpers.ts';

test('what was removed stays restorable, and its disk is given back once its time has passed', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const staged = await stage(store, message('large', 3_000_000));
  const { uids } = await store.append(inbox, [{ staged, flags: flagsFrom([]) }]);
  await store.messages.expunge(inbox, uids);
  await store.housekeep();
  assert.ok((await diskUse(folder)) > 3_000_000, 'still restorable');
  await store.close();

  store = await openStore(t, folder, { retentionDays: -1 });
  const uid = await appendTo(store, inbox, 'small');
  await store.messages.expunge(inbox, [uid]);
  await store.close();
  store = await openStore(t, folder, { retainedCapBytes: 0 });
  const { purged } = await store.housekeep();
  assert.equal(purged, 2);
  assert.ok((await diskUse(folder)) < 1_000_000, 'given back');
  assert.deepEqual((await store.verify()).findings, []);
});

test('a segment most of which is dead is rewritten, and what lives in it is still there byte for byte', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder, { segmentBytes: 200_000 });
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const uids = [];
  for (let number = 0; number < 60; number++) {
    const staged = await stage(store, message(`m${number}`, 10_000));
    uids.push(...(await store.append(inbox, [{ staged, flags: flagsFrom([]) }])).uids);
  }
  const kept = uids.filter((_, index) => index % 6 === 0);
  await store.messages.expunge(
    inbox,
    uids.filter((uid) => !kept.includes(uid)),
  );
  await store.close();
  store = await openStore(t, folder, { segmentBytes: 200_000, retainedCapBytes: 0 });
  const before = await diskUse(folder);
  const { segmentsRemoved } = await store.housekeep();
  assert.ok(segmentsRemoved >= 2, `${segmentsRemoved} segments`);
  assert.ok((await diskUse(folder)) < before / 2);
  for (const [index, uid] of kept.entries()) {
    assert.deepEqual(await bytesOf(store, inbox, uid), message(`m${index * 6}`, 10_000));
  }
  assert.deepEqual((await store.verify()).findings, []);
});

test('the mail of a removed account goes in chunks and leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  for (let number = 0; number < 20; number++) await deliver(store, [anna, ben], `m${number}`);
  const staged = await stage(store, message('film', 2_000_000));
  await store.append(inboxOf(anna), [{ staged, flags: flagsFrom([]) }]);
  await store.engine.write((tx) => markRemoved(tx, anna));
  await assert.rejects(appendTo(store, inboxOf(anna), 'late'), { code: 'mailbox.missing' });
  await store.housekeep();
  assert.ok((await diskUse(folder)) < 1_000_000, 'the disk of what only she had is given back');
  await assert.rejects(store.usage(anna), { code: 'mailbox.missing' });
  assert.equal((await uidsIn(store, inboxOf(ben))).length, 20);
  const verified = await store.verify();
  assert.deepEqual(verified.findings, []);
  assert.equal(verified.accounts, 1);
});
