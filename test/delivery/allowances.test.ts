/** To how many elsewhere one account may send, whatever becomes of the server meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowances } from '../../src/delivery/allowances.ts';
import type { Account } from '../../src/directory/types.ts';
import { Refused } from '../../src/errors.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../../src/store/ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import { message, newAccount, stage, temporaryStore } from '../store/helpers.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const LIMITS = { byHour: 10, byDay: 25 };
const limited = (error: unknown) => error instanceof Refused && error.code === 'sending.limit';
const person = (id: AccountId) => ({ id }) as Account;

test('an account sends to so many elsewhere in an hour, and in a day, and to more when the time has passed', async (t) => {
  const { trace } = await temporaryStore(t);
  let now: EpochSeconds = 1_000_000;
  const told: number[] = [];
  const onReached = (_account: AccountId, recipients: number) => told.push(recipients);
  const allowances = new Allowances({ ...LIMITS, trace, onReached, clock: () => now });
  const anna = person(1 as AccountId);
  await allowances.take(anna, 6);
  await assert.rejects(allowances.take(anna, 5), limited); // and counts nothing
  await allowances.take(anna, 4);
  await assert.rejects(allowances.check(anna, 1), limited);
  await allowances.check(person(2 as AccountId), 10); // others are not concerned
  allowances.giveBack(anna, 3);
  await allowances.take(anna, 3);
  assert.deepEqual(told, [5]); // once an hour
  now += HOUR;
  await allowances.take(anna, 10);
  now += HOUR;
  await assert.rejects(allowances.take(anna, 6), limited); // of the day
  await allowances.take(anna, 5);
  now += DAY;
  await allowances.take(anna, 10);
  now += HOUR / 2;
  await assert.rejects(allowances.take(anna, 1), limited); // the hour slides
  now += HOUR / 2;
  await allowances.take(anna, 10);
  assert.equal(told.length, 3);
});

/** As the pipeline has it noted. */
async function sent(store: MailStore, account: AccountId, sends: number): Promise<void> {
  const arrival = { how: 'submission', sender: 'anna@office.test', recipients: [], account, sends } as const;
  const recipients = [{ address: 'carl@example.net', destination: 'example.net' }];
  const outbound = [{ account, sender: 'anna@office.test', recipients, expires: nowSeconds() + DAY }];
  await store.deliver(await stage(store, message('Offer')), [], { outbound, arrival });
}

test('a start gives nobody a new allowance: what was sent before is in the trace, and is forgotten in its time', async (t) => {
  const store = await temporaryStore(t);
  const [anna, ben] = [await newAccount(store, 'anna'), await newAccount(store, 'ben')];
  for (const sends of [4, 3]) await sent(store, anna, sends);
  await store.housekeep(); // some rows have their keys, others not yet
  await sent(store, anna, 2);
  await store.deliver(await stage(store, message('Back')), [{ account: anna, prefix: Buffer.alloc(0) }]);
  let now = nowSeconds() + 1;
  const start = () => new Allowances({ ...LIMITS, trace: store.trace, onReached: () => {}, clock: () => now });
  const allowances = start();
  const both = await Promise.allSettled([1, 1].map((count) => allowances.take(person(anna), count)));
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']); // 9 and 1
  await allowances.take(person(ben), 10);
  const again = start();
  await again.take(person(anna), 1); // what was not noted was not sent
  await assert.rejects(again.check(person(anna), 1), limited);
  now += HOUR + 200;
  await start().take(person(anna), 10);
  await assert.rejects(start().take(person(anna), 17), limited); // 9 within the day
  now += DAY;
  const later = start();
  await later.take(person(anna), 10);
});
