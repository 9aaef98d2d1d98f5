import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBackup } from '../../src/backup/run.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import type { Uid } from '../../src/store/ids.ts';
import { MailStore } from '../../src/store/store.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from '../store/helpers.ts';
import { backUp, emptyRepository, materialise, using } from './helpers.ts';

/** Who delivers under load. */
const AT_ONCE = 8;

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

test('a backup under load holds everything that was acknowledged before it, whole, and mail comes in meanwhile', async (t) => {
  const store = await temporaryStore(t, { segmentBytes: 200_000, checkpointBytes: 100_000 });
  const anna = await newAccount(store, 'anna');
  const place = await emptyRepository(t);
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    let going = true;
    const { promise: loaded, resolve: isLoaded } = Promise.withResolvers<void>();
    const some = acknowledged + 100;
    const load = Array.from({ length: AT_ONCE }, async () => {
      while (going) {
        await deliver(store, anna, `m${acknowledged}`);
        acknowledged++;
        if (acknowledged >= some) isLoaded();
      }
    });
    await loaded;
    const before = acknowledged;
    const { id } = await backUp(place, store);
    // More than was under way when it began: whoever comes during a backup does not wait for its end.
    assert.ok(acknowledged - before > AT_ONCE, `${acknowledged - before} were acknowledged during the backup`);
    going = false; // what is looked at now needs no more load, which would only make the next round longer
    await Promise.all(load);
    const data = join(await temporaryFolder(t), 'data');
    await using(place, 'read', async (repository) => materialise(await repository.snapshot({ id }), data));
    const restored = await MailStore.open({ directory: data, command: 'test' });
    try {
      const verified = await restored.verify();
      assert.deepEqual(verified.findings, []);
      assert.ok(verified.messages >= before, `${verified.messages} of ${before}`);
      assert.equal(restored.recovered.messagesRemoved, 0, 'a message without its body');
    } finally {
      await restored.close();
    }
  }
});

test('what is compacted and purged during a backup is in it all the same', async (t) => {
  const store = await temporaryStore(t, { segmentBytes: 100_000, retentionDays: -1 });
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const place = await emptyRepository(t);
  const uids: Uid[] = [];
  for (let number = 0; number < 100; number++) {
    const staged = await stage(store, message(`m${number}`, 10_000));
    uids.push(...(await store.append(inbox, [{ staged, flags: flagsFrom([]) }])).uids);
  }
  const running = using(place, 'add', async (repository) => {
    let swept: Promise<unknown> | undefined;
    const made = await runBackup({ store, files: [], version: 'test' }, repository, {
      progress: () => {
        swept ??= store.messages
          .expunge(
            inbox,
            uids.filter((uid) => uid % 3 > 0),
          )
          .then(() => store.housekeep());
      },
    });
    await swept;
    return made;
  });
  await running;
  assert.equal((await uidsIn(store, inbox)).length, 33);
  await store.housekeep();
  assert.deepEqual((await store.verify()).findings, []);
  const data = join(await temporaryFolder(t), 'data');
  await using(place, 'read', async (repository) => materialise(await repository.snapshot('latest'), data));
  const restored = await openStore(t, data);
  assert.equal((await uidsIn(restored, inbox)).length, 100);
  assert.deepEqual((await restored.verify()).findings, []);
});

test('nothing that can be read is in a repository', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna-of-the-accounts');
  const marker = 'zanzibarite';
  for (let number = 0; number < 30; number++) await deliver(store, anna, `${marker} ${number}`);
  const file = join(await temporaryFolder(t), 'secret.pem');
  await writeFile(file, `-----BEGIN PRIVATE KEY----- ${marker}`);
  const place = await emptyRepository(t);
  await using(place, 'add', (repository) =>
    runBackup({ store, files: [{ name: 'tls/key.pem', path: file }], version: 'test' }, repository),
  );
  const objects = await readdir(place.directory, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const object of objects.filter((each) => each.isFile())) {
    const content = await readFile(join(object.parentPath, object.name));
    bytes += content.length;
    for (const words of [marker, 'anna-of', 'office.test', 'Subject', 'SQLite format', 'PRIVATE KEY', 'mailbox']) {
      assert.ok(!content.includes(words), `${words} in ${object.name}`);
    }
    const key = place.key.bytes;
    assert.ok(!content.includes(key) && !content.includes(place.key.format()), `the key in ${object.name}`);
  }
  assert.ok(bytes > 10_000);
  await using(place, 'read', async (repository) => {
    const snapshot = await repository.snapshot('latest');
    assert.match((await snapshot.readFile('tls/key.pem')).toString(), new RegExp(marker));
  });
});
