import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from '../../../src/store/engine/sql.ts';
import { SqliteEngine } from '../../../src/store/engine/sqlite.ts';
import { SqliteWorker } from '../../../src/store/engine/sqlite-worker-client.ts';
import { defer } from '../../helpers/defer.ts';
import { temporaryFolder } from '../helpers.ts';

const INSERT = sql('INSERT INTO meta (name, value) VALUES (?, ?)');
const COUNT = sql<readonly [count: number]>(`SELECT count(*) FROM meta WHERE name = 'a'`);

interface Opened {
  readonly engine: SqliteEngine;
  readonly worker: SqliteWorker;
}

/** A database with one change in its log, and a worker that leaves as soon as it has nothing to do. */
async function open(t: TestContext, linger = 0): Promise<Opened> {
  const path = join(await temporaryFolder(t), 'mail.db');
  const engine = await SqliteEngine.open({ path });
  const worker = new SqliteWorker(path, linger);
  defer(t, () => engine.close());
  defer(t, () => worker.close());
  await engine.write(async (tx) => tx.run(INSERT, 'a', 'b'));
  return { engine, worker };
}

test('the thread is there while it has something to do, and comes back when it is needed again', async (t) => {
  const { engine, worker } = await open(t);
  assert.equal(worker.running, false);
  for (let round = 0; round < 3; round++) {
    const { log, checkpointed } = await worker.checkpoint('PASSIVE');
    assert.ok(log > 0 && checkpointed === log);
    while (worker.running) await turn();
  }
  assert.equal(await engine.read(async (tx) => (await tx.get(COUNT))?.[0]), 1);
});

test('what is asked while the thread is leaving, or all at once, is answered in its order', async (t) => {
  const { worker } = await open(t);
  const answered: string[] = [];
  const ask = (name: string) => worker.checkpoint('PASSIVE').then(() => answered.push(name));
  await Promise.all([ask('first'), ask('second')]);
  await new Promise((resolve) => setTimeout(resolve, 0)); // its time is over: it leaves
  await Promise.all([ask('third'), ask('fourth')]);
  assert.deepEqual(answered, ['first', 'second', 'third', 'fourth']);
});

test('nothing is left of a thread that is closed while it works', async (t) => {
  const { worker } = await open(t, 60_000);
  const asked = worker.checkpoint('PASSIVE');
  await new Promise((resolve) => setImmediate(resolve)); // it has been asked
  await worker.close();
  assert.equal((await asked).log > 0, true);
  assert.equal(worker.running, false);
});
