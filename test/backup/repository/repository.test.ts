import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RepositoryKey } from '../../../src/backup/repository/key.ts';
import { prune } from '../../../src/backup/repository/prune.ts';
import { Repository } from '../../../src/backup/repository/repository.ts';
import { verifyRepository } from '../../../src/backup/repository/verify.ts';
import fc from '../../helpers/properties.ts';
import { noise } from '../../store/bodies/helpers.ts';
import { temporaryFolder } from '../../store/helpers.ts';
import { emptyRepository, using } from '../helpers.ts';
import { backUpState, type Copy, readBack, State } from './states.ts';

const nothing = (): void => {};
const never = (): boolean => false;
const DAY = 86_400;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      change: fc.constantFrom('write', 'append', 'seal', 'compact'),
      where: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ days: fc.integer({ min: 0, max: 9 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      daily: fc.integer({ min: 1, max: 3 }),
      weekly: fc.integer({ min: 0, max: 2 }),
      monthly: fc.integer({ min: 0, max: 1 }),
    }),
  },
);

test('whatever happens between backups and prunes, every backup that is kept comes back byte for byte', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
      const place = await emptyRepository(t);
      const folder = await temporaryFolder(t);
      const state = new State();
      const states = new Map<string, Copy>();
      let now = 1_790_000_000;
      for (const each of steps) {
        if ('change' in each) state.change(each.change, each.where);
        else if ('days' in each) {
          now += each.days * DAY + 1;
          const { id } = await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), now));
          states.set(id, state.copy());
        } else {
          const { snapshotsRemoved } = await using(place, 'remove', ({ layout }) =>
            prune({ kind: 'prune', layout, retention: each }, nothing, never),
          );
          for (const id of snapshotsRemoved) assert.ok(states.delete(id));
        }
      }
      await using(place, 'read', async (repository) => {
        const { findings } = await verifyRepository(
          { kind: 'verify', layout: repository.layout, sample: 1 },
          nothing,
          never,
        );
        assert.deepEqual(findings, []);
        assert.deepEqual((await repository.snapshots()).map(({ id }) => id).sort(), [...states.keys()].sort());
        for (const [id, expected] of states) {
          const { database, segments } = await readBack(await repository.snapshot({ id }), folder);
          assert.ok(database.equals(expected.database), `the database of ${id}`);
          assert.deepEqual([...segments.keys()], [...expected.segments.keys()]);
          for (const [segment, bytes] of segments)
            assert.ok(bytes.equals(expected.segments.get(segment)!), `segment ${segment} of ${id}`);
        }
      });
    }),
    { numRuns: Number(process.env['RAINMAIL_BACKUP_RUNS'] ?? 12) },
  );
});

test('a run reads no segment that it knows, and of one that grew only the end', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  state.segments.set(1, noise(3_000_000, 1));
  await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_000_000));
  const grown = Buffer.concat([noise(3_000_000, 1), noise(10, 2)]);
  // Its beginning reads as something else: if it were read, the backup would be another.
  const changed = Buffer.concat([Buffer.alloc(1 << 20), grown.subarray(1 << 20)]);
  const copy = { ...state.copy(), segments: new Map([[1, changed]]) };
  const { id, added } = await using(place, 'add', ({ layout }) => backUpState(layout, folder, copy, 1_790_000_001));
  assert.ok(added < 1_100_000, `${added} bytes`);
  await using(place, 'read', async (repository) => {
    const snapshot = await repository.snapshot({ id });
    assert.ok((await snapshot.readSegment(1, 0, grown.length)).equals(grown));
  });
});

test('a run that is stopped makes no backup, and the next one uses what it stored', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  for (let number = 1; number <= 12; number++) state.segments.set(number, noise(2_000_000, number));
  // The third pack is being filled: the first is on disk.
  await using(place, 'add', ({ layout }) =>
    assert.rejects(backUpState(layout, folder, state.copy(), 1_790_000_000, { stopAfter: 18_000_000 }), {
      code: 'backup.stopped',
    }),
  );
  await using(place, 'read', async (repository) => assert.deepEqual(await repository.snapshots(), []));
  const { reused } = await using(place, 'add', ({ layout }) =>
    backUpState(layout, folder, state.copy(), 1_790_000_001),
  );
  assert.ok(reused > 7_000_000, `${reused}`);
});

test('segments that are cut or gone are told, and do not keep the rest from being backed up; they are read again the next time', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  for (const id of [1, 2, 3]) state.segments.set(id, noise(1_500_000, id));
  const taken = 1_790_000_000;
  const hurt = async (path: string, id: number): Promise<void> => {
    if (id === 1) await truncate(path, 1_200_000);
    if (id === 2) await rm(path);
  };
  const first = await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), taken, { hurt }));
  assert.equal(first.leftOut.length, 2);
  assert.match(first.leftOut[0]!, /1\.seg \(300000 bytes of it/);
  assert.match(first.leftOut[1]!, /2\.seg \(1500000 bytes of it/);
  const read = (id: string, segment: number) =>
    using(place, 'read', async (repository) => (await repository.snapshot({ id })).readSegment(segment, 0, 2_000_000));
  assert.ok(
    (await read(first.id, 1)).equals(
      Buffer.concat([noise(1_500_000, 1).subarray(0, 1_200_000), Buffer.alloc(300_000)]),
    ),
  );
  assert.ok((await read(first.id, 3)).equals(noise(1_500_000, 3)));
  const second = await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), taken + 1));
  assert.deepEqual(second.leftOut, []);
  for (const id of [1, 2, 3]) assert.ok((await read(second.id, id)).equals(noise(1_500_000, id)));
});

test('pruning gives the disk back', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  state.segments.set(1, noise(5_000_000, 1));
  await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_000_000));
  state.segments.delete(1);
  await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_000_001));
  const { bytesFreed } = await using(place, 'remove', ({ layout }) =>
    prune({ kind: 'prune', layout, retention: { daily: 1, weekly: 0, monthly: 0 } }, nothing, never),
  );
  assert.ok(bytesFreed > 4_900_000, `${bytesFreed}`);
});

test('many small packs are put together', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  for (let number = 0; number < 10; number++) {
    state.change('write', 0.5);
    await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_000_000 + number * DAY));
  }
  const packs = async () => (await readdir(join(place.directory, 'packs'))).length;
  assert.equal(await packs(), 10);
  await using(place, 'remove', ({ layout }) =>
    prune({ kind: 'prune', layout, retention: { daily: 10, weekly: 0, monthly: 0 } }, nothing, never),
  );
  assert.equal(await packs(), 1);
});

test('a key with a slip of the pen, another key, and a newer format are told apart', async (t) => {
  const { directory, key } = await emptyRepository(t);
  const text = key.format();
  assert.match(text, /^([0-9A-Z]{4}-){13}[0-9A-Z]{4}$/);
  assert.deepEqual(
    RepositoryKey.parse(` ${text.toLowerCase().replaceAll('-', ' ').replaceAll('1', 'l').replaceAll('0', 'o')}\n`),
    key,
  );
  const slip = (text[0] === 'A' ? 'B' : 'A') + text.slice(1);
  assert.throws(() => RepositoryKey.parse(slip), { code: 'backup.key', message: /A letter .* is wrong/ });
  assert.throws(() => RepositoryKey.parse(text.slice(5)), { code: 'backup.key', message: /56 letters/ });
  await assert.rejects(Repository.open(directory, RepositoryKey.generate(), { command: 'test' }), {
    code: 'backup.key',
    message: /belongs to another repository/,
  });
  const facts = join(directory, 'repository.json');
  const whole = await readFile(facts, 'utf8');
  await writeFile(facts, whole.replace('"format": 1', '"format": 2'));
  await assert.rejects(Repository.open(directory, key, { command: 'test' }), { code: 'backup.newer' });
  await writeFile(facts, whole.slice(0, 20));
  await assert.rejects(Repository.open(directory, key, { command: 'test' }), { code: 'backup.damaged' });
  await rm(facts);
  await assert.rejects(Repository.open(directory, key, { command: 'test' }), { code: 'backup.missing' });
});

test('readers are many, one adds beside them, and one removes alone', async (t) => {
  const { directory, key } = await emptyRepository(t);
  const open = (use: 'read' | 'add' | 'remove') => Repository.open(directory, key, { use, command: `test ${use}` });
  const reader = await open('read');
  const adder = await open('add');
  (await open('read')).close();
  await assert.rejects(open('add'), { code: 'backup.busy', message: /rainmail test add/ });
  await assert.rejects(open('remove'), { code: 'backup.busy' });
  adder.close();
  await assert.rejects(open('remove'), { code: 'backup.busy' });
  reader.close();
  const remover = await open('remove');
  await assert.rejects(open('read'), { code: 'backup.busy' });
  remover.close();
  (await open('add')).close();
});

test('whoever waits for a repository gets it when it is free', async (t) => {
  const { directory, key } = await emptyRepository(t);
  const adder = await Repository.open(directory, key, { use: 'add', command: 'test' });
  const waiting = Repository.open(directory, key, { use: 'add', command: 'test', patience: 60_000 });
  adder.close();
  (await waiting).close();
});

test('a snapshot is found by its time, and a damaged one is never passed over silently', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  const ids: string[] = [];
  for (const day of [0, 1, 2]) {
    const made = await using(place, 'add', ({ layout }) =>
      backUpState(layout, folder, state.copy(), 1_790_000_000 + day * DAY),
    );
    ids.push(made.id);
  }
  const idOf = (wanted: Parameters<Repository['snapshot']>[0]) =>
    using(place, 'read', async (repository) => (await repository.snapshot(wanted)).info.id);
  assert.equal(await idOf('latest'), ids[2]);
  assert.equal(await idOf({ asOf: 1_790_000_000 + DAY }), ids[1]);
  assert.equal(await idOf({ asOf: 1_790_000_000 + DAY - 1 }), ids[0]);
  await assert.rejects(idOf({ asOf: 1_789_999_999 }), { code: 'backup.missing' });
  await assert.rejects(idOf({ id: 'none' }), { code: 'backup.missing' });

  const newest = join(place.directory, 'snapshots', `${ids[2]}.snapshot`);
  // A sound manifest under another's name is as wrong as a damaged one.
  await rename(join(place.directory, 'snapshots', `${ids[1]}.snapshot`), newest);
  await assert.rejects(idOf('latest'), { code: 'backup.damaged', message: new RegExp(ids[2]!) });
  assert.equal(await idOf({ id: ids[0]! }), ids[0]);
  await using(place, 'read', async (repository) =>
    assert.deepEqual(
      (await repository.snapshots()).map(({ id }) => id),
      [ids[0]],
    ),
  );
  await assert.rejects(
    using(place, 'remove', ({ layout }) =>
      prune({ kind: 'prune', layout, retention: { daily: 1, weekly: 0, monthly: 0 } }, nothing, never),
    ),
    { code: 'backup.damaged', message: /nothing was removed/ },
  );
});

test('a repository is made only in an empty folder', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holiday.jpg'), '');
  await assert.rejects(Repository.create(folder, RepositoryKey.generate()), {
    code: 'backup.place',
    message: /holiday/,
  });
});
