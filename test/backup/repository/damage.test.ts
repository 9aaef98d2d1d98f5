/** Whatever happens to the files of a repository: verify names it, and no wrong byte comes out. RAINMAIL_DAMAGE_ROUNDS sets how often. */
import assert from 'node:assert/strict';
import { cp, mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { verifyRepository } from '../../../src/backup/repository/verify.ts';
import { Refused } from '../../../src/errors.ts';
import { Random, seed } from '../../crash/random.ts';
import { noise } from '../../store/bodies/helpers.ts';
import { temporaryFolder } from '../../store/helpers.ts';
import { emptyRepository, using } from '../helpers.ts';
import { backUpState, readBack, State } from './states.ts';

const ROUNDS = Number(process.env['RAINMAIL_DAMAGE_ROUNDS'] ?? 30);

test(`${ROUNDS} bit flips, cuts and lost files: each is found and named, and what comes out is right or refused`, async (t) => {
  const random = new Random(seed(t));
  const whole = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  state.segments.set(1, noise(2_200_000, 1));
  state.segments.set(2, Buffer.from('Subject: all the same\r\n'.repeat(60_000)));
  const copies = new Map<string, ReturnType<State['copy']>>();
  for (const day of [0, 1]) {
    state.change('write', 0.5);
    state.change('append', 0.5);
    const { id } = await using(whole, 'add', ({ layout }) =>
      backUpState(layout, folder, state.copy(), 1_790_000_000 + day * 86_400),
    );
    copies.set(id, state.copy());
  }
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const place = { ...whole, directory: join(folder, `damaged-${round}`) };
    await mkdir(place.directory);
    await cp(whole.directory, place.directory, { recursive: true });
    const object = await damage(place.directory, random);
    await using(place, 'read', async (repository) => {
      const { findings, damagedSnapshots } = await verifyRepository(
        { kind: 'verify', layout: repository.layout, sample: 1 },
        () => {},
        () => false,
      );
      const isLost = (await readdir(join(place.directory, object.split('/')[0]!))).every(
        (name) => !object.endsWith(name),
      );
      if (isLost && object.startsWith('snapshots/')) return; // a backup that is not there is not damaged
      if (!isLost)
        assert.ok(
          findings.some((finding) => finding.object === object),
          `${object} is not named: ${JSON.stringify(findings)}`,
        );
      assert.ok(findings.length > 0, object);
      for (const [id, expected] of copies) {
        try {
          const { database, segments } = await readBack(await repository.snapshot({ id }), folder);
          assert.ok(database.equals(expected.database));
          for (const [segment, bytes] of segments) assert.ok(bytes.equals(expected.segments.get(segment)!));
          assert.ok(!damagedSnapshots.includes(id), `${id} was said to be damaged by ${object}`);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          assert.equal(error.code, 'backup.damaged');
          assert.ok(damagedSnapshots.includes(id), `${id} is damaged by ${object}, and verify does not say so`);
          refused++;
        }
      }
    });
    await rm(place.directory, { recursive: true });
  }
  assert.ok(refused > ROUNDS / 2, `only ${refused} refusals`);
});

test('a run after damage stores again what the newest state needs', async (t) => {
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const state = new State();
  state.segments.set(1, noise(1_500_000, 1));
  await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_000_000));
  for (const name of await readdir(join(place.directory, 'packs'))) await rm(join(place.directory, 'packs', name));
  const { id } = await using(place, 'add', ({ layout }) => backUpState(layout, folder, state.copy(), 1_790_086_400));
  await using(place, 'read', async (repository) => {
    const { database, segments } = await readBack(await repository.snapshot({ id }), folder);
    assert.ok(database.equals(state.database));
    assert.ok(segments.get(1)!.equals(state.segments.get(1)!));
  });
});

/** @returns which object it was done to, below the repository */
async function damage(directory: string, random: Random): Promise<string> {
  const objects: string[] = [];
  for (const folder of ['packs', 'snapshots']) {
    for (const name of await readdir(join(directory, folder))) objects.push(join(directory, folder, name));
  }
  const path = random.pick(objects);
  const { size } = await stat(path);
  const kind = random.between(0, 2);
  if (kind === 0) await rm(path);
  else if (kind === 1) await truncate(path, random.between(0, size - 1));
  else {
    const file = await open(path, 'r+');
    const at = random.between(0, size - 1);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0]! ^= 1 << random.between(0, 7);
    await file.write(byte, 0, 1, at);
    await file.close();
  }
  return relative(directory, path);
}
