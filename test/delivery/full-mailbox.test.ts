/** A mailbox that is full, behind an address of several: who has the message at once, what waits, and what the sender hears. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Check, Verdict } from '../../src/delivery/in-delivery.ts';
import { type Client, type MailRoom, type MailRoomOptions, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const DAY = 86_400;
const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from + 60, expires: from + DAY }),
  wake: () => {},
};
const [ALL, BOTH, BEN, DORA] = ['all', 'both', 'ben', 'dora'].map((name) => `${name}@office.test`) as [
  string,
  string,
  string,
  string,
];
const MESSAGE = 'Subject: hello\r\n\r\nHello.\r\n';
const FULL = 10;

/** Anna and Carla have room, Ben and Dora have none. All are in the group; both of the latter have an alias. */
async function office(t: TestContext, options: MailRoomOptions = {}): Promise<MailRoom> {
  const people = ['anna', 'ben', 'carla', 'dora'];
  const room = await mailRoom(t, { people, quotas: { ben: FULL, dora: FULL }, outgoing, ...options });
  const { groups, aliases } = room.directory.by('the test');
  await groups.add('All', { address: ALL });
  await groups.join('All', ...people.map((name) => `${name}@office.test`));
  await aliases.add(BOTH, BEN, DORA);
  return room;
}

interface Sent {
  readonly from?: string;
  readonly to: readonly string[];
  readonly message?: string;
}

/** Gives a message over. @returns codes of the replies to RCPT, and to the message */
async function send(
  client: Client,
  { from = 'sam@far.test', to, message = MESSAGE }: Sent,
  replies = 1,
): Promise<string[]> {
  const codes = [];
  await client.ask(`MAIL FROM:<${from}>`);
  for (const address of to) codes.push(await client.ask(`RCPT TO:<${address}>`));
  if ((await client.ask('DATA')).startsWith('354')) {
    client.send(`${message}.\r\n`);
    for (let count = 0; count < replies; count++) codes.push(await client.reply());
  } else await client.ask('RSET');
  return codes.map((reply) => reply.slice(0, 9));
}

async function smtp(room: MailRoom): Promise<Client> {
  const client = await room.connect('smtp');
  await client.ask('EHLO far.test');
  return client;
}

interface Waits {
  readonly account: string;
  readonly sender: string;
  readonly to: string;
  readonly prefix: string;
  readonly notify: string;
  readonly reply: string;
  readonly options: object;
  /** It has no time. */
  readonly givenUp: boolean;
}

async function waiting({ store, directory }: MailRoom): Promise<Waits[]> {
  const found: Waits[] = [];
  for (const { id, address, destination, notify, reply } of (await Array.fromAsync(store.queue.pages())).flat()) {
    assert.equal(destination, 'here');
    const { message } = (await store.queue.message(id))!;
    const { account, sender, prefix, options, expires, created } = message;
    const name = (await directory.accountNames([account])).get(account)!;
    const text = { prefix: prefix.toString(), notify: notify.join(), reply };
    found.push({ account: name, sender, to: address, ...text, options, givenUp: expires === created });
  }
  return found;
}

async function counts(room: MailRoom): Promise<number[]> {
  return Promise.all(['anna', 'ben', 'carla', 'dora'].map(async (person) => (await room.inbox(person)).length));
}

test('by SMTP, who has room gets it, and what waits for the others is for each of them alone', async (t) => {
  const room = await office(t);
  const client = await smtp(room);
  assert.deepEqual(await send(client, { to: [ALL] }), ['250 2.1.5', '250 2.0.0']);
  assert.deepEqual(await counts(room), [1, 0, 1, 0]);
  const waits = await waiting(room);
  assert.deepEqual(
    waits.map(({ account, to, sender, options, givenUp }) => ({ account, to, sender, options, givenUp })),
    [BEN, DORA].map((name) => ({
      ...{ account: name, to: name, sender: 'sam@far.test', options: { forRoom: {} }, givenUp: false },
    })),
  );
  assert.match(waits[0]!.prefix, /^Delivered-To: all@office\.test\r\nList-Id: /);
  assert.equal(waits[0]!.reply, `452 4.2.2 The mailbox of ${BEN} is full; please try again later.`);
  // It is nobody's fault here, and no alarm, before its time is over.
  const { longest, messages } = await room.store.queue.size();
  assert.deepEqual([longest, messages], [null, 2]);
  assert.deepEqual((await room.store.verify()).findings, []);

  // By BDAT, in pieces.
  await client.ask('MAIL FROM:<sam@far.test>');
  await client.ask(`RCPT TO:<${ALL}>`);
  client.send(`BDAT 10\r\n${MESSAGE.slice(0, 10)}BDAT ${MESSAGE.length - 10} LAST\r\n${MESSAGE.slice(10)}`);
  assert.match(await client.reply(), /^250 /);
  assert.match(await client.reply(), /^250 /);
  assert.deepEqual([await counts(room), (await waiting(room)).length], [[2, 0, 2, 0], 4]);
});

test('where nobody has room the sender tries again, and so it does for an address of one alone', async (t) => {
  const room = await office(t);
  const client = await smtp(room);
  // Until a size is declared only who has used all is known to be full.
  assert.deepEqual(await send(client, { to: [BOTH] }), ['250 2.1.5', '452 4.2.2']);
  assert.deepEqual(await send(client, { to: [BEN] }), ['250 2.1.5', '452 4.2.2']);
  await client.ask(`MAIL FROM:<sam@far.test> SIZE=${MESSAGE.length}`);
  const asked = [];
  for (const to of [BOTH, BEN, ALL]) asked.push((await client.ask(`RCPT TO:<${to}>`)).slice(0, 9));
  assert.deepEqual(asked, ['452 4.2.2', '452 4.2.2', '250 2.1.5']);
  assert.deepEqual(await counts(room), [0, 0, 0, 0]);
  assert.deepEqual(await waiting(room), []);
  // Elsewhere there is room.
  await room.directory.by('the test').aliases.add(BOTH, 'both@home.test');
  await client.ask('RSET');
  assert.deepEqual(await send(client, { to: [BOTH] }), ['250 2.1.5', '250 2.0.0']);
  assert.deepEqual(
    (await Array.fromAsync(room.store.queue.pages()))
      .flat()
      .map(({ address }) => address)
      .sort(),
    [...[BEN, 'both@home.test', DORA]],
  );
});

test('by LMTP each recipient has its reply, and whoever waits by one of them waits once', async (t) => {
  const room = await office(t);
  const client = await room.connect('lmtp');
  await client.ask('LHLO mx.test');
  const { groups } = room.directory.by('the test');
  await groups.add('Sales', { address: 'sales@office.test' });
  await groups.join('Sales', BEN, 'anna@office.test');
  const to = [BEN, BOTH, ALL, 'sales@office.test'];
  const codes = await send(client, { to }, to.length);
  assert.deepEqual(codes.slice(to.length), ['250 2.0.0', '250 2.0.0', '250 2.0.0', '250 2.0.0']);
  assert.deepEqual(await counts(room), [1, 0, 1, 0]);
  assert.deepEqual(
    (await waiting(room)).map((one) => one.to),
    [BEN, DORA],
  );
  // Where no way leads to somebody with room, it is as it was.
  const alone = await send(client, { to: [BOTH, 'carla@office.test'] }, 2);
  assert.deepEqual(alone.slice(2), ['452 4.2.2', '250 2.0.0']);
  assert.equal((await waiting(room)).length, 2);
});

test('room that goes between RCPT and the end of the data, or after the last look, holds up nobody', async (t) => {
  let looksEmpty = true;
  const room = await office(t, {
    store: (store) => {
      const usage = store.usage.bind(store);
      store.usage = async (account) => ({ ...(await usage(account)), ...(looksEmpty && { usedBytes: -1e6 }) });
      return store;
    },
  });
  const client = await smtp(room);
  assert.deepEqual(await send(client, { to: [ALL] }), ['250 2.1.5', '250 2.0.0']);
  assert.deepEqual([await counts(room), (await waiting(room)).length], [[1, 0, 1, 0], 2]);
  assert.deepEqual(await send(client, { to: [BOTH] }), ['250 2.1.5', '452 4.2.2']);
  assert.deepEqual([await counts(room), (await waiting(room)).length], [[1, 0, 1, 0], 2]);
  await client.ask('MAIL FROM:<sam@far.test>');
  await client.ask(`RCPT TO:<${ALL}>`);
  looksEmpty = false;
  await client.ask('DATA');
  assert.match(await client.ask(`${MESSAGE}.`), /^250 /);
  assert.deepEqual([await counts(room), (await waiting(room)).length], [[2, 0, 2, 0], 4]);
});

test('what somebody submits is in Sent, and the copy that waits knows who sent it', async (t) => {
  const room = await office(t);
  const anna = 'anna@office.test';
  const client = await room.connect('submission');
  await client.ask('EHLO laptop');
  await client.ask(`AUTH PLAIN ${saslPlain(anna, PASSWORD)}`);
  await client.ask(`MAIL FROM:<${anna}> ENVID=17`);
  await client.ask(`RCPT TO:<${ALL}> NOTIFY=SUCCESS,FAILURE`);
  await client.ask('DATA');
  assert.match(await client.ask(`From: ${anna}\r\n${MESSAGE}.`), /^250 /);
  const { id } = await room.directory.account(anna);
  const sent = (await room.store.mailboxes.list(id)).find(({ role }) => role === 'sent');
  assert.equal(sent?.total, 1);
  const [ben] = await waiting(room);
  assert.deepEqual(ben!.options, { envelopeId: '17', ours: true, forRoom: { by: id } });
  assert.equal(ben!.notify, 'failure'); // of one that became several nobody can report a success for all (RFC 3461 5.2.7.2)
});

test('of what is junk, or not from its sender, nobody is told', async (t) => {
  let verdict: Partial<Verdict> = {};
  const check: Check = { name: 'test', within: 60_000, whenItFails: 'put off', run: async () => verdict };
  const room = await office(t, { checks: () => [check] });
  const client = await smtp(room);
  const cases = [{}, { suspicious: true }, { disowned: true, unproven: true }, { borrowed: true }];
  for (const each of cases) {
    verdict = { ...each, findings: 'X-Found: it\r\n' };
    await send(client, { to: [ALL] });
  }
  const found = (await waiting(room)).filter(({ to }) => to === BEN);
  assert.deepEqual(
    found.map(({ notify, options }) => [notify, options]),
    [
      ['', { forRoom: {} }],
      ['never', { forRoom: { junk: true } }],
      ['never', { forRoom: {} }],
      ['never', { forRoom: {} }],
    ],
  );
  assert.match(found[0]!.prefix, /\r\nX-Found: it\r\n$/);
});

test('what waits for somebody is bounded, as is what postmaster gets beyond a quota, and the others have theirs all the same', async (t) => {
  const room = await office(t);
  const postmaster = 'postmaster@office.test';
  await room.directory.by('the test').aliases.add(postmaster, BEN, 'carla@office.test');
  const client = await smtp(room);
  const large = `${MESSAGE}${`${'x'.repeat(998)}\r\n`.repeat(33_600)}`;
  const waits = async () => (await waiting(room)).map(({ to, givenUp }) => (givenUp ? `${to} given up` : to));
  await send(client, { to: [ALL, postmaster] });
  await send(client, { to: [postmaster], message: large });
  assert.deepEqual([await counts(room), await waits()], [[1, 2, 2, 0], [DORA]]);
  await send(client, { to: [postmaster, ALL], message: large });
  await send(client, { to: [ALL], message: large });
  await send(client, { to: [ALL] });
  assert.deepEqual(await counts(room), [4, 2, 5, 0]);
  const [second, third, fourth] = [[BEN, DORA], [BEN, DORA].map((one) => `${one} given up`), [BEN, DORA]];
  assert.deepEqual(await waits(), [DORA, ...second!, ...third!, ...fourth!]);
});

test('where nothing leaves the queue nothing waits in it', async (t) => {
  const room = await office(t, { outgoing: undefined as never });
  const client = await smtp(room);
  assert.deepEqual(await send(client, { to: [ALL] }), ['250 2.1.5', '452 4.2.2']);
  assert.deepEqual(await counts(room), [0, 0, 0, 0]);
});
