import assert from 'node:assert/strict';
import { open as openFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Refused } from '../../../src/errors.ts';
import fc from '../../helpers/properties.ts';
import { all, append, appendLarge, folder, noise, refused, sha256, wholeOf } from './helpers.ts';

test('a segment cut at any byte of its last record shows the records before it, and that record as torn', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  const addresses = [50, 0, 70].map((size, i) => append(writer, noise(size, i + 1)));
  await writer.close();
  const last = addresses[2]!;
  const size = last.offset + 64 + last.storedLength;
  for (let length = size - 1; length >= last.offset; length--) {
    await truncate(path(1), length);
    const segments = await open();
    const records = await all(segments.records(1));
    assert.deepEqual(
      records.slice(0, 2).map(({ offset, length, sound }) => ({ offset, length, sound })),
      addresses.slice(0, 2).map(({ offset, length }) => ({ offset, length, sound: true })),
    );
    if (length === last.offset) assert.equal(records.length, 2, 'nothing is torn where nothing is');
    else {
      const { offset, sound, torn } = records[2]!;
      assert.deepEqual({ offset, sound, torn }, { offset: last.offset, sound: false, torn: length < last.offset + 64 });
    }
    await assert.rejects(segments.read(last), refused('message.damaged'));
    await assert.rejects(wholeOf(segments, last), refused('message.damaged'));
    const answers = await all(segments.readMany(addresses));
    assert.deepEqual(answers.slice(0, 2), [noise(50, 1), Buffer.alloc(0)]);
    assert.ok(refused('message.damaged')(answers[2]));
    await segments.close();
  }
});

test('a file shorter than its header is torn at its beginning', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  append(writer, noise(50));
  await writer.close();
  for (const length of [31, 1]) {
    await truncate(path(1), length);
    const segments = await open();
    assert.deepEqual(
      (await all(segments.records(1))).map(({ offset, torn }) => ({ offset, torn })),
      [{ offset: 0, torn: true }],
    );
  }
});

test('with any bits changed, a body is the right one or refused, never another', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  const bodies = [300, 5, 0, 900].map((size, i) => noise(size, i + 1));
  const addresses = bodies.map((body) => append(writer, body));
  await writer.close();
  const sound = await readFile(path(1));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: sound.length * 8 - 1 }), { minLength: 1, maxLength: 4 }), async (bits) => {
      const changed = Buffer.from(sound);
      for (const bit of bits) changed[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(path(1), changed);
      const segments = await open();
      const many = await all(segments.readMany(addresses));
      for (const [i, address] of addresses.entries()) {
        const end = address.offset + 64 + address.storedLength;
        const intact = changed.subarray(address.offset, end).equals(sound.subarray(address.offset, end));
        const answers = [
          await segments.read(address).catch((error) => error),
          many[i],
          await wholeOf(segments, address).catch((error) => error),
        ];
        for (const answer of answers) {
          if (intact) assert.deepEqual(answer, bodies[i]);
          else assert.ok(refused('message.damaged')(answer));
        }
      }
      for (const record of await all(segments.records(1))) {
        const i = addresses.findIndex(({ offset }) => offset === record.offset);
        if (record.sound) assert.ok(i >= 0 && Buffer.from(record.hash).equals(sha256(bodies[i]!)));
      }
      await segments.close();
    }),
    { numRuns: 150 },
  );
});

test('an address that points elsewhere never gives the bytes that stand there', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const mine = append(segments, noise(200, 1));
  const other = append(segments, noise(200, 2));
  const third = append(segments, noise(900, 3));
  await segments.sync();
  const wrong = [
    { ...mine, offset: other.offset },
    { ...mine, hash: other.hash },
    { ...mine, length: 100 },
    { ...mine, storedLength: 100 },
    { ...mine, codec: 1 },
    { ...mine, offset: mine.offset + 1 },
    { ...mine, offset: 1_000_000 },
    { ...third, offset: third.offset + 64 },
  ];
  for (const address of wrong) {
    await assert.rejects(segments.read(address), refused('message.damaged'));
    await assert.rejects(wholeOf(segments, address), refused('message.damaged'));
  }
  for (const answer of await all(segments.readMany(wrong))) assert.ok(refused('message.damaged')(answer));
});

test('a body that looks like records does not confuse the walk', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  append(writer, noise(100));
  await writer.close();
  const inner = await readFile(path(1));
  const segments = await open();
  const addresses = [append(segments, inner), append(segments, inner.subarray(32)), append(segments, noise(10))];
  await segments.seal();
  const records = await all(segments.records(2));
  assert.deepEqual(
    records.map(({ offset, length, sound }) => ({ offset, length, sound })),
    addresses.map(({ offset, length }) => ({ offset, length, sound: true })),
  );
});

test('the walk goes on after a damaged body, and begins where it is told', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  const addresses = [100, 2_000_000, 700_000, 700_000, 10].map((size, i) => append(writer, noise(size, i + 1)));
  await writer.seal();
  const file = await openFile(path(1), 'r+');
  await file.write(Buffer.from('damage'), 0, 6, addresses[1]!.offset + 1_900_000);
  await file.close();
  const sound = (await all(writer.records(1))).map((record) => record.sound);
  assert.deepEqual(sound, [true, false, true, true, true]);
  const tail = await all(writer.records(1, addresses[3]!.offset));
  assert.deepEqual(
    tail.map(({ offset, torn }) => ({ offset, torn })),
    addresses.slice(3).map(({ offset }) => ({ offset, torn: false })),
  );
});

test('the active segment and large bodies can be walked as well', async (t) => {
  const { open } = await folder(t);
  const segments = await open();
  const large = await appendLarge(segments, noise(3 << 20));
  const small = append(segments, noise(10));
  for (const address of [large, small]) {
    const [record, ...rest] = await all(segments.records(address.segment));
    assert.deepEqual(rest, []);
    assert.equal(record!.sound, true);
    assert.equal(record!.length, address.length);
    assert.ok(Buffer.from(record!.hash).equals(address.hash));
  }
});

test('files of arbitrary bytes are walked without harm', async (t) => {
  const { open, path } = await folder(t);
  const writer = await open();
  append(writer, noise(40));
  await writer.close();
  const head = await readFile(path(1));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: head.length }), fc.uint8Array({ maxLength: 300 }), async (keep, tail) => {
      await writeFile(path(1), Buffer.concat([head.subarray(0, keep), tail]));
      const segments = await open();
      const records = await all(segments.records(1));
      assert.ok(records.length <= 2);
      assert.ok(records.filter(({ sound }) => sound).length <= 1);
      await segments.close();
    }),
    { numRuns: 60 },
  );
});

test('a refusal says what to do, and nothing of where the message stood', async (t) => {
  const { open, directory } = await folder(t);
  const segments = await open();
  const address = append(segments, noise(200));
  await segments.sync();
  const error = await segments.read({ ...address, offset: 5 }).catch((reason) => reason);
  assert.ok(error instanceof Refused);
  assert.match(error.message, /administrator/);
  assert.ok(!error.message.includes(directory));
});
