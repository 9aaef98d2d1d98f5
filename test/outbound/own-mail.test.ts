/** What people may do with mail of theirs that has not left: a real store, the real dispatcher, real sockets. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { hadIt } from '../../src/http/settings/waiting/had.ts';
import type { Person, TakenBack, WaitingRecipient } from '../../src/outbound/own-mail.ts';
import { openOwnMail } from '../../src/server/own-mail.ts';
import { nowSeconds, type QueueId } from '../../src/store/ids.ts';
import { storiesFor } from '../../src/trace/stories.ts';
import { SendingOffice } from './sending-office.ts';

const LATER = 'HOLDFOR=86400';
const PUT_OFF = '450 4.2.0 come again';

async function person({ room: { directory } }: SendingOffice, name: string): Promise<Person> {
  const account = await directory.account(`${name}@office.test`);
  return { account: account.id, name: account.name, actor: `${account.name} on the settings page` };
}

/** All that waits, whoever's it is: numbers of messages in the order in which they came. */
async function queued({ room: { store } }: SendingOffice): Promise<QueueId[]> {
  const pages = await Array.fromAsync(store.queue.pages());
  return [...new Set(pages.flat().map(({ id }) => id))];
}

async function deferred(t: TestContext, ...recipients: readonly string[]): Promise<SendingOffice> {
  const office = await SendingOffice.open(t, { says: (command) => (command === 'RCPT' ? PUT_OFF : undefined) });
  await office.submit('', ...recipients.map((address) => `<${address}>`));
  await office.known(recipients.length);
  return office;
}

/** Holds what says so in the second that begins next but one: all of it is due at once. */
function sameMoment(): string {
  return `HOLDUNTIL=${new Date((nowSeconds() + 2) * 1_000).toISOString().replace('.000', '')}`;
}

test('what is taken back goes to nobody it was taken back from, stays in Sent, and is told of to nobody', async (t) => {
  const office = await SendingOffice.open(t);
  const { room, ownMail } = office;
  const anna = await person(office, 'anna');
  await office.submit(
    'HOLDFOR=2',
    '<ben@office.test> NOTIFY=FAILURE,DELAY',
    '<carl@example.net>',
    '<dora@example.net>',
  );
  const [mail] = (await ownMail.list(anna.account, undefined, 10)).mail;
  assert.deepEqual(
    [mail!.subject, mail!.recipients.map(({ address, state }) => `${address} ${state}`)],
    ['Party', ['ben@office.test later', 'carl@example.net later', 'dora@example.net later']],
  );
  assert.deepEqual(await ownMail.takeBack(anna, mail!.id, new Set([1])), {
    taken: ['carl@example.net'],
    tried: [],
    left: 0,
  });
  assert.deepEqual(await ownMail.takeBack(anna, mail!.id, new Set([1])), { taken: [], tried: [], left: 1 });
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'dora@example.net sent']);
  assert.deepEqual(office.peer.taken[0]!.recipients, ['dora@example.net']);
  await assert.rejects(ownMail.takeBack(anna, mail!.id), { code: 'message.gone' });
  assert.deepEqual(await room.inbox('anna'), []);
  assert.equal((await room.folderOf('anna', 'Sent')).length, 1);
  const [story] = await storiesFor(room, anna.account, { queue: mail!.id }, 1);
  const told = story!.events.filter(({ kind }) => kind === 'withdraw').map(({ text }) => text);
  assert.deepEqual(told, ['was taken back for carl@example.net by anna@office.test on the settings page']);
  assert.deepEqual((await room.store.verify()).findings, []);
});

test('nobody touches what others have sent, or what only goes on from their account', async (t) => {
  const office = await deferred(t, 'carl@example.net');
  const { room, ownMail } = office;
  const [anna, ben] = [await person(office, 'anna'), await person(office, 'ben')];
  await room.directory.by('the test').forwarding.set('ben@office.test', ['ben@home.example'], { keeps: true });
  await office.submit('', '<ben@office.test>');
  await office.known(2);
  const [annas, onward] = await queued(office);
  const received = (await room.store.queue.message(onward!))!.message;
  assert.equal(received.account, ben.account);
  for (const [who, id] of [
    [ben, annas],
    [ben, onward],
    [anna, onward],
    [anna, 4_711],
  ] as const) {
    await assert.rejects(ownMail.takeBack(who, id as QueueId), { code: 'message.gone' });
    await assert.rejects(ownMail.hasten(who, id as QueueId), { code: 'message.gone' });
    assert.deepEqual(await ownMail.those(who.account, [id as QueueId]), []);
  }
  assert.deepEqual((await ownMail.list(ben.account, undefined, 10)).mail, []);
  assert.deepEqual(
    (await ownMail.list(anna.account, undefined, 10)).mail.map(({ id }) => id),
    [annas],
  );
  assert.deepEqual(await queued(office), [annas, onward]);
});

test('what is being sent just then is left alone, and said to be; what only waits for the connection is not sent', async (t) => {
  const asked: Promise<TakenBack>[] = [];
  let others: () => void = () => {};
  const office = await SendingOffice.open(t, {
    says(command) {
      if (command === 'RCPT' && asked.length === 0) others();
      return undefined;
    },
  });
  const anna = await person(office, 'anna');
  const moment = sameMoment();
  for (const name of ['one', 'two', 'three', 'four']) await office.submit(moment, `<${name}@example.net>`);
  const ids = await queued(office);
  const addresses = new Map(ids.map((id, at) => [`${['one', 'two', 'three', 'four'][at]}@example.net`, id]));
  others = () => {
    const [, trying] = /<(.*)>/.exec(office.peer.lines.at(-1)!)!;
    const last = [...addresses.keys()].findLast((address) => address !== trying)!;
    for (const address of [trying!, last])
      asked.push(office.ownMail.takeBack(anna, addresses.get(address)!, new Set([0])));
  };
  await office.known(3);
  const [tried, back] = await Promise.all(asked);
  assert.deepEqual(tried, { taken: [], tried: [office.peer.taken[0]!.recipients[0]], left: 0 });
  assert.equal(back!.taken.length, 1);
  const sent = office.peer.taken.map(({ recipients }) => recipients[0]);
  assert.equal(sent.length, 3);
  assert.ok(!sent.includes(back!.taken[0]));
  assert.deepEqual(await queued(office), []);
});

/** What comes of it; or this, where all of the message has left. */
async function unlessGone<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refused && error.code === 'message.gone') return otherwise;
    throw error;
  }
}

test('whenever it is asked while mail leaves, who is said not to get it never does, and all others do', async (t) => {
  const count = Number(process.env['RAINMAIL_TAKEN_BACK'] ?? 60);
  const asked = new Map<number, Promise<TakenBack>>();
  let answered = Promise.withResolvers<void>();
  let onCommand: () => void = () => {};
  const office = await SendingOffice.open(t, {
    says() {
      onCommand();
      return undefined;
    },
  });
  const anna = await person(office, 'anna');
  for (let at = 0; at < count; at++)
    await office.submit(LATER, `<a${at}@example.net>`, `<b${at}@example.net>`, `<ben+${at}@office.test>`);
  const ids = await queued(office);
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed % below;
  };
  // As the peer hears of some of it, some other of it is taken back: what is next, what is tried, what has left.
  onCommand = () => {
    const at = random(count);
    if (asked.has(at) || random(3) > 0) return;
    const numbers = new Set(random(2) === 0 ? [0] : [0, 1, 2]);
    const answer = unlessGone(office.ownMail.takeBack(anna, ids[at]!, numbers), { taken: [], tried: [], left: 0 });
    asked.set(
      at,
      answer.finally(() => answered.resolve()),
    );
  };
  for (const id of ids) await unlessGone(office.ownMail.hasten(anna, id), []);
  const said = async () => (await Promise.all(asked.values())).flatMap(({ taken }) => taken);
  while (office.outcomes.length + (await said()).length < 3 * count) {
    await Promise.race([office.known(office.outcomes.length + 1), answered.promise]);
    answered = Promise.withResolvers<void>();
  }
  const taken = await said();
  const got = office.outcomes.filter(({ kind }) => kind === 'sent').map(({ recipient }) => recipient.address);
  assert.deepEqual(new Set(got).intersection(new Set(taken)), new Set());
  assert.equal(new Set(got).size + taken.length, 3 * count);
  assert.ok(taken.length > 0);
  const peers = office.peer.taken.flatMap(({ recipients }) => recipients);
  assert.deepEqual(peers.sort(), got.filter((address) => address.endsWith('example.net')).sort());
  assert.equal((await office.room.inbox('ben')).length + taken.filter((each) => each.startsWith('ben')).length, count);
  assert.deepEqual(await queued(office), []);
  assert.deepEqual((await office.room.store.verify()).findings, []);
});

test('mail for later that is sent now is given up, and told of as late, as if it had been sent now', async (t) => {
  const office = await SendingOffice.open(t, { says: (command) => (command === 'RCPT' ? PUT_OFF : undefined) });
  const { room, ownMail } = office;
  const anna = await person(office, 'anna');
  await office.submit(LATER, '<carl@example.net>', '<ben@office.test>');
  const [id] = await queued(office);
  const before = (await room.store.queue.message(id!))!.message;
  assert.ok(before.expires > nowSeconds() + 86_400);
  assert.deepEqual(await ownMail.hasten(anna, id!), ['carl@example.net', 'ben@office.test']);
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'carl@example.net deferred']);
  const { expires } = (await room.store.queue.message(id!))!.message;
  assert.ok(expires <= nowSeconds() + 86_400);
  assert.equal((await room.inbox('ben')).length, 1);
});

test('what is to be tried again is tried at once, but not again and again, and never before its destination is', async (t) => {
  const office = await deferred(t, 'carl@example.net');
  const { room, ownMail } = office;
  const anna = await person(office, 'anna');
  const [id] = await queued(office);
  assert.deepEqual(await ownMail.hasten(anna, id!), ['carl@example.net']);
  await office.known(2);
  await assert.rejects(ownMail.hasten(anna, id!), { code: 'limit.reached' });

  const batch = (await room.store.queue.message(id!))!;
  const [{ destination }] = batch.recipients as [(typeof batch.recipients)[0]];
  const notBefore = nowSeconds() + 3_600;
  await room.store.queue.settle(batch, {
    settlements: [{ number: 0, due: notBefore, reply: '451 4.4.1 away' }],
    attempt: { destination, contact: { reached: false, notBefore } },
  });
  // As after a restart, which knows nothing of what was asked before.
  const again = openOwnMail(room.store, null);
  assert.deepEqual(await again.hasten(anna, id!), ['carl@example.net']);
  assert.deepEqual(await room.store.queue.destinationsDue(10), []);
  const [mail] = await ownMail.those(anna.account, [id!]);
  const [{ state, next, why, said }] = mail!.recipients as [WaitingRecipient];
  assert.deepEqual(
    { state, next, why: why(), said },
    {
      state: 'away',
      next: notBefore,
      why: 'The mail server of the recipient could not be reached.',
      said: '451 4.4.1 away',
    },
  );
});

test('what an administrator holds is not let go on by its sender, who may take it back', async (t) => {
  const office = await deferred(t, 'carl@example.net');
  const { room, ownMail } = office;
  const anna = await person(office, 'anna');
  const [id] = await queued(office);
  for await (const page of room.store.queue.pages())
    await room.store.queue.change(page, { kind: 'hold' }, async () => {});
  assert.deepEqual(await ownMail.hasten(anna, id!), []);
  const [mail] = await ownMail.those(anna.account, [id!]);
  assert.deepEqual(
    mail!.recipients.map(({ state, next }) => [state, next]),
    [['held', null]],
  );
  assert.deepEqual((await ownMail.takeBack(anna, id!)).taken, ['carl@example.net']);
  assert.deepEqual(await queued(office), []);
});

test('a message to very many is taken back from all of them', async (t) => {
  const office = await SendingOffice.open(t);
  const { room, ownMail } = office;
  const anna = await person(office, 'anna');
  const names = Array.from({ length: 250 }, (_, at) => `carl${at}@example.net`);
  await office.submit(LATER, ...names.map((name) => `<${name}>`));
  const [id] = await queued(office);
  const { taken } = await ownMail.takeBack(anna, id!);
  assert.deepEqual([...taken].sort(), names.sort());
  assert.deepEqual(await queued(office), []);
  const [story] = await storiesFor(room, anna.account, { queue: id! }, 1);
  assert.deepEqual(hadIt(story!), []);
  assert.deepEqual((await room.store.verify()).findings, []);
});

test('the list is read on page by page, whatever else goes on from the account', async (t) => {
  const office = await SendingOffice.open(t);
  const { ownMail } = office;
  const anna = await person(office, 'anna');
  for (let at = 0; at < 5; at++) await office.submit(LATER, `<carl${at}@example.net>`);
  const ids = await queued(office);
  const seen: QueueId[] = [];
  for (let { mail, next } = await ownMail.list(anna.account, undefined, 2); ; ) {
    seen.push(...mail.map(({ id }) => id));
    if (next === null) break;
    ({ mail, next } = await ownMail.list(anna.account, next, 2));
  }
  assert.deepEqual(seen, ids.reverse());
});
