import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  message,
  newAccount,
  openStore,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from '../store/helpers.ts';
import { backUp, emptyRepository, materialise, using } from './helpers.ts';

test('what was stored before a backup comes out of it whole', async (t) => {
  const store = await temporaryStore(t, { segmentBytes: 100_000 });
  const anna = await newAccount(store, 'anna');
  for (let number = 0; number < 50; number++) await appendTo(store, inboxOf(anna), `m${number}`);
  const place = await emptyRepository(t);
  const made = await backUp(place, store);
  assert.ok(made.added > 0);

  const data = join(await temporaryFolder(t), 'data');
  await using(place, 'read', async (repository) => {
    const snapshot = await repository.snapshot('latest');
    assert.equal(snapshot.info.id, made.id);
    await materialise(snapshot, data);
  });
  const restored = await openStore(t, data);
  const uids = await uidsIn(restored, inboxOf(anna));
  assert.equal(uids.length, 50);
  for (const [number, uid] of uids.entries()) {
    assert.deepEqual(await bytesOf(restored, inboxOf(anna), uid), message(`m${number}`));
  }
  assert.deepEqual((await restored.verify()).findings, []);
});

test('a second backup stores only what is new', async (t) => {
  const store = await temporaryStore(t, { segmentBytes: 1 << 20 });
  const anna = await newAccount(store, 'anna');
  for (let number = 0; number < 400; number++) await deliver(store, anna, `m${number}`);
  const place = await emptyRepository(t);
  const first = await backUp(place, store);
  const second = await backUp(place, store);
  assert.ok(second.added < first.added / 2, `${second.added} of ${first.added}`);
});
