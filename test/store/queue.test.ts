/** The queue of mail that leaves, as the store keeps it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { type AccountId, nowSeconds, type QueueId } from '../../src/store/ids.ts';
import { markRemoved } from '../../src/store/operations/accounts.ts';
import { holdQueue } from '../../src/store/operations/queue.ts';
import type { QueueEntry, Settled, Settlement } from '../../src/store/queue.ts';
import type { MailStore } from '../../src/store/store.ts';
import type { Outbound } from '../../src/store/types.ts';
import { bytesOf, inboxOf, mailboxNamed, message, newAccount, stage, temporaryStore, uidsIn } from './helpers.ts';

const NOBODY: ReadonlySet<QueueId> = new Set();

function outbound(account: AccountId, addresses: readonly string[], more: Partial<Outbound> = {}): Outbound {
  const recipients = addresses.map((address) => ({ address, destination: address.slice(address.indexOf('@') + 1) }));
  return { account, sender: 'anna@office.test', recipients, expires: nowSeconds() + 86_400, ...more };
}

async function send(
  store: MailStore,
  account: AccountId,
  subject: string,
  to: readonly string[],
  more: Partial<Outbound> = {},
) {
  const { queued } = await store.deliver(await stage(store, message(subject)), [], {
    outbound: [outbound(account, to, more)],
  });
  return queued[0]!;
}

async function settle(
  store: MailStore,
  id: QueueId,
  settlements: readonly Settlement[],
  more: Omit<Settled, 'settlements'> = {},
): Promise<void> {
  await store.queue.settle((await store.queue.message(id))!, { settlements, ...more });
}

async function assertSound(store: MailStore): Promise<void> {
  assert.deepEqual((await store.verify()).findings, []);
}

test('what is submitted is with people here, in Sent and in the queue, and all of it has the same bytes', async (t) => {
  const store = await temporaryStore(t);
  const [anna, ben] = [await newAccount(store, 'anna'), await newAccount(store, 'ben')];
  const { outcomes, queued } = await store.deliver(
    await stage(store, message('Offer')),
    [{ account: ben, prefix: Buffer.from('Return-Path: <anna@office.test>\r\n') }],
    { sent: { account: anna, bcc: ['carl@example.net'] }, outbound: [outbound(anna, ['carl@example.net'])] },
  );
  assert.equal(outcomes.length, 1);
  assert.deepEqual(await uidsIn(store, inboxOf(ben)), [1]);
  assert.match((await bytesOf(store, await mailboxNamed(store, anna, 'Sent'), 1)).toString(), /^Bcc: /);
  const [batch] = await store.queue.nextBatches('example.net', NOBODY, 1);
  assert.equal(batch?.message.id, queued[0]);
  const [record] = await store.bodyRecords(anna, [batch!.message.email]);
  assert.deepEqual(await store.bodies.whole(anna, record!.email, record!.body), message('Offer'));
  await assertSound(store);
});

test('what can not be filed with somebody here is not queued for those elsewhere either', async (t) => {
  const store = await temporaryStore(t);
  const [anna, ben] = [await newAccount(store, 'anna'), await newAccount(store, 'ben', 10)];
  const targets = [anna, ben].map((account) => ({ account, prefix: Buffer.alloc(0) }));
  await assert.rejects(
    store.deliver(await stage(store, message('Large')), targets, { outbound: [outbound(anna, ['carl@example.net'])] }),
    (error) => error instanceof Refused && error.code === 'quota.exceeded',
  );
  assert.deepEqual(await uidsIn(store, inboxOf(anna)), []);
  assert.equal((await store.queue.size()).messages, 0);
  await assertSound(store);
});

test('a message leaves the queue with its last recipient, and its bytes with it', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const id = await send(store, anna, 'Offer', ['carl@example.net', 'dora@example.net', 'emil@example.org']);
  const { email } = (await store.queue.message(id))!.message;
  const end = (number: number) => ({ number, end: 'sent' }) as const;
  await settle(store, id, [end(0), end(1)]);
  assert.deepEqual(
    (await store.queue.message(id))!.recipients.map(({ address }) => address),
    ['emil@example.org'],
  );
  assert.deepEqual(await store.queue.destinationsDue(10), ['example.org']);
  assert.equal((await store.bodyRecords(anna, [email])).length, 1);
  await settle(store, id, [end(2)]);
  assert.equal(await store.queue.message(id), undefined);
  assert.equal(await store.queue.nextDue(0), undefined);
  assert.equal((await store.bodyRecords(anna, [email])).length, 0);
  await assertSound(store);
});

test('a destination that is not reached is put off with all that waits for it, and new mail does not hurry it', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const first = await send(store, anna, 'One', ['carl@example.net']);
  await send(store, anna, 'Two', ['dora@example.net']);
  const later = nowSeconds() + 600;
  const settlements = [{ number: 0, due: later, reply: 'connection refused' }];
  await settle(store, first, settlements, {
    attempt: { destination: 'example.net', contact: { reached: false, notBefore: later } },
  });
  await send(store, anna, 'Three', ['emil@example.net']);
  assert.deepEqual(await store.queue.destinationsDue(10), []);
  assert.equal(await store.queue.nextDue(0), later);
  assert.equal(await store.queue.failures('example.net'), 1);
  const [[entry] = []] = await Array.fromAsync(store.queue.pages());
  assert.deepEqual({ attempts: entry!.attempts, reply: entry!.reply }, { attempts: 1, reply: 'connection refused' });
  // Another connection that was under way has failed as well: it is the same failure.
  await settle(store, first, [], {
    attempt: { destination: 'example.net', contact: { reached: false, notBefore: later + 600 } },
  });
  assert.equal(await store.queue.failures('example.net'), 1);
  assert.equal(await store.queue.nextDue(0), later);
  await store.queue.change([entry!], { kind: 'retry' }, async () => {});
  assert.deepEqual(await store.queue.destinationsDue(10), ['example.net']);
});

test('what matters more is tried first, then what has waited longest, and nothing twice at a time', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const low = await send(store, anna, 'Newsletter', ['carl@example.net'], { priority: 'low' });
  const first = await send(store, anna, 'First', ['carl@example.net']);
  const second = await send(store, anna, 'Second', ['carl@example.net']);
  const high = await send(store, anna, 'Alarm', ['carl@example.net'], { priority: 'high' });
  const later = await send(store, anna, 'Tomorrow', ['carl@example.net'], { due: nowSeconds() + 3_600 });
  const order: QueueId[] = [];
  for (;;) {
    const [batch] = await store.queue.nextBatches('example.net', new Set(order), 1);
    if (batch === undefined) break;
    order.push(batch.message.id);
  }
  assert.deepEqual(order, [high, first, second, low]);
  assert.ok(!order.includes(later));
});

test('those of whom the sender wants to hear different things are tried one after the other', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const destination = 'example.net';
  const id = await send(store, anna, 'Offer', [], {
    recipients: [
      { address: 'carl@example.net', destination },
      { address: 'dora@example.net', destination, notify: ['success'] },
      { address: 'emil@example.net', destination },
      { address: 'fritz@example.net', destination, notify: ['success'], original: 'rfc822;fritz@old.example' },
    ],
  });
  const tried: string[][] = [];
  for (;;) {
    const [batch] = await store.queue.nextBatches(destination, NOBODY, 1);
    if (batch === undefined) break;
    tried.push(batch.recipients.map(({ address }) => address));
    await store.queue.settle(batch, { settlements: batch.recipients.map(({ number }) => ({ number, end: 'sent' })) });
  }
  assert.deepEqual(tried, [['carl@example.net', 'emil@example.net'], ['dora@example.net'], ['fritz@example.net']]);
  assert.equal(await store.queue.message(id), undefined);
});

test('held mail is not tried until it is released; rerouted mail waits elsewhere; removed mail is gone', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  await send(store, anna, 'Offer', ['carl@example.net']);
  const change = async (what: Parameters<MailStore['queue']['change']>[1]) => {
    const entries: QueueEntry[] = (await Array.fromAsync(store.queue.pages())).flat();
    await store.queue.change(entries, what, async () => {});
  };
  await change({ kind: 'hold' });
  assert.equal(await store.queue.nextDue(0), undefined);
  await change({ kind: 'release' });
  assert.deepEqual(await store.queue.destinationsDue(10), ['example.net']);
  await change({ kind: 'reroute', destination: '[192.0.2.1]' });
  assert.deepEqual(await store.queue.destinationsDue(10), ['[192.0.2.1]']);
  const tomorrow = nowSeconds() + 86_400;
  await send(store, anna, 'For later', ['dora@example.net'], { due: tomorrow });
  await change({ kind: 'reroute', destination: '[192.0.2.2]' });
  assert.deepEqual(await store.queue.destinationsDue(10), ['[192.0.2.2]']);
  assert.equal(await store.queue.nextDue(nowSeconds()), undefined); // Carl's is due, and Dora's waits behind it
  const [, later] = (await Array.fromAsync(store.queue.pages())).flat();
  assert.equal(later!.due, tomorrow);
  await assertSound(store);
  await change({ kind: 'remove' });
  assert.deepEqual(await store.queue.size(), {
    messages: 0,
    recipients: 0,
    held: 0,
    oldest: null,
    longest: null,
  });
  await assertSound(store);
});

test('the report of a failure is filed in the transaction that ends the recipient, whatever room its reader has', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna', 400);
  const id = await send(store, anna, 'Offer', ['carl@example.net']);
  const report = {
    message: await stage(store, message('Undelivered', 1_000)),
    targets: [{ account: anna, prefix: Buffer.alloc(0), evenIfFull: true as const }],
    sent: undefined,
    outbound: [],
  };
  const settlements = [{ number: 0, end: 'failed' as const }];
  await settle(store, id, settlements, { report });
  assert.deepEqual(await uidsIn(store, inboxOf(anna)), [1]);
  assert.equal((await store.queue.size()).messages, 0);
  await assertSound(store);
});

test('what a removed account sent goes out before its mail goes', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const id = await send(store, anna, 'Farewell', ['carl@example.net']);
  await store.engine.write((tx) => markRemoved(tx, anna));
  await store.housekeep();
  const { message: queued } = (await store.queue.message(id))!;
  assert.equal((await store.bodyRecords(anna, [queued.email])).length, 1);
  const settlements = [{ number: 0, end: 'sent' as const }];
  await settle(store, id, settlements);
  await store.housekeep();
  await assert.rejects(store.usage(anna), Refused);
});

test('after a restore the queue waits for a word', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  await send(store, anna, 'Offer', ['carl@example.net', 'dora@example.org']);
  assert.equal(await store.engine.write(holdQueue), 2);
  assert.equal(await store.queue.nextDue(0), undefined);
  await assertSound(store);
});

test('what waits too long shows, whatever its destination does, and its sender is told once', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const now = nowSeconds();
  const late = await send(store, anna, 'Late', ['carl@example.net'], { warn: now - 1 });
  const over = await send(store, anna, 'Over', ['carl@example.net'], { expires: now });
  await send(store, anna, 'Fresh', ['carl@example.net'], { warn: now + 3_600 });
  assert.deepEqual(await store.queue.overdue(10), { expired: [over], late: [late] });
  await settle(store, late, [], { warned: true });
  assert.deepEqual(await store.queue.overdue(10), { expired: [over], late: [] });
});

test('the time of held mail does not run, and who is released after it has a day', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const now = nowSeconds();
  const id = await send(store, anna, 'Offer', ['carl@example.net'], { expires: now, warn: now });
  const change = async (kind: 'hold' | 'release') => {
    const entries = (await Array.fromAsync(store.queue.pages())).flat();
    await store.queue.change(entries, { kind }, async () => {});
  };
  assert.deepEqual(await store.queue.overdue(10), { expired: [id], late: [id] });
  await change('hold');
  assert.deepEqual(await store.queue.overdue(10), { expired: [], late: [] });
  assert.equal((await store.queue.size()).held, 1);
  await change('release');
  assert.deepEqual((await store.queue.overdue(10)).expired, []);
  assert.ok((await store.queue.message(id))!.message.expires >= now + 86_400);
});

test('what should have left has waited since it was due, or let go on; what is held or for later has not', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const now = nowSeconds();
  const longest = async () => (await store.queue.size()).longest;
  await send(store, anna, 'Later', ['ben@example.com'], { due: now + 3_600 });
  assert.equal(await longest(), null);
  const id = await send(store, anna, 'Offer', ['carl@example.net'], { due: now - 7_200 });
  await send(store, anna, 'Order', ['dora@example.org'], { due: now - 3_600 });
  await settle(store, id, [{ number: 0, due: now + 600, reply: '451 later' }]);
  assert.deepEqual(await longest(), { since: now - 7_200, destination: 'example.net' });
  const change = async (kind: 'hold' | 'release' | 'retry') => {
    const entries = (await Array.fromAsync(store.queue.pages())).flat().filter((each) => each.id === id);
    await store.queue.change(entries, { kind }, async () => {});
  };
  await change('retry');
  assert.equal((await longest())?.since, now - 7_200);
  await change('hold');
  assert.deepEqual(await longest(), { since: now - 3_600, destination: 'example.org' });
  await change('release');
  assert.deepEqual(await longest(), { since: now - 3_600, destination: 'example.org' });
  await store.engine.write(holdQueue);
  assert.equal(await longest(), null);
});
