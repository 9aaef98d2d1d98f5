import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Refused } from '../../../src/errors.ts';
import type { Change } from '../../../src/store/engine/engine.ts';
import { sql } from '../../../src/store/engine/sql.ts';
import { SqliteEngine } from '../../../src/store/engine/sqlite.ts';
import type { AccountId, Modseq } from '../../../src/store/ids.ts';
import { defer } from '../../helpers/defer.ts';
import { temporaryFolder } from '../helpers.ts';

const INSERT = sql('INSERT INTO meta (name, value) VALUES (?, ?)');
const COUNT = sql<readonly [count: number]>('SELECT count(*) FROM meta');
const ANNA = 1 as AccountId;

/** A disk whose syncs end when the test says so. */
class Disk {
  syncs = 0;
  #held: PromiseWithResolvers<void> | undefined;

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  fail(): void {
    this.#held?.reject(new Error('the disk is broken'));
  }

  sync(): Promise<void> {
    this.syncs++;
    return this.#held?.promise ?? Promise.resolve();
  }
}

interface Opened {
  readonly engine: SqliteEngine;
  readonly disk: Disk;
  readonly durable: Change[];
  readonly failures: Error[];
}

async function openEngine(t: TestContext, checkpointPages?: number): Promise<Opened> {
  const folder = await temporaryFolder(t);
  const disk = new Disk();
  const durable: Change[] = [];
  const failures: Error[] = [];
  const engine = await SqliteEngine.open({
    path: join(folder, 'mail.db'),
    syncWith: [disk],
    onDurable: (changes) => void durable.push(...changes),
    onFailure: (error) => void failures.push(error),
    ...(checkpointPages === undefined ? {} : { checkpointPages }),
  });
  defer(t, () => engine.close().catch(() => {})); // an engine that failed can't close well
  return { engine, disk, durable, failures };
}

const count = (engine: SqliteEngine): Promise<number> => engine.read(async (tx) => (await tx.get(COUNT))![0]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('an operation that fails takes nothing of the others in its batch with it', async (t) => {
  const { engine } = await openEngine(t);
  const before = await count(engine);
  const results = await Promise.allSettled([
    engine.write(async (tx) => tx.run(INSERT, 'a', '1')),
    engine.write(async (tx) => {
      await tx.run(INSERT, 'b', '1');
      throw new Refused('quota.exceeded', 'no');
    }),
    engine.write(async (tx) => tx.run(INSERT, 'a', 'twice')),
    engine.write(async (tx) => tx.run(INSERT, 'c', '1')),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.equal(await count(engine), before + 2);
});

test('a write is answered, and its change told, only when everything is synced', async (t) => {
  const { engine, disk, durable } = await openEngine(t);
  disk.hold();
  let answered = false;
  const write = engine
    .write(async (tx) => {
      await tx.run(INSERT, 'a', '1');
      tx.changed({ account: ANNA, modseq: 2 as Modseq });
    })
    .then(() => {
      answered = true;
    });
  while (disk.syncs === 0) await turn();
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.equal(answered, false);
  assert.deepEqual(durable, []);
  disk.release();
  await write;
  assert.equal(durable.length, 1);
});

test('a read of an account waits for what it may have seen; one of another account does not', async (t) => {
  const { engine, disk } = await openEngine(t);
  disk.hold();
  const write = engine.write(async (tx) => tx.changed({ account: ANNA, modseq: 2 as Modseq }));
  while (disk.syncs === 0) await turn();
  let seen = false;
  const read = engine
    .read(async () => {}, ANNA)
    .then(() => {
      seen = true;
    });
  await engine.read(async () => {}, 2 as AccountId);
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.equal(seen, false);
  disk.release();
  await Promise.all([write, read]);
});

test('writes that come during a sync share the next ones', async (t) => {
  const { engine, disk } = await openEngine(t);
  disk.hold();
  const first = engine.write(async (tx) => tx.run(INSERT, 'first', '1'));
  while (disk.syncs === 0) await turn();
  const later = Array.from({ length: 30 }, (_, number) =>
    engine.write(async (tx) => tx.run(INSERT, `later${number}`, '1')),
  );
  for (let turns = 0; turns < 20; turns++) await turn();
  disk.release();
  await Promise.all([first, ...later]);
  // One more, unless the machine was so slow that a batch's time was over before all had joined it.
  assert.ok(disk.syncs <= later.length / 3, `${disk.syncs} syncs`);
});

test('after a sync that failed nothing is acknowledged any more, and those who waited are told', async (t) => {
  const { engine, disk, failures } = await openEngine(t);
  disk.hold();
  const waiting = engine.write(async (tx) => tx.run(INSERT, 'a', '1'));
  const told = assert.rejects(waiting, { code: 'store.failed' });
  while (disk.syncs === 0) await turn();
  const queued = assert.rejects(
    engine.write(async (tx) => tx.run(INSERT, 'b', '1')),
    { code: 'store.failed' },
  );
  disk.fail();
  await Promise.all([told, queued]);
  await assert.rejects(
    engine.write(async (tx) => tx.run(INSERT, 'c', '1')),
    { code: 'store.failed' },
  );
  assert.equal(disk.syncs, 1, 'a failed sync is not tried again');
  assert.equal(failures.length, 1);
});

test('checkpoints happen while writes go on, and lose nothing', async (t) => {
  const { engine } = await openEngine(t, 20);
  const before = await count(engine);
  const value = 'x'.repeat(2_000);
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      Array.from({ length: 25 }, (_, number) =>
        engine.write(async (tx) => tx.run(INSERT, `${round}.${number}`, value)),
      ),
    );
  }
  await engine.checkpoints.now();
  assert.equal((await count(engine)) - before, 1_000 + 1, 'and the mark that the checkpoint leaves');
});

test('reads of one turn see one state, which is the newest', async (t) => {
  const { engine } = await openEngine(t);
  const before = await count(engine);
  const written = engine.write(async (tx) => tx.run(INSERT, 'a', '1'));
  const first = Promise.all([count(engine), count(engine)]);
  assert.deepEqual(await first, [before, before]);
  await written;
  assert.deepEqual(await Promise.all([count(engine), count(engine)]), [before + 1, before + 1]);
});

test('a read that waits for anything but its snapshot fails, and holds up no write', async (t) => {
  const { engine } = await openEngine(t);
  const before = await count(engine);
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = engine.read(async (tx) => {
    await tx.get(COUNT);
    await promise;
    return tx.get(COUNT);
  });
  await engine.write(async (tx) => tx.run(INSERT, 'a', '1'));
  assert.equal(await count(engine), before + 1);
  resolve();
  await assert.rejects(late, /outside its snapshot/);
  await engine.write(async (tx) => tx.run(INSERT, 'b', '1'));
  assert.equal(await count(engine), before + 2);
});

test('an operation that waits for anything but its transaction ends the process', async (t) => {
  const folder = await temporaryFolder(t);
  const engine = new URL('../../../src/store/engine/sqlite.ts', import.meta.url);
  const program = `
    const { SqliteEngine } = await import(${JSON.stringify(engine.href)});
    const engine = await SqliteEngine.open({ path: ${JSON.stringify(join(folder, 'mail.db'))} });
    await engine.write(() => new Promise((resolve) => setTimeout(resolve, 1_000)));
    process.exit(0);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /awaited something outside its transaction/);
});
