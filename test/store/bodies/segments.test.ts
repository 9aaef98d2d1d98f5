import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Segments } from '../../../src/store/bodies/segments.ts';
import type { BodyAddress } from '../../../src/store/types.ts';
import { FaultyFiles } from '../../helpers/faulty-files.ts';
import fc from '../../helpers/properties.ts';
import { all, append, appendLarge, folder, noise, refused, sha256, wholeOf } from './helpers.ts';

test('bodies of any bytes come back the same, in any order, while others are appended', async (t) => {
  const { open } = await folder(t);
  const segments = await open({ segmentBytes: 8_192 });
  const stored: { address: BodyAddress; body: Buffer }[] = [];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.uint8Array({ maxLength: 900 }), { maxLength: 4 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (bodies, picks) => {
        for (const parts of bodies) {
          const buffers = parts.map((part) => Buffer.from(part));
          const body = Buffer.concat(buffers);
          stored.push({ body, address: segments.append(buffers, body.length, sha256(body)) });
        }
        const synced = segments.sync();
        await Promise.all(
          picks.map(async (pick) => {
            const { address, body } = stored[pick % stored.length]!;
            assert.deepEqual(await segments.read(address), body);
          }),
        );
        await synced;
      },
    ),
  );
  const bodies = stored.map(({ body }) => body);
  assert.deepEqual(await all(segments.readMany(stored.map(({ address }) => address))), bodies);
  assert.ok(segments.list().length > 3, 'several segments were filled');

  await segments.close();
  const reopened = await open();
  for (const { address, body } of stored.toReversed()) assert.deepEqual(await reopened.read(address), body);
});

test('a body can be read before its bytes are in the file', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const gate = files.hold('write');
  const address = append(segments, noise(500));
  const reading = Promise.all([segments.read(address), wholeOf(segments, address), all(segments.readMany([address]))]);
  await gate.reached;
  assert.equal(files.count('read'), 0);
  gate.release();
  assert.deepEqual(await reading, [noise(500), noise(500), [noise(500)]]);
});

test('what one turn appends is one write, and what comes during a write is the next', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const gate = files.hold('write');
  const first = [1, 2, 3].map((seed) => append(segments, noise(1_000, seed)));
  await gate.reached;
  const second = [4, 5, 6, 7].map((seed) => append(segments, noise(1_000, seed)));
  assert.equal(segments.queuedBytes, 32 + 7 * 1_064);
  gate.release();
  await segments.sync();

  assert.equal(segments.queuedBytes, 0);
  assert.equal(files.together.get('write'), 1);
  assert.deepEqual(files.writes, [
    { position: 0, bytes: 32 + 3 * 1_064 },
    { position: 32 + 3 * 1_064, bytes: 4 * 1_064 },
  ]);
  const bodies = [1, 2, 3, 4, 5, 6, 7].map((seed) => noise(1_000, seed));
  assert.deepEqual(await all(segments.readMany([...first, ...second])), bodies);
});

test('a group is written in pieces of about 1 MB', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const addresses = Array.from({ length: 50 }, (_, i) => append(segments, noise(100_000, i + 1)));
  const many = Array.from({ length: 2_000 }, (_, i) => append(segments, noise(10, i + 1)));
  await segments.sync();
  for (const { bytes } of files.writes) assert.ok(bytes <= 1 << 20, `${bytes} bytes in one write`);
  for (let i = 0; i < 50; i++) assert.deepEqual(await segments.read(addresses[i]!), noise(100_000, i + 1));
  assert.deepEqual(
    await all(segments.readMany(many)),
    many.map((_, i) => noise(10, i + 1)),
  );
});

test('a sync covers what was appended before it, and those who come while one runs share the next', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  append(segments, noise(10));
  const gate = files.hold('fdatasync');
  const first = segments.sync();
  const joined = segments.sync(); // nothing new: the running sync covers it
  await gate.reached;
  const order: string[] = [];
  append(segments, noise(20));
  const second = segments.sync().then(() => order.push('second'));
  append(segments, noise(30));
  const third = segments.sync().then(() => order.push('third'));
  void first.then(() => order.push('first'));
  void joined.then(() => order.push('joined'));
  assert.equal(files.count('fdatasync'), 1);
  gate.release();
  await Promise.all([first, joined, second, third]);
  assert.deepEqual(order, ['first', 'joined', 'second', 'third']);
  assert.equal(files.count('fdatasync'), 2);
  assert.equal(files.together.get('fdatasync'), 1);
  await segments.sync(); // nothing new at all
  assert.equal(files.count('fdatasync'), 2);
});

test('the name of a new file is made durable before its first body counts as durable', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  append(segments, noise(10));
  await segments.sync();
  append(segments, noise(10));
  await segments.sync();
  const calls = files.calls.slice(files.calls.indexOf('write'));
  assert.deepEqual(calls, ['write', 'fdatasync', 'syncDirectory', 'write', 'fdatasync']);
});

test('a segment is sealed before it outgrows its size, and a body larger than that gets one for itself', async (t) => {
  const { open, path } = await folder(t);
  const segments = await open({ segmentBytes: 10_000 });
  const addresses = [4_000, 4_000, 4_000, 30_000, 10].map((size) => append(segments, noise(size)));
  assert.deepEqual(
    addresses.map(({ segment, offset }) => [segment, offset]),
    [
      [1, 32],
      [1, 4_096],
      [2, 32],
      [3, 32],
      [4, 32],
    ],
  );
  await segments.sync();
  assert.deepEqual(segments.list(), [
    { id: 1, bytes: 8_160, sealed: true },
    { id: 2, bytes: 4_096, sealed: true },
    { id: 3, bytes: 30_096, sealed: true },
    { id: 4, bytes: 106, sealed: false },
  ]);
  for (const { id, bytes } of segments.list()) assert.equal((await stat(path(id))).size, bytes);
});

test('a segment of an earlier run is never appended to', async (t) => {
  const { open, path } = await folder(t);
  const earlier = await open();
  const old = append(earlier, noise(100));
  await earlier.close();
  const before = await readFile(path(1));

  const segments = await open();
  const address = append(segments, noise(50));
  await segments.sync();
  assert.deepEqual([old.segment, address.segment], [1, 2]);
  assert.deepEqual(await readFile(path(1)), before);
  assert.deepEqual(await segments.read(old), noise(100));
});

test('a run that stores nothing makes no file', async (t) => {
  const { open, directory } = await folder(t);
  const segments = await open();
  await segments.sync();
  await segments.seal();
  await segments.close();
  assert.deepEqual(await readdir(directory), []);
});

test('ids begin above those that are known elsewhere', async (t) => {
  const { open } = await folder(t);
  const segments = await open({ firstId: 42 });
  assert.deepEqual(segments.end(), { segment: 42, offset: 0 });
  assert.equal(append(segments, noise(1)).segment, 42);
});

test('everything that gets an address later stands at or behind the end', async (t) => {
  const { open } = await folder(t);
  const segments = await open({ segmentBytes: 3_000 });
  const behind = (address: BodyAddress, end: { segment: number; offset: number }): boolean =>
    address.segment > end.segment || (address.segment === end.segment && address.offset >= end.offset);
  for (let i = 0; i < 40; i++) {
    const end = segments.end();
    if (i % 7 === 3) assert.ok(behind(await appendLarge(segments, noise(50)), end), `large ${i}`);
    else assert.ok(behind(append(segments, noise(500)), end), `body ${i}`);
    if (i % 11 === 5) await segments.seal();
  }
});

test('a large body that is becoming a segment stands behind the end until its segment is known', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files, segmentBytes: 1_000 });
  append(segments, noise(10));
  const large = segments.large();
  await large.write(noise(100));
  const gate = files.hold('rename');
  const finished = large.finish(sha256(noise(100)));
  await gate.reached;
  append(segments, noise(900)); // begins a segment with a higher id
  const end = segments.end();
  await segments.sync();
  gate.release();
  const address = await finished;
  assert.ok(address.segment >= end.segment, `${address.segment} stands before ${end.segment}`);
});

test('sealing ends the active segment durably', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  append(segments, noise(10));
  await segments.seal();
  assert.deepEqual(segments.list(), [{ id: 1, bytes: 106, sealed: true }]);
  assert.equal(files.count('fdatasync'), 1);
  assert.equal(append(segments, noise(10)).segment, 2);
});

test('a segment may be sealed while what was in it before is being synced', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  append(segments, noise(10));
  const gate = files.hold('fdatasync');
  const synced = segments.sync();
  await gate.reached;
  const late = append(segments, noise(20));
  const sealed = segments.seal();
  gate.release();
  await Promise.all([synced, sealed]);
  assert.equal(files.count('fdatasync'), 2);
  assert.deepEqual(await segments.read(late), noise(20));
});

test('a large body streams in and out in small pieces, and a fast sender is made to wait', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const large = segments.large();
  const chunk = noise(64 << 10);
  const chunks = 512;
  let waits = 0;
  for (let i = 0; i < chunks; i++) {
    const wait = large.write(chunk);
    if (wait !== undefined) {
      waits++;
      await wait;
    }
  }
  assert.equal(large.size, chunks * chunk.length);
  assert.ok(waits > chunks / 64, `the sender was made to wait ${waits} times`);
  const whole = Buffer.concat(new Array(chunks).fill(chunk));
  const address = await large.finish(sha256(whole));
  await segments.sync();

  assert.deepEqual(
    { ...address, hash: 0 },
    { segment: 1, offset: 32, length: whole.length, storedLength: whole.length, codec: 0, hash: 0 },
  );
  let at = 0;
  for await (const part of segments.readChunks(address)) {
    assert.ok(part.length <= 64 << 10);
    assert.ok(part.equals(whole.subarray(at, at + part.length)));
    at += part.length;
  }
  assert.equal(at, whole.length);
  assert.deepEqual(await all(segments.readMany([address])), [null]);
});

test('any part of a body can be read in chunks', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const body = noise(600_000);
  const addresses = [append(segments, body), await appendLarge(segments, body)];
  const nothing = append(segments, Buffer.alloc(0));
  for (const address of addresses) {
    for (const [from, to] of [
      [0, 600_000],
      [0, 1],
      [599_999, 600_000],
      [65_535, 65_537],
      [5, 5],
      [1, 600_000],
      [7, 9e9],
      [600_000, 600_001],
    ] as const) {
      assert.ok((await wholeOf(segments, address, from, to)).equals(body.subarray(from, to)), `${from} to ${to}`);
    }
  }
  assert.deepEqual(await wholeOf(segments, nothing), Buffer.alloc(0));
});

test('a stream may use the same two buffers for a body of any length', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const body = noise(1_000_000);
  const address = await appendLarge(segments, body);
  const memory = new Set<ArrayBufferLike>();
  let at = 0;
  for await (const chunk of segments.readChunks(address, 0, body.length, true)) {
    await setImmediate(); // what is read ahead meanwhile must not touch it
    assert.ok(chunk.equals(body.subarray(at, at + chunk.length)));
    at += chunk.length;
    memory.add(chunk.buffer);
  }
  assert.equal(at, body.length);
  assert.equal(memory.size, 2);
});

test('a large body that is given up leaves nothing, while it waits and when it waits for nothing', async (t) => {
  const files = new FaultyFiles();
  const { open, directory } = await folder(t);
  const segments = await open({ files });
  const untouched = segments.large();
  untouched.abandon();
  const gate = files.hold('write');
  const large = segments.large();
  const waiting = Promise.all([large.write(noise(1 << 20)), large.write(noise(1 << 20)), large.write(noise(1 << 20))]);
  await gate.reached;
  large.abandon();
  large.abandon();
  gate.release();
  await waiting;
  await segments.close();
  assert.equal(segments.failed, undefined);
  assert.deepEqual(await readdir(directory), []);
});

test('what a large body left unfinished is removed at the next start, and nothing else is', async (t) => {
  const { open, directory } = await folder(t);
  await (await open()).close();
  await writeFile(`${directory}/00000003.part`, noise(5_000));
  await writeFile(`${directory}/notes.txt`, 'kept');
  await open();
  assert.deepEqual(await readdir(directory), ['notes.txt']);
});

test('a removed segment is gone for new readers; one who was reading it reads on to the end', async (t) => {
  const { open, directory } = await folder(t);
  const segments = await open();
  const body = noise(3 << 20);
  const large = await appendLarge(segments, body);
  const small = append(segments, noise(100));
  await segments.seal();
  const chunks = segments.readChunks(large)[Symbol.asyncIterator]();
  const got = [(await chunks.next()).value];
  const leaving = segments.readChunks(large)[Symbol.asyncIterator]();
  await leaving.next();
  await segments.remove(large.segment);
  await leaving.return!();
  await segments.remove(large.segment);
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) got.push(next.value);
  assert.ok(Buffer.concat(got).equals(body));

  await assert.rejects(segments.read(large), refused('message.gone'));
  await assert.rejects(wholeOf(segments, large), refused('message.gone'));
  await segments.remove(small.segment);
  const [answer] = await all(segments.readMany([small]));
  assert.ok(refused('message.gone')(answer));
  await assert.rejects(all(segments.records(small.segment)), refused('message.gone'));
  assert.deepEqual(segments.list(), []);
  assert.deepEqual(await readdir(directory), []);
});

test('no file is closed under a read that a consumer left behind', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const large = await appendLarge(segments, noise(600_000));
  await segments.sync();
  const chunks = segments.readChunks(large)[Symbol.asyncIterator]();
  const gate = files.hold('read', 2); // not the header and the first chunk, but the one read ahead
  await chunks.next();
  await gate.reached;
  await segments.remove(large.segment);
  const closed = files.count('close');
  const left = chunks.return!();
  await setImmediate();
  assert.equal(files.count('close'), closed);
  gate.release();
  await left;
  assert.equal(files.count('close'), closed + 1);
});

test('the active segment is not removed', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const address = append(segments, noise(10));
  await assert.rejects(segments.remove(address.segment), /active segment/);
  assert.deepEqual(await segments.read(address), noise(10));
});

test('a segment that is not durable yet is made so before it is removed', async (t) => {
  const { open } = await folder(t);
  const files = new FaultyFiles();
  const segments = await open({ files, segmentBytes: 500 });
  const gate = files.hold('open');
  const first = append(segments, noise(400));
  append(segments, noise(400));
  const removed = segments.remove(first.segment);
  await gate.reached;
  gate.release();
  await removed;
  assert.deepEqual(
    segments.list().map(({ id }) => id),
    [2],
  );
});

test('closing makes everything durable, and nothing can be appended afterwards', async (t) => {
  const files = new FaultyFiles();
  const { open } = await folder(t);
  const segments = await open({ files });
  const address = append(segments, noise(10));
  const large = segments.large();
  await large.write(noise(10));
  await large.finish(sha256(noise(10)));
  await segments.read(address);
  await segments.close();
  await segments.close();
  assert.equal(files.count('open'), files.count('close'), 'every file is closed');
  assert.equal(files.count('fdatasync'), 2);
  assert.throws(() => append(segments, noise(10)), /closed/);
  assert.throws(() => segments.large(), /closed/);
  await assert.rejects(segments.read(address), /closed/);
});

test('a body whose length is not what was said is not stored', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  assert.throws(() => segments.append([noise(10)], 11, sha256(noise(10))), /came with 10/);
  assert.deepEqual(segments.list(), []);
});

test('a folder that can not be listed is an error of the start', async (t) => {
  const { directory } = await folder(t);
  const files = new FaultyFiles();
  files.fail('list', 'EACCES');
  await assert.rejects(Segments.open({ directory, files }), /EACCES/);
});
