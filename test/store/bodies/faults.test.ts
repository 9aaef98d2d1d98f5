import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { type Call, FaultyFiles } from '../../helpers/faulty-files.ts';
import { all, append, appendLarge, type Folder, folder, noise, refused, sha256 } from './helpers.ts';

/** Segments on files that can fail, with one durable body in them. */
async function faulty(t: TestContext, options: { segmentBytes?: number } = {}) {
  const files = new FaultyFiles();
  const place: Folder = await folder(t);
  const segments = await place.open({ files, ...options });
  const durable = append(segments, noise(1_000));
  await segments.sync();
  files.calls.length = 0;
  return { files, segments, durable, ...place };
}

test('writes that are cut short are continued at the next byte', async (t) => {
  for (const mostBytes of [1, 63, 64, 65, 1_000]) {
    const { files, segments } = await faulty(t);
    files.mostBytes = mostBytes;
    const addresses = [1, 2, 3].map((seed) => append(segments, noise(300, seed)));
    await segments.sync();
    files.mend();
    assert.deepEqual(await all(segments.readMany(addresses)), [noise(300, 1), noise(300, 2), noise(300, 3)]);
  }
});

test('a write that makes no progress is a failure, not a loop', async (t) => {
  const { files, segments } = await faulty(t);
  files.mostBytes = 0;
  append(segments, noise(100));
  await assert.rejects(segments.sync(), refused('store.failed'));
  assert.equal(files.count('write'), 1);
});

test('a write that finds the disk full is tried once more when room could be made', async (t) => {
  const files = new FaultyFiles();
  let asked = 0;
  const segments = await (await folder(t)).open({
    files,
    makeRoom: async () => {
      asked++;
    },
  });
  files.fail('write', 'ENOSPC', { times: 1 });
  const address = append(segments, noise(1_000));
  await segments.sync();
  assert.deepEqual(await segments.read(address), noise(1_000));
  assert.equal(asked, 1);

  files.fail('write', 'ENOSPC');
  append(segments, noise(2_000));
  await assert.rejects(segments.sync(), refused('store.failed'));
  assert.equal(asked, 2);
  files.mend();
});

for (const [call, code] of [
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['fdatasync', 'EIO'],
  ['fdatasync', 'ENOSPC'],
] as const) {
  test(`${code} at ${call} stops every later sync, is never tried again, and reading goes on`, async (t) => {
    const { files, segments, durable } = await faulty(t);
    files.fail(call, code, { times: 1 });
    append(segments, noise(100));
    const first = segments.sync();
    append(segments, noise(200));
    const second = segments.sync();
    await assert.rejects(first, refused('store.failed'));
    await assert.rejects(second, refused('store.failed'));
    assert.match(String(segments.failed), new RegExp(code));
    const tried = files.count(call);
    await assert.rejects(segments.sync(), refused('store.failed'));
    await assert.rejects(segments.seal(), refused('store.failed'));
    assert.throws(() => append(segments, noise(10)), refused('store.failed'));
    assert.throws(() => segments.large(), refused('store.failed'));
    assert.equal(files.count(call), tried);
    assert.equal(tried, 1);
    assert.deepEqual(await segments.read(durable), noise(1_000));
    await assert.rejects(segments.close(), refused('store.failed'));
  });
}

test('a failed write is known before anyone syncs, and who reads what it lost is refused', async (t) => {
  const { files, segments } = await faulty(t);
  files.fail('write', 'EIO');
  const lost = append(segments, noise(100));
  await assert.rejects(segments.read(lost), refused('store.failed'));
  assert.match(String(segments.failed), /EIO/);
  const [answer] = await all(segments.readMany([lost]));
  assert.ok(refused('store.failed')(answer));
  await assert.rejects(all(segments.records(lost.segment)), refused('store.failed'));
});

test('a write that fails half-way loses nothing that was durable', async (t) => {
  const { files, segments, durable, open } = await faulty(t);
  files.mostBytes = 70;
  files.fail('write', 'ENOSPC', { after: 1 });
  const torn = append(segments, noise(100));
  await assert.rejects(segments.sync(), refused('store.failed'));
  await assert.rejects(segments.close(), refused('store.failed'));

  const reopened = await open();
  assert.deepEqual(await reopened.read(durable), noise(1_000));
  await assert.rejects(reopened.read(torn), refused('message.damaged'));
  const records = await all(reopened.records(durable.segment));
  assert.deepEqual(
    records.map(({ sound }) => sound),
    [true, false],
  );
});

for (const call of ['open', 'syncDirectory'] as const satisfies Call[]) {
  test(`a new segment whose ${call} fails stops the store`, async (t) => {
    const { files, segments, durable } = await faulty(t);
    await segments.seal();
    files.fail(call, 'EIO', { when: (_, mode) => call !== 'open' || mode === 'create' });
    append(segments, noise(100));
    await assert.rejects(segments.sync(), refused('store.failed'));
    assert.deepEqual(await segments.read(durable), noise(1_000));
  });
}

test('a large body that finds the disk full fails alone and gives its room back', async (t) => {
  const { files, segments, directory, durable } = await faulty(t);
  files.fail('write', 'ENOSPC', { times: 1 });
  await assert.rejects(appendLarge(segments, noise(2 << 20)), refused('store.full'));
  assert.equal(segments.failed, undefined);
  const small = append(segments, noise(10));
  await segments.sync();
  assert.deepEqual(await all(segments.readMany([durable, small])), [noise(1_000), noise(10)]);
  await segments.close();
  assert.deepEqual(await readdir(directory), ['00000001.seg']);
});

test('a large body that finds the disk full at its end gives its room back as well', async (t) => {
  for (const call of ['write', 'rename'] as const) {
    const { files, segments, directory } = await faulty(t);
    const large = segments.large();
    await large.write(noise(100));
    files.fail(call, 'ENOSPC', { times: 1 });
    await assert.rejects(large.finish(sha256(noise(100))), refused('store.full'));
    large.abandon();
    await segments.close();
    assert.deepEqual(await readdir(directory), ['00000001.seg']);
  }
});

test('a large body that meets an I/O error stops the store', async (t) => {
  const { files, segments } = await faulty(t);
  files.fail('write', 'EIO', { times: 1 });
  await assert.rejects(appendLarge(segments, noise(2 << 20)), refused('store.failed'));
  assert.match(String(segments.failed), /EIO/);
  await assert.rejects(segments.sync(), refused('store.failed'));
});

test('a large body whose sync fails stops the store', async (t) => {
  const { files, segments } = await faulty(t);
  await appendLarge(segments, noise(100_000));
  files.fail('fdatasync', 'EIO', { times: 1 });
  await assert.rejects(segments.sync(), refused('store.failed'));
  assert.match(String(segments.failed), /EIO/);
});

test('an error at removal leaves the segment known, to be removed later', async (t) => {
  const { files, segments, durable } = await faulty(t);
  await segments.seal();
  files.fail('unlink', 'EIO', { times: 1 });
  await assert.rejects(segments.remove(durable.segment), /EIO/);
  assert.equal(segments.list().length, 1);
  assert.deepEqual(await segments.read(durable), noise(1_000));
  await segments.remove(durable.segment);
  assert.deepEqual(segments.list(), []);
});
