/** What administrators see and do of the queue: the actions behind `rainmail queue`, on a real office. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { completeNames } from '../../src/cli/completion/names.ts';
import { perform } from '../../src/cli/perform.ts';
import type { RecipientOutcome, Reporter, Sending } from '../../src/outbound/types.ts';
import type { Run } from '../../src/server/admin/action.ts';
import { listAudit } from '../../src/server/admin/audit.ts';
import { importAccounts } from '../../src/server/admin/import-accounts.ts';
import { listQueue, showQueued } from '../../src/server/admin/queue.ts';
import {
  holdQueued,
  releaseQueued,
  removeQueued,
  rerouteQueued,
  retryQueued,
} from '../../src/server/admin/queue-change.ts';
import { type Office, openOffice } from '../../src/server/office.ts';
import { type AccountId, nowSeconds, type QueueId } from '../../src/store/ids.ts';
import type { Outbound } from '../../src/store/types.ts';
import { defer } from '../helpers/defer.ts';
import { rainmail } from '../helpers/office.ts';
import { inboxOf, message, stage, temporaryFolder, uidsIn } from '../store/helpers.ts';

const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';
const run: Run = { actor: 'mary', progress: () => {}, signal: new AbortController().signal };
const LIST = { most: 100 };

async function office(t: TestContext): Promise<Office> {
  const data = await temporaryFolder(t);
  await perform(importAccounts, { text: `${ANNA},secret apples\n${BEN},secret pears` }, { data });
  const opened = await openOffice({ data, create: false, command: 'test' });
  defer(t, () => opened.close());
  return opened;
}

/** Queues a message from somebody of the office. */
async function send({ store, directory }: Office, from: string, to: readonly string[], more: Partial<Outbound> = {}) {
  const account: AccountId = (await directory.account(from)).id;
  const recipients = to.map((address) => ({ address, destination: address.slice(address.indexOf('@') + 1) }));
  const outbound = [{ account, sender: from, recipients, expires: nowSeconds() + 86_400, ...more }];
  const { queued } = await store.deliver(await stage(store, message('Offer')), [], { outbound });
  return queued[0]!;
}

async function waiting(of: Office, which: object = {}): Promise<string[]> {
  const { entries } = await listQueue.run(of, { ...LIST, ...which }, run);
  return entries.map(({ recipient, next }) => `${recipient}${next === null ? ' held' : ''}`);
}

async function audited(of: Office): Promise<string[]> {
  const entries = await listAudit.run(of, { most: 100, by: 'mary' }, run);
  return entries.map(({ action, detail }) => `${action} ${JSON.stringify(detail)}`);
}

test('the list says how much waits for where, and for whom, all of it or what is asked for', async (t) => {
  const here = await office(t);
  const first = await send(here, ANNA, ['carl@Example.net', 'dora@example.org']);
  await send(here, BEN, ['emil@example.net']);
  await send(here, BEN, ['fred@example.net'], { sender: '' });
  const all = await listQueue.run(here, { most: 2 }, run);
  assert.deepEqual([all.messages, all.recipients, all.found], [3, 4, 4]);
  assert.deepEqual(
    all.destinations.map(({ destination, recipients, failures }) => ({ destination, recipients, failures })),
    [
      { destination: 'example.net', recipients: 2, failures: 0 },
      { destination: 'Example.net', recipients: 1, failures: 0 },
      { destination: 'example.org', recipients: 1, failures: 0 },
    ],
  );
  const [entry] = all.entries;
  assert.equal(all.entries.length, 2);
  assert.deepEqual([entry?.id, entry?.sender, entry?.account, entry?.attempts], [first, ANNA, ANNA, 0]);
  assert.deepEqual(await waiting(here, { toDomain: 'EXAMPLE.net' }), [
    'carl@Example.net',
    'emil@example.net',
    'fred@example.net',
  ]);
  assert.deepEqual(await waiting(here, { account: 'Ben@office.test' }), ['emil@example.net', 'fred@example.net']);
  assert.deepEqual(await waiting(here, { from: '<>' }), ['fred@example.net']);
  assert.deepEqual(await waiting(here, { from: BEN, toDomain: 'example.org' }), []);
  assert.deepEqual(await waiting(here, { ids: [first, 99] }), ['carl@Example.net', 'dora@example.org']);
  const counted = await listQueue.run(here, { most: 1, toDomain: 'example.net' }, run);
  assert.deepEqual([counted.found, counted.entries.length, counted.destinations.length], [3, 1, 2]);
  const shown = await showQueued.run(here, { id: first }, run);
  assert.deepEqual([shown.messageId, shown.account, shown.recipients.length], ['Offer@office.test', ANNA, 2]);
  await assert.rejects(showQueued.run(here, { id: 99 }, run), { code: 'directory.missing' });
  await assert.rejects(waiting(here, { account: 'nobody@office.test' }), { code: 'directory.missing' });
});

test('mail is held, released, tried again, sent another way and removed, and the audit says by whom', async (t) => {
  const here = await office(t);
  const { queue } = here.store;
  const first = await send(here, ANNA, ['carl@example.net', 'dora@example.org']);
  const second = await send(here, BEN, ['emil@example.net']);
  assert.deepEqual(await holdQueued.run(here, { toDomain: 'example.net' }, run), {
    recipients: 2,
    messages: 2,
    stopped: false,
  });
  assert.deepEqual(await waiting(here), ['carl@example.net held', 'dora@example.org', 'emil@example.net held']);
  assert.deepEqual(await waiting(here, { held: true }), ['carl@example.net held', 'emil@example.net held']);
  assert.deepEqual(await queue.destinationsDue(10), ['example.org']);
  assert.equal((await holdQueued.run(here, { toDomain: 'example.net' }, run)).recipients, 0);
  assert.equal((await releaseQueued.run(here, { ids: [first] }, run)).recipients, 1);
  assert.deepEqual(await waiting(here, { held: true }), ['emil@example.net held']);

  const batch = (await queue.message(first))!;
  const later = nowSeconds() + 3_600;
  await queue.settle(batch, {
    settlements: [{ number: 0, due: later, reply: 'no route' }],
    attempt: { destination: 'example.net', contact: { reached: false, notBefore: later } },
  });
  assert.deepEqual(await queue.destinationsDue(10), ['example.org']);
  await retryQueued.run(here, { ids: [first, second] }, run);
  assert.deepEqual((await queue.destinationsDue(10)).sort(), ['example.net', 'example.org']);
  assert.deepEqual(await waiting(here, { held: true }), []);

  await rerouteQueued.run(here, { account: BEN, to: 'Example.COM' }, run);
  assert.deepEqual((await queue.destinationsDue(10)).sort(), ['example.com', 'example.net', 'example.org']);
  await assert.rejects(rerouteQueued.run(here, { to: 'no domain' }, run), { code: 'directory.invalid' });
  assert.equal((await removeQueued.run(here, { from: ANNA, report: false }, run)).recipients, 2);
  assert.deepEqual(await waiting(here), ['emil@example.net']);
  assert.deepEqual(await audited(here), [
    'queue.hold {"toDomain":"example.net","held":false}',
    'queue.release {"ids":[1],"held":true}',
    'queue.retry {"ids":[1,2]}',
    `queue.reroute {"account":"${BEN}","to":"example.com"}`,
    `queue.remove {"from":"${ANNA}"}`,
  ]);
  assert.deepEqual((await here.store.verify()).findings, []);
});

/** Files a report with the sender; `before` happens while it is being written. */
function reporting({ store }: Office, before: () => Promise<void>): Reporter & { told: RecipientOutcome[][] } {
  const told: RecipientOutcome[][] = [];
  return {
    told,
    async report({ account }, outcomes) {
      told.push([...outcomes]);
      await before();
      const target = { account, prefix: Buffer.alloc(0), evenIfFull: true as const };
      return { message: await stage(store, message('Undelivered')), targets: [target], sent: undefined, outbound: [] };
    },
  };
}

test('mail for later keeps its time when all is tried again, unless it is named itself', async (t) => {
  const here = await office(t);
  const later = nowSeconds() + 3_600;
  const held = await send(here, ANNA, ['carl@example.net'], { due: later });
  await send(here, ANNA, ['dora@example.net']);
  const nexts = async () =>
    (await listQueue.run(here, LIST, run)).entries.map(({ next }) => Date.parse(next!) > Date.now());
  assert.deepEqual(await retryQueued.run(here, {}, run), { recipients: 1, messages: 1, stopped: false });
  assert.deepEqual(await nexts(), [true, false]);
  assert.equal((await retryQueued.run(here, { ids: [held] }, run)).recipients, 1);
  assert.deepEqual(await nexts(), [false, false]);
});

test('what nobody has tried yet says when its destination is tried, and is found by every name of that', async (t) => {
  const here = await office(t);
  const { queue } = here.store;
  const route = 'route:smtp.provider.test:587';
  const first = await send(here, ANNA, ['carl@bücher.test'], {
    recipients: [{ address: 'carl@bücher.test', destination: 'xn--bcher-kva.test' }],
  });
  const recipients = [{ address: 'dora@example.org', destination: route }];
  await send(here, ANNA, [], { recipients });
  const later = nowSeconds() + 3_600;
  await queue.settle((await queue.message(first))!, {
    settlements: [{ number: 0, due: later - 60, reply: '451 4.4.1 away' }],
    attempt: { destination: 'xn--bcher-kva.test', contact: { reached: false, notBefore: later } },
  });
  await send(here, BEN, [], {
    recipients: [{ address: 'emil@xn--bcher-kva.test', destination: 'xn--bcher-kva.test' }],
  });
  const due = new Date(later * 1_000).toISOString();
  const { entries } = await listQueue.run(here, { ...LIST, toDomain: 'xn--bcher-kva.test' }, run);
  assert.deepEqual(
    entries.map(({ recipient, next, putOff, attempts }) => [recipient, next, putOff, attempts]),
    [
      ['carl@bücher.test', due, true, 1],
      ['emil@xn--bcher-kva.test', due, true, 0],
    ],
  );
  assert.equal((await waiting(here, { toDomain: 'BÜCHER.test' })).length, 2);
  for (const toDomain of [route, 'smtp.provider.test:587', 'example.org'])
    assert.deepEqual(await waiting(here, { toDomain }), ['dora@example.org']);
});

test('senders are told of what is removed if that is asked for, but not of what was sent just then', async (t) => {
  const here = await office(t);
  const { store } = here;
  const id = await send(here, ANNA, ['carl@example.net', 'dora@example.org']);
  await assert.rejects(removeQueued.run(here, { report: true }, run), { code: 'server.needed' });
  let isSent = false;
  const reporter = reporting(here, async () => {
    if (isSent) return;
    isSent = true;
    const { message, recipients } = (await store.queue.message(id as QueueId))!;
    await store.queue.settle(
      { message, recipients: recipients.slice(0, 1) },
      { settlements: [{ number: 0, end: 'sent' }] },
    );
  });
  const explain = () => Promise.reject(new Error('nobody asks'));
  const sending: Sending = {
    wake() {},
    triedOf: () => () => false,
    setAside: (_id, act) => act(() => false),
    hasRoute: () => false,
    reporter,
    explain,
  };
  assert.equal((await removeQueued.run({ ...here, sending }, { report: true }, run)).recipients, 1);
  assert.deepEqual(
    reporter.told.map((outcomes) => outcomes.map(({ recipient, kind }) => `${recipient.address} ${kind}`)),
    [['carl@example.net failed', 'dora@example.org failed'], ['dora@example.org failed']],
  );
  const { id: anna } = await here.directory.account(ANNA);
  assert.deepEqual(await uidsIn(store, inboxOf(anna)), [1]);
  assert.deepEqual(await waiting(here), []);
  assert.deepEqual((await store.verify()).findings, []);
});

test('the command line tells it in tables and as JSON, and asks before it removes', async (t) => {
  const here = await office(t);
  await send(here, ANNA, ['carl@example.net'], { sender: `${ANNA}\x1b[2J` });
  await here.close();
  const command = (...args: string[]) => rainmail(['queue', ...args, '--data', here.data]);
  const listed = await command('list');
  assert.match(listed.stdout, /^1 message for 1 recipient, the oldest of \d{4}-.*\.\n\nDESTINATION +WAITING +HELD/);
  assert.match(listed.stdout, /\nID +SINCE +FROM +TO .*\n1 +\d{4}-\S+ \S+ +anna@office.test \[2J +carl@example.net /);
  assert.match(
    (await command('show', '1')).stdout,
    /^Message +1\nFrom .*\nAccount +anna@office.test\nMessage-ID +<Offer@/,
  );
  const refused = await command('remove', '--all');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /Remove mail for 1 recipient, unsent\? Their senders are not told\. Nothing was done/);
  assert.equal((await command('hold')).code, 2);
  const empty = await command('list', '--to-domain', '', '--json');
  assert.deepEqual(
    [empty.code, JSON.parse(empty.stderr)],
    [1, { error: { code: 'command', text: 'to-domain is empty.' } }],
  );
  const both = await command('hold', '--all', '--from', ANNA);
  assert.deepEqual([both.code, both.stdout], [2, '']);
  assert.match(both.stderr, /--all is for everything that waits: leave it out, or the rest/);
  assert.equal((await command('hold', '--all')).stdout, '1 message for 1 recipient: held.\n');
  const again = await command('hold', '--all');
  assert.deepEqual(
    [again.code, again.stdout],
    [1, 'Nothing in the queue fits that is not held already: see rainmail queue list\n'],
  );
  assert.equal(completeNames(['destination', 'ex', '--data', here.data]), 'example.net\n');
  const removed = await command('remove', '1', '--yes', '--json');
  assert.deepEqual(JSON.parse(removed.stdout), { recipients: 1, messages: 1, stopped: false });
  assert.equal((await command('list')).stdout, 'Nothing waits in the queue.\n');
});
