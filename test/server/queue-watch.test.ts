/** The alarm of the queue: by how much waits, and by how long. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { QueueWatch } from '../../src/server/queue-watch.ts';
import { type AccountId, nowSeconds } from '../../src/store/ids.ts';
import { message, newAccount, stage, temporaryStore } from '../store/helpers.ts';

const HOUR = 3_600;

interface Told {
  readonly msg: string;
  readonly destination?: string;
}

async function watched(t: TestContext, { alarmAbove = 100, alarmAfter = 0 }) {
  const store = await temporaryStore(t);
  const anna: AccountId = await newAccount(store, 'anna');
  const registry = new Registry();
  const told: Told[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void told.push(JSON.parse(line)) });
  const onInternalError = () => assert.fail('the queue could not be looked at');
  const watch = new QueueWatch({ queue: store.queue, registry, alarmAbove, alarmAfter, log, onInternalError });
  return {
    store,
    watch,
    told: () => told.splice(0).map(({ msg, destination }) => [msg, destination].filter(Boolean).join(': ')),
    /** @param due  seconds ago */
    async send(to: string, due: number) {
      const now = nowSeconds();
      const recipients = [{ address: to, destination: to.slice(to.indexOf('@') + 1) }];
      const sent = { account: anna, sender: 'anna@office.test', recipients, due: now - due, expires: now + HOUR };
      const { queued } = await store.deliver(await stage(store, message('Offer')), [], { outbound: [sent] });
      return queued[0]!;
    },
    /** As monitoring reads it, which looks anew. */
    async metric(name: string): Promise<number> {
      const text = await registry.metrics();
      return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
    },
  };
}

test('mail that should have left and did not is an alarm after a time, and none when it has left', async (t) => {
  const { store, watch, told, send, metric } = await watched(t, { alarmAfter: 2 * HOUR * 1_000 });
  await send('ben@example.com', -HOUR); // for later
  await send('carl@example.net', HOUR);
  assert.equal(await metric('rainmail_queue_alarm'), 0);
  const late = await send('dora@example.org', 3 * HOUR);
  assert.equal(await metric('rainmail_queue_alarm'), 1);
  assert.ok((await metric('rainmail_queue_waited_seconds')) >= 3 * HOUR);
  assert.equal(await metric('rainmail_queue_alarm'), 1);
  assert.deepEqual(told(), ['mail has waited for long to leave: example.org']); // once
  const { alarm, waitedSeconds } = watch.report();
  assert.deepEqual([alarm, Math.floor((waitedSeconds as number) / HOUR)], [true, 3]);
  await store.queue.settle((await store.queue.message(late))!, { settlements: [{ number: 0, end: 'sent' }] });
  assert.equal(await metric('rainmail_queue_alarm'), 0);
  assert.deepEqual(told(), ['no mail has waited for long to leave any more']);
});

test('much that waits is an alarm however short it has waited; without a time to wait nothing is late', async (t) => {
  const { watch, told, send, metric } = await watched(t, { alarmAbove: 1 });
  await send('carl@example.net', 100 * HOUR);
  assert.equal(await metric('rainmail_queue_alarm'), 0);
  await send('dora@example.org', 0);
  assert.equal(await metric('rainmail_queue_alarm'), 1);
  const { alarm } = watch.report();
  assert.equal(alarm, true);
  assert.deepEqual(told(), ['the queue of mail that leaves is long']);
});
