/**
 * Acknowledged means on disk: the server is killed at random moments under load, and started again. RAINMAIL_CRASH_ROUNDS sets how
 * often, RAINMAIL_TEST_SEED repeats the lots of a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';
import { BUSY_STORE } from './busy-store.ts';
import { readEverything } from './everything.ts';
import type { Event, Journal } from './journal.ts';
import { PEOPLE, work } from './load.ts';
import { Model } from './model.ts';
import { Random, seed } from './random.ts';

const ROUNDS = Number(process.env['RAINMAIL_CRASH_ROUNDS'] ?? 25);
const VERIFY_EVERY = 10;
/** The most that is acknowledged between a start and the kill. */
const MOST_ACKNOWLEDGED = 80;
/** And the longest time from an acknowledgement to the kill, in milliseconds: mostly something is under way then. */
const LONGEST_DELAY = 5;

test(`what was acknowledged survives ${ROUNDS} kills at random moments`, async (t) => {
  const random = new Random(seed(t));
  const office = await trialOffice(t, { people: PEOPLE, config: BUSY_STORE });
  const model = new Model();
  const counts = new Map<Event['event'], number>();
  let untilKill = { acknowledged: 0, come: () => {} };
  const journal: Journal = {
    write(event) {
      model.apply(event);
      counts.set(event.event, (counts.get(event.event) ?? 0) + 1);
      if (event.event !== 'taken' && event.event !== 'done') return;
      untilKill.acknowledged--;
      if (untilKill.acknowledged === 0) untilKill.come();
    },
  };
  for (let round = 1; round <= ROUNDS; round++) {
    const { snapshot, sessions } = await readEverything(office, model, round % VERIFY_EVERY === 0);
    assert.deepEqual(model.problems(snapshot), [], `after kill ${round - 1}`);
    journal.write({ event: 'restarted', snapshot });
    if (round % VERIFY_EVERY === 0) await assertVerified(office);

    const moment = new Promise<void>((come) => {
      untilKill = { acknowledged: random.between(1, MOST_ACKNOWLEDGED), come };
    });
    const working = work({ office, journal, model, random: random.fork() }, sessions);
    await Promise.race([working, moment]);
    await setTimeout(random.between(0, LONGEST_DELAY));
    await office.kill();
    await working;
    for (const session of sessions.values()) session.close();

    if (random.chance(0.15)) await killWhileStarting(office, random.between(50, 600));
    await office.start();
  }
  const { snapshot, sessions } = await readEverything(office, model, true);
  for (const session of sessions.values()) session.close();
  assert.deepEqual(model.problems(snapshot), [], `after kill ${ROUNDS}`);
  await assertVerified(office);
  t.diagnostic(`${counts.get('taken')} deliveries and ${counts.get('done')} changes were acknowledged`);
  assert.ok((counts.get('taken') ?? 0) > ROUNDS && (counts.get('done') ?? 0) > ROUNDS, 'there was hardly any load');
});

async function killWhileStarting(office: TrialOffice, after: number): Promise<void> {
  const starting = office.start().then(
    () => true,
    () => false, // it died before it was ready, as intended
  );
  await Promise.race([starting, setTimeout(after)]);
  await office.kill();
  await starting;
}

async function assertVerified(office: TrialOffice): Promise<void> {
  const verified = (await office.command('verify')) as { findings: readonly unknown[] };
  assert.deepEqual(verified.findings, []);
}
