/** Whenever a run or a prune is killed: every backup that was made, and was not to be removed, is whole. RAINMAIL_BACKUP_KILLS sets how often. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { verifyRepository } from '../../src/backup/repository/verify.ts';
import { Random, seed } from '../crash/random.ts';
import { ENVIRONMENT } from '../helpers/server-process.ts';
import { temporaryFolder } from '../store/helpers.ts';
import { emptyRepository, using } from './helpers.ts';
import { readBack, stateOf } from './repository/states.ts';

const KILLS = Number(process.env['RAINMAIL_BACKUP_KILLS'] ?? 6);
const PROCESS = fileURLToPath(new URL('backing-up.ts', import.meta.url));

test(`every backup that was made is whole after ${KILLS} kills at random moments`, async (t) => {
  const random = new Random(seed(t));
  const place = await emptyRepository(t);
  const folder = await temporaryFolder(t);
  const made = new Map<string, number>();
  let next = 1;
  let unfinished = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [PROCESS, place.directory, place.key.format(), folder, String(next)], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const over = ended.then(() => assert.fail('it ended by itself'));
    await Promise.race([once(child.stdout, 'data'), over]); // it has begun
    await setTimeout(random.between(0, 500));
    child.kill('SIGKILL');
    await ended;

    const lines = out.split('\n').slice(0, -1);
    for (const line of lines) {
      const [what, first, second] = line.split(' ');
      if (what === 'begin') next = Number(first) + 1;
      else if (what === 'made') made.set(second!, Number(first));
    }
    if (lines.at(-1)!.startsWith('begin')) unfinished++;
    await using(place, 'read', async (repository) => {
      const { layout } = repository;
      const verified = await verifyRepository(
        { kind: 'verify', layout, sample: 1 },
        () => {},
        () => false,
      );
      assert.deepEqual(verified.findings, [], out);
      const ids = (await repository.snapshots()).map(({ id }) => id);
      const lost = [...made.keys()].filter((id) => !ids.includes(id));
      // Prunes keep three, of which one may be too new to have been told.
      const newest = [...made.keys()].sort().slice(-2);
      assert.deepEqual(
        newest.filter((id) => lost.includes(id)),
        [],
      );
      for (const id of lost) made.delete(id);
      const newestId = ids.at(-1);
      const number = newestId === undefined ? undefined : made.get(newestId);
      if (newestId !== undefined && number !== undefined) {
        const { database, segments } = await readBack(await repository.snapshot({ id: newestId }), folder);
        const expected = stateOf(number);
        assert.ok(database.equals(expected.database));
        for (const [id, bytes] of segments) assert.ok(bytes.equals(expected.segments.get(id)!));
      }
    });
  }
  t.diagnostic(`${made.size} backups are kept; ${unfinished} runs and prunes were cut`);
  assert.ok(unfinished > KILLS / 4, 'hardly anything was cut');
});
