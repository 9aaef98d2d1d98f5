import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../src/gate.ts';

test('so many run at a time, the others in order', async () => {
  const gate = new Gate(2, 10);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const work = [0, 1, 2, 3, 4].map((number) =>
    gate.run(() => {
      started.push(number);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  assert.deepEqual(started, [0, 1]);
  ends[1]!();
  await work[1];
  assert.deepEqual(started, [0, 1, 2]);
  ends[0]!();
  await work[0];
  ends[2]!();
  await work[2];
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  ends[3]!();
  ends[4]!();
  await Promise.all(work);
});

test('it is full when all places and seats are taken, and has room again after', async () => {
  const gate = new Gate(1, 1);
  let end = () => {};
  const first = gate.run(() => new Promise<void>((resolve) => (end = resolve)));
  assert.equal(gate.full, false);
  const second = gate.run(async () => {});
  assert.equal(gate.full, true);
  end();
  await Promise.all([first, second]);
  assert.equal(gate.full, false);
});

test('work that fails gives its place back', async () => {
  const gate = new Gate(1, 1);
  await assert.rejects(
    gate.run(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await gate.run(async () => 'done'), 'done');
});
