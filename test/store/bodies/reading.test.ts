import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { STREAM_ABOVE } from '../../../src/store/api.ts';
import { MAX_OPEN } from '../../../src/store/bodies/descriptors.ts';
import { planWindow, WINDOW_BYTES, type Window } from '../../../src/store/bodies/read-plan.ts';
import type { BodyAddress } from '../../../src/store/types.ts';
import { FaultyFiles } from '../../helpers/faulty-files.ts';
import fc from '../../helpers/properties.ts';
import { all, append, appendLarge, folder, noise, refused } from './helpers.ts';

const hash = new Uint8Array(32);

/** Addresses side by side in one segment, sizes as given. */
function layOut(sizes: readonly number[], segment = 1): BodyAddress[] {
  let offset = 32;
  return sizes.map((length) => {
    const address = { segment, offset, length, storedLength: length, codec: 0, hash };
    offset += 64 + length;
    return address;
  });
}

function windowsOf(addresses: readonly BodyAddress[]): Window[] {
  const windows: Window[] = [];
  for (let from = 0; from < addresses.length; from = windows.at(-1)!.end) windows.push(planWindow(addresses, from));
  return windows;
}

const mixed = fc
  .array(
    fc.record({
      size: fc.oneof(fc.nat({ max: 30_000 }), fc.nat({ max: STREAM_ABOVE + 9 })),
      segment: fc.nat({ max: 3 }),
    }),
  )
  .chain((bodies) => {
    const places = [0, 1, 2, 3].flatMap((segment) =>
      layOut(
        bodies.filter((body) => body.segment === segment).map(({ size }) => size),
        segment,
      ),
    );
    return fc.shuffledSubarray(places);
  });

test('a plan reads every body that is not streamed exactly once, inside a run of its segment, in bounded windows', () => {
  fc.assert(
    fc.property(mixed, (addresses) => {
      const read = new Set<number>();
      let next = 0;
      for (const { from, end, runs } of windowsOf(addresses)) {
        assert.equal(from, next);
        assert.ok(end > from);
        next = end;
        for (const run of runs) {
          for (const member of run.members) {
            const { segment, offset, storedLength } = addresses[member]!;
            assert.ok(member >= from && member < end && !read.has(member));
            assert.equal(segment, run.segment);
            assert.ok(offset >= run.offset && offset + 64 + storedLength <= run.offset + run.bytes);
            read.add(member);
          }
        }
        const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
        assert.ok(bytes <= 2 * WINDOW_BYTES + 64, `${bytes} bytes in one window`);
      }
      const whole = addresses.filter(({ length }) => length <= STREAM_ABOVE).length;
      assert.equal(read.size, whole);
    }),
  );
});

test('neighbours are one read; what is far apart is not', () => {
  const neighbours = layOut(new Array(100).fill(8_000));
  assert.equal(planWindow(neighbours, 0).runs.length, 1);
  assert.equal(planWindow(neighbours.toReversed(), 0).runs.length, 1);
  const everyTenth = neighbours.filter((_, i) => i % 10 === 0); // 72 KB between them
  assert.equal(planWindow(everyTenth, 0).runs.length, 10);
  const everyFifth = neighbours.filter((_, i) => i % 5 === 0); // 32 KB between them
  assert.equal(planWindow(everyFifth, 0).runs.length, 1);
});

test('gaps are not read over without bound', () => {
  const sparse = layOut(new Array(400).fill(60_000)).map((address) => ({ ...address, length: 10, storedLength: 10 }));
  const { runs } = planWindow(sparse, 0);
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  assert.ok(runs.length > 300 && bytes < 1.1 * WINDOW_BYTES, `${runs.length} runs, ${bytes} bytes`);
});

test('the same body asked for twice is read once', () => {
  const [first, second] = layOut([100, 200]);
  const { runs } = planWindow([first!, second!, first!], 0);
  assert.deepEqual(
    runs.map(({ offset, bytes }) => [offset, bytes]),
    [[32, 428]],
  );
});

test('reading many gives what reading each gives, whatever the order', async (t) => {
  const { open } = await folder(t);
  const segments = await open({ segmentBytes: 300_000 });
  const sizes = Array.from({ length: 120 }, (_, i) => (i * 7_919) % 40_000);
  const addresses = sizes.map((size, i) => append(segments, noise(size, i + 1)));
  addresses.push(append(segments, noise(STREAM_ABOVE)), await appendLarge(segments, noise(STREAM_ABOVE + 1)));
  addresses.push({ ...addresses[3]!, segment: 99 }, { ...addresses[4]!, hash: new Uint8Array(32) });
  await segments.sync();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: addresses.length - 1 }), { maxLength: 60 }), async (picks) => {
      const wanted = picks.map((pick) => addresses[pick]!);
      const answers = await all(segments.readMany(wanted));
      assert.equal(answers.length, wanted.length);
      for (const [i, address] of wanted.entries()) {
        const answer = answers[i];
        if (address.length > STREAM_ABOVE) assert.equal(answer, null);
        else if (Buffer.isBuffer(answer)) assert.ok(answer.equals(await segments.read(address)));
        else await assert.rejects(segments.read(address), { code: (answer as { code: string }).code });
      }
    }),
    { numRuns: 40 },
  );
});

test('a consumer that takes one body causes two reads at most, and may leave', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const addresses = Array.from({ length: 400 }, (_, i) => append(segments, noise(20_000, i + 1)));
  await segments.sync();
  files.calls.length = 0;
  for await (const body of segments.readMany(addresses)) {
    assert.deepEqual(body, noise(20_000, 1));
    break;
  }
  assert.ok(files.count('read') <= 2, `${files.count('read')} reads`);
});

test('a consumer that leaves does not hear of what was read ahead for it', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const many = Array.from({ length: 100 }, (_, i) => append(segments, noise(20_000, i + 1)));
  const large = await appendLarge(segments, noise(600_000));
  await segments.sync();
  files.fail('read', 'EMFILE', { after: 1 });
  for await (const _ of segments.readMany(many)) break;
  await setImmediate();
  files.mend();
  files.fail('read', 'EMFILE', { after: 2 });
  for await (const _ of segments.readChunks(large)) break;
  files.mend();
  assert.equal((await all(segments.readMany(many))).length, 100);
});

test('a bad sector spoils one body, not those that are read with it', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const addresses = [1, 2, 3, 4].map((seed) => append(segments, noise(5_000, seed)));
  await segments.sync();
  const bad = addresses[2]!.offset + 1_000;
  files.fail('read', 'EIO', {
    when: (_, position, length) => (position as number) <= bad && bad < (position as number) + (length as number),
  });
  const answers = await all(segments.readMany(addresses));
  assert.deepEqual([answers[0], answers[1], answers[3]], [noise(5_000, 1), noise(5_000, 2), noise(5_000, 4)]);
  assert.ok(refused('message.damaged')(answers[2]));
  await assert.rejects(segments.read(addresses[2]!), refused('message.damaged'));
});

test('an error that is no fault of the message is not blamed on it', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const address = append(segments, noise(5_000));
  await segments.sync();
  files.fail('open', 'EMFILE');
  await assert.rejects(segments.read(address), { code: 'EMFILE' });
  await assert.rejects(all(segments.readMany([address])), { code: 'EMFILE' });
  await assert.rejects(all(segments.readChunks(address)), { code: 'EMFILE' });
  files.mend();
  assert.deepEqual(await segments.read(address), noise(5_000));
});

test('reads that come back short are read on', async (t) => {
  const files = new FaultyFiles();
  const whole = files.read.bind(files);
  files.read = (file, into, position) => whole(file, into.subarray(0, 1 + (position % 700)), position);
  const { open } = await folder(t);
  const segments = await open({ files });
  const addresses = [1, 2, 3].map((seed) => append(segments, noise(5_000, seed)));
  await segments.sync();
  assert.deepEqual(await segments.read(addresses[1]!), noise(5_000, 2));
  assert.deepEqual(
    await all(segments.readMany(addresses)),
    [1, 2, 3].map((seed) => noise(5_000, seed)),
  );
});

test('a bounded number of segments is open, however many are read', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files, segmentBytes: 1_000 });
  const addresses = Array.from({ length: MAX_OPEN + 20 }, (_, i) => append(segments, noise(900, i + 1)));
  await segments.seal();
  const opened = files.count('open');
  await Promise.all(
    addresses.map((address, i) => segments.read(address).then((body) => assert.deepEqual(body, noise(900, i + 1)))),
  );
  const written = addresses.length;
  assert.equal(files.count('open') - opened, addresses.length);
  assert.ok(files.count('close') >= written, 'what was written is closed');
  assert.equal(files.count('open') - files.count('close'), MAX_OPEN);
  const again = files.count('open');
  await segments.read(addresses.at(-1)!);
  assert.equal(files.count('open'), again, 'the last ones are still open');
  for (const address of addresses) {
    await segments.read(address);
    await segments.read(addresses[0]!);
  }
  assert.equal(files.count('open') - again, addresses.length, 'each once: the one in use stays open');
});
