import assert from 'node:assert/strict';
import { open as openFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { copyLive, planSweep, type SegmentUse, storedBytes } from '../../../src/store/bodies/sweep.ts';
import { FaultyFiles } from '../../helpers/faulty-files.ts';
import fc from '../../helpers/properties.ts';
import { all, append, appendLarge, folder, noise, refused, wholeOf } from './helpers.ts';

function use(id: number, liveBytes: number, more: Partial<SegmentUse> = {}): SegmentUse {
  return { id, bytes: 1_000, sealed: true, leased: false, liveBytes, ...more };
}

test('what is dead is removed, what is mostly dead rewritten, sparsest first', () => {
  const segments = [use(1, 900), use(2, 0), use(3, 400), use(4, 100), use(5, 500)];
  assert.deepEqual(planSweep(segments, 10_000), { remove: [2], rewrite: [4, 3] });
});

test('the active segment and leased ones are left alone', () => {
  const segments = [use(1, 0, { sealed: false }), use(2, 0, { leased: true }), use(3, 10, { leased: true })];
  assert.deepEqual(planSweep(segments, 10_000), { remove: [], rewrite: [] });
});

test('one sweep copies a bounded number of bytes, but always gets on', () => {
  const segments = [use(1, 300), use(2, 200), use(3, 100)];
  assert.deepEqual(planSweep(segments, 300).rewrite, [3, 2]);
  assert.deepEqual(planSweep(segments, 1).rewrite, [3]);
});

test('a plan never touches what should stay, and gives back more than it copies', () => {
  const uses = fc.uniqueArray(
    fc.record({
      id: fc.nat({ max: 99 }),
      bytes: fc.integer({ min: 1, max: 999 }),
      share: fc.float({ min: 0, max: 1, noNaN: true }),
      sealed: fc.boolean(),
      leased: fc.boolean(),
    }),
    { selector: ({ id }) => id },
  );
  fc.assert(
    fc.property(uses, fc.nat({ max: 3_000 }), (list, copyBytes) => {
      const segments = list.map(({ share, ...rest }) => ({ ...rest, liveBytes: Math.floor(rest.bytes * share) }));
      const plan = planSweep(segments, copyBytes);
      const find = (id: number): SegmentUse => segments.find((segment) => segment.id === id)!;
      for (const id of plan.remove) assert.ok(find(id).liveBytes === 0 && find(id).sealed && !find(id).leased);
      for (const id of plan.rewrite)
        assert.ok(find(id).liveBytes * 2 < find(id).bytes && find(id).sealed && !find(id).leased);
      const copied = plan.rewrite.reduce((sum, id) => sum + find(id).liveBytes, 0);
      assert.ok(plan.rewrite.length <= 1 || copied <= copyBytes);
    }),
  );
});

test('the live bodies of a segment are copied durably, and it can be removed', async (t) => {
  const files = new FaultyFiles();
  const { open, directory } = await folder(t);
  const segments = await open({ files });
  const addresses = Array.from({ length: 30 }, (_, i) => append(segments, noise(i * 1_000, i + 1)));
  const large = await appendLarge(segments, noise(2 << 20));
  await segments.seal();
  const live = [large, ...addresses.filter((_, i) => i % 3 === 0)];

  const { moved, damaged } = await copyLive(segments, live);
  assert.deepEqual(damaged, []);
  assert.equal(files.calls.lastIndexOf('write') < files.calls.lastIndexOf('fdatasync'), true);
  await segments.remove(1);
  await segments.remove(large.segment);
  assert.deepEqual(new Set(moved.map(({ from }) => from)), new Set(live));
  for (const { from, to } of moved) {
    const body = from === large ? noise(2 << 20) : noise(from.length, addresses.indexOf(from) + 1);
    assert.ok((await wholeOf(segments, to)).equals(body));
    assert.deepEqual(to.hash, from.hash);
  }
  const bytes = live.reduce((sum, address) => sum + storedBytes(address), 0);
  const kept = segments.list().reduce((sum, segment) => sum + segment.bytes - 32, 0);
  assert.equal(kept, bytes);
  assert.equal((await readdir(directory)).length, segments.list().length);
});

test('a damaged body is reported and not copied; the others are', async (t) => {
  const { open, path } = await folder(t);
  const segments = await open();
  const addresses = [1, 2, 3].map((seed) => append(segments, noise(500, seed)));
  const large = await appendLarge(segments, noise(2 << 20));
  await segments.seal();
  for (const { segment, offset } of [addresses[1]!, large]) {
    const file = await openFile(path(segment), 'r+');
    await file.write(Buffer.from('damage'), 0, 6, offset + 200);
    await file.close();
  }
  const { moved, damaged } = await copyLive(segments, [...addresses, large]);
  assert.deepEqual(
    moved.map(({ from }) => from),
    [addresses[0], addresses[2]],
  );
  assert.deepEqual(
    damaged.map(({ address }) => address),
    [addresses[1], large],
  );
  for (const { error } of damaged) assert.ok(refused('message.damaged')(error));
  assert.deepEqual(await all(segments.readMany(moved.map(({ to }) => to))), [noise(500, 1), noise(500, 3)]);
});

test('a disk that fails while copying stops the sweep', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const address = append(segments, noise(500));
  const large = await appendLarge(segments, noise(2 << 20));
  await segments.seal();
  files.fail('write', 'ENOSPC', { times: 1 });
  await assert.rejects(copyLive(segments, [large]), refused('store.full'));
  files.mend();
  files.fail('fdatasync', 'EIO');
  await assert.rejects(copyLive(segments, [address]), refused('store.failed'));
});
