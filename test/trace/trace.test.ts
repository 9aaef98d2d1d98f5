/** The trace as the store keeps it: that nothing is without it, that everything is found, and that it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { DELETED } from '../../src/store/flags.ts';
import { type AccountId, nowSeconds, type QueueId, type Uid } from '../../src/store/ids.ts';
import { formatRuns, hasNumber, numbersIn, parseRuns } from '../../src/store/number-runs.ts';
import type { MailStore } from '../../src/store/store.ts';
import type { Arrival, TraceBy, TraceFilter, TraceRow } from '../../src/store/trace-types.ts';
import type { Outbound } from '../../src/store/types.ts';
import { recordOutcomes, recordQueueChange } from '../../src/trace/attempts.ts';
import { findStories, storiesFor } from '../../src/trace/stories.ts';
import fc from '../helpers/properties.ts';
import {
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from '../store/helpers.ts';

const PHONE: TraceBy = { via: 'imap', device: 'phone' };
const NO_PREFIX = Buffer.alloc(0);

function arrival(sender: string, ...to: string[]): Arrival {
  return { how: 'smtp', sender, recipients: to.map((address) => ({ address })), address: '192.0.2.1', helo: 'mx.test' };
}

async function deliver(
  store: MailStore,
  to: AccountId,
  subject: string,
  from = 'carl@example.net',
  rcpt = 'anna@office.test',
) {
  const target = { account: to, prefix: NO_PREFIX };
  await store.deliver(await stage(store, message(subject)), [target], { arrival: arrival(from, rcpt) });
}

async function found(store: MailStore, filter: TraceFilter): Promise<string[]> {
  const pages: (readonly TraceRow[])[] = await Array.fromAsync(store.trace.find(filter));
  return pages.flat().map(({ messageId }) => messageId!.replace('@office.test', ''));
}

/** Accounts are called by their numbers. */
const directory = { accountNames: async (ids: Iterable<AccountId>) => new Map([...ids].map((id) => [id, `#${id}`])) };

test('numbers in short are the same numbers', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 60 }));
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 60 }), (all, one) => {
      const runs = parseRuns(formatRuns(all));
      assert.deepEqual(
        [...numbersIn(runs)],
        [...new Set(all)].sort((a, b) => a - b),
      );
      assert.equal(hasNumber(runs, one), all.includes(one));
    }),
  );
  assert.equal(formatRuns(Array.from({ length: 500 }, (_, index) => 101 + 2 * index)), '101+2*500');
});

test('messages are found by every sign, before they have keys and after', async (t) => {
  const store = await temporaryStore(t);
  const [anna, ben] = [await newAccount(store, 'anna'), await newAccount(store, 'ben')];
  await deliver(store, anna, 'One', 'Carl@Example.net', 'Anna@office.test');
  await deliver(store, ben, 'Two', 'dora@example.net', 'ben@office.test');
  await deliver(store, ben, 'Three', '', 'ben@shop.test');
  const outbound: Outbound[] = [
    {
      account: anna,
      sender: 'anna@office.test',
      recipients: [{ address: 'emil@example.org', destination: 'example.org' }],
      expires: nowSeconds() + 9_000,
    },
  ];
  const { queued } = await store.deliver(await stage(store, message('Four')), [], {
    outbound,
    arrival: {
      ...arrival('anna@office.test', 'emil@example.org', 'emil@xn--bcher-kva.example'),
      how: 'submission',
      account: anna,
      id: 'm5x2k9f1.2',
    },
  });
  const now = nowSeconds();
  const expected: readonly (readonly [TraceFilter, readonly string[]])[] = [
    [{}, ['Four', 'Three', 'Two', 'One']],
    [{ from: 'carl@example.NET' }, ['One']],
    [{ from: 'example.net' }, ['Two', 'One']],
    [{ from: '@example.net', to: 'ben@office.test' }, ['Two']],
    [{ from: '<>' }, ['Three']],
    [{ to: 'anna@OFFICE.test' }, ['One']],
    [{ to: 'office.test' }, ['Two', 'One']],
    [{ messageId: '<Two@office.test>' }, ['Two']],
    [{ messageId: 'Two@office.test', from: 'example.org' }, []],
    [{ queue: queued[0]! }, ['Four']],
    [{ as: 'm5x2k9f1.2' }, ['Four']],
    [{ as: 'm5x2k9f1.1' }, []],
    [{ account: anna }, ['Four', 'One']],
    [{ account: ben, to: 'shop.test' }, ['Three']],
    [{ from: 'BEN@office.test' }, ['Four', 'Three', 'Two', 'One']], // in the From field of all
    [{ from: 'ben@office.test', to: 'shop.test' }, ['Three']],
    [{ to: 'ben' }, ['Three', 'Two']],
    [{ to: 'be' }, []],
    [{ from: 'test' }, ['Four', 'Three', 'Two', 'One']], // what is below a domain, too
    [{ from: '@test' }, []],
    [{ to: 'fice.test' }, []],
    [{ to: 'emil@b\u00fccher.example' }, ['Four']],
    [{ to: 'B\u00dcCHER.example' }, ['Four']],
    [{ to: 'xn--bcher-kva.example' }, ['Four']],
    [{ since: now + 60 }, []],
    [{ until: now - 60 }, []],
    [{ since: now - 60, until: now + 60, from: 'example.net' }, ['Two', 'One']],
  ];
  const check = async (when: string) => {
    for (const [filter, subjects] of expected)
      assert.deepEqual(await found(store, filter), subjects, `${when}: ${JSON.stringify(filter)}`);
  };
  await check('without keys');
  await store.housekeep();
  await check('with keys');
  await deliver(store, anna, 'Five', 'carl@example.net');
  assert.deepEqual(await found(store, { from: 'carl@example.net' }), ['Five', 'One']);
});

test('the trace ends when its time is over, also that of accounts that are gone', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  await deliver(store, anna, 'Old');
  await store.messages.expunge(inboxOf(anna), await uids(store, inboxOf(anna)), { by: PHONE });
  await store.housekeep();
  await store.close();
  const later = await openStore(t, folder, { trace: { kept: -60, subjects: false } });
  await later.housekeep();
  assert.deepEqual(await found(later, {}), []);
  assert.deepEqual(await later.engine.read(async (tx) => tx.get(ROWS)), [0]);
});

test('what becomes of mail at other servers is told, with what administrators do, and its sender alone hears of it', async (t) => {
  const store = await temporaryStore(t);
  const [anna, ben] = [await newAccount(store, 'anna'), await newAccount(store, 'ben')];
  const to = ['emil@example.org', 'fred@example.org'];
  const recipients = to.map((address) => ({ address, destination: 'example.org' }));
  const outbound = [{ account: anna, sender: 'anna@office.test', recipients, expires: nowSeconds() + 9_000 }];
  const way = { ...arrival('anna@office.test', 'ben@office.test', ...to), how: 'submission', account: anna } as const;
  const { queued } = await store.deliver(await stage(store, message('Offer')), [{ account: ben, prefix: NO_PREFIX }], {
    sent: { account: anna, bcc: [] },
    outbound,
    arrival: way,
  });
  const batch = (await store.queue.message(queued[0]!))!;
  const outcome = (at: number, kind: 'sent' | 'deferred', text: string, peer: string) =>
    ({
      recipient: batch.recipients[at]!,
      kind,
      said: { reply: kind === 'sent' ? 250 : 451, status: '2.0.0', text, theirs: true },
      line: `${kind === 'sent' ? '250 2.0.0' : '451 4.0.0'} ${text}`,
      peer,
      relaysNotices: false,
    }) as const;
  const outcomes = [
    outcome(0, 'sent', 'ok', 'mx.example.org [192.0.2.9]'),
    outcome(1, 'deferred', 'later', 'mx.example.org [192.0.2.9]'),
  ];
  const settlements = [
    { number: 0, end: 'sent' as const },
    { number: 1, due: nowSeconds(), reply: 'later' },
  ];
  const report = {
    message: await stage(store, message('Report')),
    targets: [{ account: anna, prefix: NO_PREFIX }],
    sent: undefined,
    outbound: [],
  };
  await store.queue.settle(batch, { settlements, report }, (tx) => recordOutcomes(tx, batch.message, outcomes));
  for await (const page of store.queue.pages()) {
    await store.queue.change(page, { kind: 'hold' }, (tx, chunk) =>
      recordQueueChange(tx, chunk, { kind: 'hold' }, 'mary'),
    );
  }
  const parts = { store, directory };
  const { stories } = await findStories(parts, { queue: queued[0]! as QueueId }, 10);
  const texts = stories[0]!.events.map(({ text }) => text);
  assert.match(texts[0]!, /^was sent by #1 from mx\.test \[192\.0\.2\.1\] without TLS, \d+ bytes$/);
  assert.deepEqual(texts.slice(1), [
    'was filed for #2 in INBOX',
    "was filed in #1's folder for sent mail",
    'waits for emil@example.org, fred@example.org as number 1 in the queue',
    'was taken by mx.example.org [192.0.2.9] for emil@example.org: 250 2.0.0 ok',
    'was put off by mx.example.org [192.0.2.9] for fred@example.org: 451 4.0.0 later',
    'was reported to its sender',
    'was held for fred@example.org by mary',
  ]);
  const [mine] = await storiesFor(parts, ben, {}, 10);
  assert.deepEqual(
    [mine!.recipients, mine!.events.map(({ text }) => text).slice(1)],
    [[], ['was filed for #2 in INBOX']],
  );
  const names = new Map([
    [anna, 'anna@office.test'],
    [ben, 'ben@office.test'],
  ]);
  const own = await storiesFor({ store, directory: { accountNames: async () => names } }, anna, {}, 10);
  assert.equal(own.length, 2);
  assert.deepEqual(own[1]!.recipients, ['ben@office.test', ...to]);
  const ofBen = own[1]!.events.filter(({ account }) => account === 'ben@office.test');
  assert.deepEqual(
    ofBen.map(({ text, folder }) => [text, folder]),
    [['was filed for ben@office.test', undefined]],
  );
});

test('who could not have it is told, also when nobody has it', async (t) => {
  const store = await temporaryStore(t);
  const [anna, full] = [await newAccount(store, 'anna'), await newAccount(store, 'full', 10)];
  for (const accounts of [[anna, full], [full]]) {
    const targets = accounts.map((account) => ({ account, prefix: NO_PREFIX }));
    await store.deliver(await stage(store, message('Offer')), targets, { arrival: arrival('carl@example.net') });
  }
  const { stories } = await findStories({ store, directory }, {}, 10);
  const kinds = stories.map(({ events }) => events.map(({ kind, account = '' }) => `${kind} ${account}`.trim()));
  assert.deepEqual(kinds, [
    ['received', 'unfiled #2'],
    ['received', 'filed #1', 'unfiled #2'],
  ]);
});

test('one peer can not fill the trace with refusals, and what is left out is counted', async (t) => {
  const store = await temporaryStore(t);
  const refused = { ...arrival('carl@example.net'), recipients: [{ address: 'x@office.test', refused: '550 no' }] };
  for (let count = 0; count < 1_000; count++) store.trace.refused(refused);
  store.trace.refused({ ...refused, address: '192.0.2.2' });
  await store.trace.flush();
  const rows = (await Array.fromAsync(store.trace.find({ from: 'carl@example.net' }))).flat();
  assert.equal(rows.length + store.trace.leftOut, 1_001);
  assert.equal(rows[0]!.message.address, '192.0.2.2');
  assert.ok(rows.length < 500);
});

test('a device that retrieves a message again and again is noted once, also after a restart', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  await deliver(store, anna, 'Offer');
  const view = await store.view(inboxOf(anna));
  const retrieve = async () => {
    for (let again = 0; again < 3; again++) store.trace.retrieved(anna, PHONE, [view.email(0)]);
    await store.trace.flush();
  };
  await retrieve();
  await retrieve();
  await store.close();
  store = await openStore(t, folder);
  await retrieve();
  const changes = (await Array.fromAsync(store.trace.changes(anna, 0 as never))).flat();
  assert.deepEqual(
    changes.map(({ kind, by }) => [kind, by.device]),
    [['retrieved', 'phone']],
  );
});

test('what came and was retrieved while what was retrieved before waits to be noted is told, too', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  for (const subject of ['One', 'Two', 'Three']) {
    await deliver(store, anna, subject);
    const view = await store.view(inboxOf(anna));
    store.trace.retrieved(anna, PHONE, [view.email(view.length - 1)]);
  }
  await store.trace.flush();
  const { stories } = await findStories({ store, directory }, {}, 10);
  assert.deepEqual(
    stories.map(({ events }) => events.map(({ kind }) => kind)),
    Array.from({ length: 3 }, () => ['received', 'filed', 'retrieved']),
  );
});

test('what was refused bears the time at which it was, not that at which it was noted', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  store.trace.refused({ ...arrival('carl@example.net'), refused: '550 no' });
  t.mock.timers.tick(500);
  await deliver(store, anna, 'Offer');
  t.mock.timers.tick(500);
  await store.trace.flush();
  const { stories } = await findStories({ store, directory }, {}, 10);
  assert.deepEqual(
    stories.map(({ at, messageId }) => [at, messageId]),
    [
      ['2027-01-15T08:00:00.500Z', 'Offer@office.test'],
      ['2027-01-15T08:00:00.000Z', null],
    ],
  );
});

const ROWS = sql<readonly [count: number]>(`
  SELECT (SELECT count(*) FROM trace) + (SELECT count(*) FROM trace_key) + (SELECT count(*) FROM trace_event)
    + (SELECT count(*) FROM trace_change)`);

const RUNS = Number(process.env['RAINMAIL_TRACE_RUNS'] ?? 5);

test('whatever is done, every message has a way in, and those that are gone an end', async (t) => {
  const store = await temporaryStore(t, { retentionDays: 0 });
  const step = fc.constantFrom(
    'deliver',
    'append',
    'import',
    'move',
    'copy',
    'delete',
    'restore',
    'purge',
    'pop3',
    'folder',
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      const anna = await newAccount(store, `anna${run++}`);
      for (const [at, each] of steps.entries()) await act(store, anna, each, at);
      const { came, gone } = await traced(store, anna);
      const there = await emailsOf(store, anna);
      for (const email of there.live) {
        assert.ok(came.has(email), `${email} has no beginning`);
      }
      for (const email of came) {
        if (!there.live.has(email) && !there.retained.has(email)) assert.ok(gone.has(email), `${email} has no end`);
      }
    }),
    { numRuns: RUNS },
  );
});

async function act(store: MailStore, account: AccountId, step: string, at: number): Promise<void> {
  const inbox = inboxOf(account);
  const [archive, all] = [await mailboxNamed(store, account, 'Archive'), await uids(store, inbox)];
  const some = all.filter((uid) => (uid + at) % 2 === 0);
  switch (step) {
    case 'deliver':
      return deliver(store, account, `m${at}`);
    case 'append':
    case 'import': {
      const staged = [await stage(store, message(`a${at}`)), await stage(store, message(`b${at}`))];
      const byClient = step === 'append';
      await store.append(
        inbox,
        staged.map((one) => ({ staged: one, flags: { bits: 0, keywords: [] }, byClient })),
        PHONE,
      );
      return;
    }
    case 'move':
      await store.messages.move(inbox, some, archive, PHONE);
      return;
    case 'copy':
      await store.messages.copy(inbox, some, archive, PHONE);
      return;
    case 'delete':
      await store.messages.storeFlags(
        inbox,
        some,
        { how: 'add', flags: { bits: DELETED, keywords: [] } },
        { by: PHONE },
      );
      await store.messages.expunge(inbox, some, { onlyDeleted: true, by: PHONE });
      return;
    case 'pop3': {
      const view = await store.view(inbox);
      const messages = some.map((uid) => ({
        uid,
        item: view.item(view.indexOf(uid)),
        email: view.email(view.indexOf(uid)),
      }));
      await store.devices.delete(account, null, [{ mailbox: inbox.mailbox, messages }], {
        via: 'pop3',
        device: 'laptop',
      });
      return;
    }
    case 'folder': {
      const made = await store.mailboxes.create(account, `F${at}`);
      await store.messages.move(inbox, some, { account, mailbox: made.id }, PHONE);
      return store.mailboxes.delete(account, made.id, PHONE);
    }
    default: {
      const chosen = await store.retained.choose(account, {}, { copies: true, drafts: true });
      const half = chosen.items.filter((_, index) => index % 2 === 0);
      if (step === 'restore') await store.retained.restore(account, { items: half, bytes: 0 }, {});
      else await store.retained.purge(account, half);
    }
  }
}

/** What the trace says of an account's emails: that they came, and that the last word on them is their end. */
async function traced(store: MailStore, account: AccountId): Promise<{ came: Set<number>; gone: Set<number> }> {
  const came = new Set<number>();
  const gone = new Set<number>();
  for await (const page of store.trace.find({ account })) {
    for (const { message: traced } of page) for (const { email } of traced.filed ?? []) came.add(email);
  }
  for await (const page of store.trace.changes(account, 0 as never)) {
    for (const { kind, emails } of page) {
      for (const email of numbersIn(parseRuns(emails))) {
        if (kind === 'imported') came.add(email);
        if (kind === 'purged') gone.add(email);
      }
    }
  }
  return { came, gone };
}

async function emailsOf(store: MailStore, account: AccountId): Promise<{ live: Set<number>; retained: Set<number> }> {
  const live = new Set<number>();
  for (const { id, selectable } of await store.mailboxes.list(account)) {
    if (!selectable) continue;
    const view = await store.view({ account, mailbox: id });
    for (let index = 0; index < view.length; index++) live.add(view.email(index));
  }
  const retained = new Set<number>();
  for await (const page of store.retained.find(account, {})) for (const { email } of page) retained.add(email);
  return { live, retained };
}

async function uids(store: MailStore, key: MailboxKey): Promise<Uid[]> {
  return (await uidsIn(store, key)) as Uid[];
}
