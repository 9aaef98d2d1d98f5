/** Mail that goes on: what is filed here, and what leaves, over real SMTP, LMTP and submission. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ForwardRate } from '../../src/delivery/forward-rate.ts';
import type { Check } from '../../src/delivery/in-delivery.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { nowSeconds, type QueueId } from '../../src/store/ids.ts';
import { recordOutcomes } from '../../src/trace/attempts.ts';
import { findStories, storiesFor } from '../../src/trace/stories.ts';
import { type MailRoom, type MailRoomOptions, mailRoom, PASSWORD } from '../helpers/mail-room.ts';

const DAY = 86_400;
const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from + 60, expires: from + DAY }),
  wake: () => {},
};
const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';
const HOME = 'anna@home.test';
const MESSAGE = 'Subject: hello\r\n\r\nHello.\r\n';

/** Anna, Ben and Carla, whose mail leaves. */
async function office(t: TestContext, options: Partial<MailRoomOptions> = {}): Promise<MailRoom> {
  return mailRoom(t, { people: ['anna', 'ben', 'carla'], outgoing, ...options });
}

function changes(room: MailRoom): ReturnType<Directory['by']> {
  return room.directory.by('the test');
}

interface Mail {
  readonly service?: 'smtp' | 'lmtp' | 'submission';
  readonly from?: string;
  readonly to: readonly string[];
  readonly message?: string;
}

/** Gives a message over. @returns the replies to RCPT that are refusals, else those to the message */
async function send(room: MailRoom, { service = 'smtp', from = 'sam@far.test', to, message = MESSAGE }: Mail) {
  const client = await room.connect(service);
  await client.ask(service === 'lmtp' ? 'LHLO test' : 'EHLO test');
  if (service === 'submission') {
    await client.ask(`AUTH PLAIN ${Buffer.from(`\0${from}\0${PASSWORD}`).toString('base64')}`);
  }
  await client.ask(`MAIL FROM:<${from}>`);
  const refused: string[] = [];
  for (const address of to) {
    const reply = await client.ask(`RCPT TO:${address.startsWith('<') ? address : `<${address}>`}`);
    if (!reply.startsWith('250')) refused.push(reply.trimEnd());
  }
  if (refused.length > 0) return refused;
  await client.ask('DATA');
  client.send(`${message}.\r\n`);
  const replies: string[] = [];
  for (let count = 0; count < (service === 'lmtp' ? to.length : 1); count++)
    replies.push((await client.reply()).trimEnd());
  await client.ask('QUIT');
  return replies;
}

interface Left {
  readonly account: string;
  readonly sender: string;
  readonly to: readonly string[];
  readonly prefix: string;
  readonly notify: string;
}

/** What waits to leave, in the order in which it came. */
async function left(room: MailRoom): Promise<Left[]> {
  const found: Left[] = [];
  const seen = new Set<number>();
  for await (const page of room.store.queue.pages()) {
    for (const { id } of page) {
      if (seen.has(id)) continue;
      seen.add(id);
      const { message, recipients } = (await room.store.queue.message(id))!;
      const names = await room.directory.accountNames([message.account]);
      found.push({
        account: names.get(message.account)!,
        sender: message.sender,
        to: recipients.map(({ address }) => address),
        prefix: message.prefix.toString(),
        notify: recipients.map(({ notify }) => notify.join(',')).join(' '),
      });
    }
  }
  return found;
}

async function counts(room: MailRoom): Promise<number[]> {
  return Promise.all(['anna', 'ben', 'carla'].map(async (person) => (await room.inbox(person)).length));
}

function allTaken(replies: readonly string[]): void {
  for (const reply of replies) assert.match(reply, /^250 /);
}

test('mail leaves under a reverse path of ours, by which reports find back', async (t) => {
  const room = await office(t);
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  allTaken(await send(room, { to: ['Anna+lists@office.test'] }));
  assert.deepEqual(await counts(room), [0, 0, 0]);
  const [copy, ...others] = await left(room);
  assert.equal(others.length, 0);
  assert.deepEqual(
    { ...copy, sender: '' },
    { account: ANNA, sender: '', to: [HOME], prefix: `Delivered-To: ${ANNA}\r\n`, notify: '' },
  );
  assert.match(copy!.sender, /^SRS0=[^@]+=far\.test=sam@office\.test$/);

  allTaken(await send(room, { from: '', to: [copy!.sender.toUpperCase()] })); // a server in between may change the case
  const report = (await left(room)).at(-1)!;
  assert.deepEqual([report.sender, report.to.map((one) => one.toLowerCase())], ['', ['sam@far.test']]);

  const forged = copy!.sender.replace('far.test', 'near.test');
  assert.match((await send(room, { from: '', to: [forged] }))[0]!, /^550 5\.1\.1 /);
  assert.match((await send(room, { from: 'sam@far.test', to: [copy!.sender] }))[0]!, /^550 5\.1\.1 /);
});

test('where a copy stays, who has it hears of what could not go on, and the sender does not', async (t) => {
  const room = await office(t);
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: true });
  allTaken(await send(room, { to: [ANNA] }));
  allTaken(await send(room, { from: '', to: [ANNA] }));
  assert.deepEqual(await counts(room), [2, 0, 0]);
  const prefix = `Delivered-To: ${ANNA}\r\n`;
  assert.deepEqual(
    await left(room),
    [ANNA, ''].map((sender) => ({ account: ANNA, sender, to: [HOME], prefix, notify: '' })),
  );
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  allTaken(await send(room, { to: [ANNA] }));
  const ids = new Set((await Array.fromAsync(room.store.queue.pages())).flat().map(({ id }) => id));
  const queued = await Promise.all([...ids].map((id) => room.store.queue.message(id)));
  assert.deepEqual(
    queued.map((each) => each!.message.options.copyStays),
    [true, true, undefined],
  );
});

test('reports, and mail of people here, leave under the address they came with', async (t) => {
  const room = await office(t);
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  allTaken(await send(room, { from: '', to: [ANNA] }));
  allTaken(await send(room, { service: 'submission', from: BEN, to: [ANNA], message: `From: ${BEN}\r\n${MESSAGE}` }));
  assert.deepEqual(
    (await left(room)).map(({ sender }) => sender),
    ['', BEN],
  );
  assert.deepEqual(await counts(room), [0, 0, 0]);
});

test('a full mailbox is in the way of a copy that stays, not of one that leaves', async (t) => {
  const room = await office(t, { quotas: { anna: 10 } });
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  allTaken(await send(room, { to: [ANNA] }));
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: true });
  assert.match((await send(room, { to: [ANNA] }))[0]!, /^452 4\.2\.2 /);
  assert.equal((await left(room)).length, 1);
});

test('one message by many ways is one copy for each, here and elsewhere', async (t) => {
  const room = await office(t);
  const { forwarding } = changes(room);
  await forwarding.set(ANNA, [BEN, HOME], { keeps: true });
  await forwarding.set(BEN, ['carla@office.test', HOME], { keeps: false });
  await changes(room).aliases.add('all@office.test', ANNA, BEN, HOME);
  for (const service of ['smtp', 'lmtp'] as const) {
    allTaken(await send(room, { service, to: [ANNA, 'all@office.test', BEN] }));
  }
  assert.deepEqual(await counts(room), [2, 0, 2]);
  assert.deepEqual(
    (await left(room)).map(({ to }) => to),
    [[HOME], [HOME]],
  );
});

test('a circle is refused when it is set; one that comes about later loses nothing', async (t) => {
  const room = await office(t);
  const { forwarding } = changes(room);
  const circle = { code: 'directory.invalid', message: /circle/ };
  await forwarding.set(ANNA, [BEN], { keeps: false });
  await assert.rejects(forwarding.set(BEN, [ANNA], { keeps: false }), circle);
  await assert.rejects(forwarding.set(BEN, [BEN], { keeps: true }), circle);
  await forwarding.set(BEN, ['carla@office.test'], { keeps: true });
  await assert.rejects(forwarding.set('carla@office.test', [ANNA], { keeps: true }), circle);

  await changes(room).aliases.add('desk@office.test', 'carla@office.test');
  await forwarding.set(BEN, ['desk@office.test'], { keeps: false });
  await changes(room).aliases.add('desk@office.test', ANNA);
  await changes(room).aliases.remove('desk@office.test', 'carla@office.test');
  for (const to of [ANNA, BEN, 'desk@office.test']) allTaken(await send(room, { to: [to] }));
  const [anna, ben, carla] = await counts(room);
  assert.deepEqual([anna! + ben!, carla], [3, 0]);
});

test('what comes back is kept and not sent on again; where nobody could keep it, it is refused', async (t) => {
  const room = await office(t);
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  await changes(room).aliases.add('tax@office.test', 'office@taxes.test');
  const again = (address: string) =>
    `Received: by far.test\r\nDelivered-To: ${address}\r\nDelivered-To: <x@y.test>\r\n${MESSAGE}`;
  allTaken(await send(room, { to: [ANNA], message: again('<ANNA@Office.test>') }));
  assert.deepEqual(await counts(room), [1, 0, 0]);
  assert.match((await send(room, { to: ['tax@office.test'], message: again('tax@office.test') }))[0]!, /^554 5\.4\.6 /);
  // Beside others it is refused for good as well: asked again they would all be taken at RCPT, and refused again.
  const both = { to: [BEN, 'tax@office.test'], message: again('tax@office.test') };
  assert.match((await send(room, both))[0]!, /^554 5\.4\.6 .*tax@office\.test before/);
  assert.deepEqual(await counts(room), [1, 0, 0]);
  assert.deepEqual(await left(room), []);
  allTaken(await send(room, { to: ['tax@office.test'], message: again(ANNA) }));
  assert.deepEqual(
    (await left(room)).map(({ to, prefix }) => [to, prefix]),
    [[['office@taxes.test'], 'Delivered-To: tax@office.test\r\n']],
  );
});

test('while no mail leaves, nothing can be made to lead elsewhere, and what does keeps or refuses its mail', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben', 'carla'] });
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  await changes(room).aliases.add('tax@office.test', BEN, 'office@taxes.test');
  room.directory.ways.sends = false;
  const off = { code: 'relay.forbidden', message: /switched off/ };
  await assert.rejects(changes(room).forwarding.set(BEN, [HOME], { keeps: true }), off);
  await assert.rejects(changes(room).aliases.add('more@office.test', HOME), off);
  await changes(room).groups.add('Board');
  await assert.rejects(changes(room).groups.join('Board', HOME), off);
  await changes(room).forwarding.set('carla@office.test', [BEN], { keeps: false });

  allTaken(await send(room, { to: [ANNA] }));
  assert.match((await send(room, { to: ['tax@office.test'] }))[0]!, /^550 5\.7\.1 .*sends nothing to others/);
  assert.deepEqual(await counts(room), [1, 0, 0]);
});

test('mail to a group reaches its members elsewhere, and says which group it is', async (t) => {
  const room = await office(t);
  const by = changes(room);
  await by.groups.add('The "Board"', { address: 'board@office.test' });
  await by.groups.join('The "Board"', ANNA, 'chair@club.test', 'clerk@club.test');
  allTaken(await send(room, { to: ['board@office.test'] }));
  const list = 'List-Id: "The \\"Board\\"" <board.office.test>\r\nList-Post: <mailto:board@office.test>\r\n';
  const [message] = await room.inbox('anna');
  assert.ok(
    message!.startsWith(`Return-Path: <sam@far.test>\r\nDelivered-To: board@office.test\r\n${list}Received: `),
    message!,
  );
  const [copy, ...others] = await left(room);
  assert.equal(others.length, 0);
  assert.deepEqual(copy!.to, ['chair@club.test', 'clerk@club.test']);
  assert.deepEqual([copy!.account, copy!.prefix], [ANNA, `Delivered-To: board@office.test\r\n${list}`]);

  allTaken(await send(room, { to: ['board@office.test'], message: `List-Id: <news.far.test>\r\n${MESSAGE}` }));
  assert.equal((await room.inbox('anna')).at(-1)!.match(/^List-/gm)!.length, 1);
  assert.equal((await left(room)).at(-1)!.prefix, 'Delivered-To: board@office.test\r\n');

  await by.groups.leave('The "Board"', ANNA, 'clerk@club.test'); // nobody here any more: it is under the account that looks after the domain
  allTaken(await send(room, { to: ['board@office.test'] }));
  assert.deepEqual((await left(room)).at(-1)!.to, ['chair@club.test']);
});

test('who forwards sees where their mail goes, and nobody who else was written to, or who is behind an alias or a group', async (t) => {
  const room = await office(t);
  const by = changes(room);
  await by.forwarding.set(BEN, ['ben@home.test'], { keeps: true });
  await by.groups.add('Board', { address: 'board@office.test' });
  await by.groups.join('Board', ANNA, 'chair@club.test');
  await by.aliases.add('tax@office.test', 'taxes@far.test'); // under the account that looks after the domain: Anna's
  allTaken(await send(room, { to: [BEN, 'carla@office.test', 'board@office.test'] })); // who is named in the header, nobody knows
  allTaken(await send(room, { to: ['tax@office.test'] }));
  await by.forwarding.set(ANNA, [HOME], { keeps: false });
  allTaken(await send(room, { to: [ANNA] }));

  const seenBy = async (name: string) => {
    const { id } = await room.directory.account(name);
    const stories = await storiesFor(room, id, {}, 10);
    return stories.map(({ recipients, events }) => [...recipients, ...events.slice(1).map(({ text }) => text)]);
  };
  assert.deepEqual(await seenBy(BEN), [
    [`was filed for ${BEN} in INBOX`, 'waits for ben@home.test as number 1 in the queue'],
  ]);
  assert.deepEqual(await seenBy(ANNA), [
    [`waits for ${HOME} as number 4 in the queue`],
    [`was filed for ${ANNA} in INBOX`],
  ]);
  const { stories } = await findStories(room, { to: 'tax@office.test' }, 10);
  assert.match(stories[0]!.events.at(-1)!.text, /^waits for taxes@far\.test/);
});

test('who sends to somebody who forwards, or to those behind an alias, hears that it was taken, and not where it goes', async (t) => {
  const room = await office(t);
  const by = changes(room);
  await by.forwarding.set(ANNA, [HOME], { keeps: true });
  await by.forwarding.set('carla@office.test', ['carla@home.test'], { keeps: false });
  await by.aliases.add('tax@office.test', ANNA, 'taxes@far.test');
  const to = [ANNA, 'carla@office.test', 'tax@office.test', 'sam@far.test'];
  const message = `From: ${BEN}\r\n${MESSAGE}`;
  allTaken(await send(room, { service: 'submission', from: BEN, to, message }));
  const settled = { number: 0, end: 'failed' as const };
  for (let id = 1; ; id++) {
    const batch = await room.store.queue.message(id as QueueId);
    if (batch === undefined) break;
    const said = { reply: 550, status: '5.1.1', text: 'unknown', theirs: true } as const;
    const outcome = {
      recipient: batch.recipients[0]!,
      kind: 'failed',
      said,
      line: '550 5.1.1 unknown',
      peer: 'mx.test',
      relaysNotices: false,
    } as const;
    await room.store.queue.settle(batch, { settlements: [settled] }, (tx) =>
      recordOutcomes(tx, batch.message, [outcome]),
    );
  }
  const { id } = await room.directory.account(BEN);
  const [story] = await storiesFor(room, id, {}, 10);
  const texts = story!.events.map(({ text }) => text).slice(1);
  assert.deepEqual(texts, [
    `was filed for ${ANNA}`,
    `was filed in ${BEN}'s folder for sent mail`,
    'was taken for carla@office.test',
    'was taken for tax@office.test',
    'waits for sam@far.test as number 4 in the queue',
    'was refused by mx.test for sam@far.test: 550 5.1.1 unknown',
  ]);
  const { stories } = await findStories(room, {}, 10);
  const all = stories[0]!.events.map(({ text }) => text).join();
  for (const address of [HOME, 'carla@home.test', 'taxes@far.test'])
    assert.match(all, new RegExp(`refused by .* for ${address}`));
});

test('what comes back from one member of a group does not go to all of them', async (t) => {
  const room = await office(t);
  const by = changes(room);
  await by.groups.add('Board', { address: 'board@office.test' });
  await by.groups.join('Board', BEN, 'carla@office.test', 'chair@club.test');
  const newsletter = `bounces+1234567-0000-${'a'.repeat(30)}@news.example.com`; // too long for a reverse path that holds it
  allTaken(await send(room, { from: newsletter, to: ['board@office.test'] }));
  const [copy] = await left(room);
  allTaken(await send(room, { from: '', to: [copy!.sender] }));
  assert.deepEqual(await counts(room), [1, 1, 1], 'who looks after the domain hears of it');
  assert.equal((await left(room)).length, 1);
});

test('what a sender wants to hear goes along with one copy, and not of each where one became several', async (t) => {
  const room = await office(t);
  const { forwarding } = changes(room);
  await forwarding.set(ANNA, [HOME], { keeps: false });
  await forwarding.set(BEN, ['ben@home.test', 'ben@away.test'], { keeps: false });
  await forwarding.set('carla@office.test', ['carla@home.test', 'carla@away.test'], { keeps: false });
  const to = [
    `<${ANNA}> NOTIFY=SUCCESS,FAILURE`,
    `<${BEN}> NOTIFY=SUCCESS,FAILURE`,
    '<carla@office.test> NOTIFY=SUCCESS',
  ];
  const message = `From: ${BEN}\r\n${MESSAGE}`;
  allTaken(await send(room, { service: 'submission', from: BEN, to, message }));
  const copies = (await left(room)).filter(({ sender }) => sender !== ''); // what Ben is told goes on to where he reads it
  assert.deepEqual(
    copies.map(({ to, notify }) => [to[0], notify]),
    [
      [HOME, 'success,failure'],
      ['ben@away.test', 'failure failure'],
      ['carla@away.test', 'never never'],
    ],
  );
});

test('more than may go on in an hour waits where it is', async (t) => {
  const room = await office(t, { forwardedByHour: 2 });
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: true });
  await changes(room).forwarding.set(BEN, ['ben@home.test'], { keeps: true });
  for (let message = 0; message < 2; message++) allTaken(await send(room, { to: [ANNA] }));
  assert.match((await send(room, { to: [ANNA] }))[0]!, /^452 4\.5\.3 /);
  allTaken(await send(room, { to: [BEN] }));
  assert.deepEqual(await counts(room), [2, 1, 0]);
});

test('what an alias sends on counts for it and for nobody behind it, also after a start', async (t) => {
  const room = await office(t, { forwardedByHour: 2 });
  const tax = 'tax@office.test';
  await changes(room).aliases.add(tax, ANNA, 'office@taxes.test', 'more@taxes.test');
  await changes(room).forwarding.set(BEN, [HOME], { keeps: true });
  allTaken(await send(room, { to: [tax] }));
  assert.match((await send(room, { to: [tax] }))[0]!, /^452 4\.5\.3 /);
  for (let message = 0; message < 2; message++) allTaken(await send(room, { to: [BEN, ANNA] }));
  assert.match((await send(room, { to: [BEN] }))[0]!, /^452 4\.5\.3 /);

  let now = nowSeconds() + 1;
  const start = () => new ForwardRate(2, room.store.trace, () => now);
  const spent = async (rate: ForwardRate) => Promise.all([tax, BEN, ANNA].map((address) => rate.isSpent(address)));
  assert.deepEqual(await spent(start()), [true, true, false]);
  await room.store.housekeep(); // now they have keys
  const rate = start();
  assert.deepEqual(await spent(rate), [true, true, false]);
  for (let copy = 0; copy < 2; copy++) rate.note(ANNA);
  assert.deepEqual(await spent(rate), [true, true, true]);
  now += 3_600 + 200;
  assert.deepEqual(await spent(rate), [false, false, false]);
  assert.deepEqual(await spent(start()), [false, false, false]);
});

test('junk stays in Junk of whoever forwards', async (t) => {
  const suspects: Check = {
    name: 'suspects',
    within: 60_000,
    whenItFails: 'put off',
    run: async () => ({ suspicious: true, findings: 'X-Found: junk\r\n' }),
  };
  const room = await office(t, { checks: () => [suspects] });
  await changes(room).forwarding.set(ANNA, [HOME], { keeps: false });
  await changes(room).aliases.add('tax@office.test', 'office@taxes.test');
  allTaken(await send(room, { to: [ANNA, 'tax@office.test'] }));
  const { id } = await room.directory.account(ANNA);
  assert.deepEqual(
    (await room.store.mailboxes.list(id)).filter(({ total }) => total > 0).map(({ role }) => role),
    ['junk'],
  );
  assert.deepEqual(
    (await left(room)).map(({ to, prefix }) => [to, prefix]),
    [[['office@taxes.test'], 'Delivered-To: tax@office.test\r\nX-Found: junk\r\n']],
  );
});

test('mail for postmaster and abuse reaches somebody whoever was named for it has gone', async (t) => {
  const room = await office(t);
  const by = changes(room);
  await by.aliases.add('abuse@office.test', 'carla@office.test');
  await by.groups.add('Masters', { address: 'postmaster@office.test' });
  await by.groups.join('Masters', BEN);
  await by.groups.setPosting('Masters', ['members']);
  const both = ['abuse@office.test', 'postmaster@office.test'];
  allTaken(await send(room, { to: both }));
  assert.deepEqual(await counts(room), [0, 1, 1]);
  await by.accounts.setState('carla@office.test', 'closed');
  await by.groups.leave('Masters', BEN);
  allTaken(await send(room, { to: both }));
  assert.deepEqual(await counts(room), [1, 1, 1]);
  const ofServer = ['Postmaster', 'POSTMASTER@Mail.Office.test', 'abuse@mail.office.test'];
  allTaken(await send(room, { to: ofServer }));
  assert.deepEqual(await counts(room), [2, 1, 1]);
  await by.groups.join('Masters', BEN);
  for (const to of ofServer) allTaken(await send(room, { to: [to] }));
  assert.deepEqual(await counts(room), [2, 4, 1], 'whoever is postmaster of the first domain is the server’s');
  assert.match((await send(room, { to: ['webmaster@mail.office.test'] }))[0]!, /^550 5\.7\.1 /);
  await by.domains.setCatchAll('office.test', BEN);
  await by.aliases.remove('abuse@office.test');
  await by.groups.leave('Masters', BEN);
  allTaken(await send(room, { to: ['abuse@office.test'] }));
  assert.deepEqual(await counts(room), [3, 4, 1]);
});

test('mail for postmaster and abuse reaches somebody who can read it, and has room where other mail has none', async (t) => {
  const room = await office(t, { quotas: { anna: 1_500 } });
  const by = changes(room);
  await by.aliases.add('abuse@office.test', BEN);
  await by.accounts.setState(BEN, 'suspended');
  allTaken(await send(room, { to: ['abuse@office.test'] }));
  assert.deepEqual(await counts(room), [1, 0, 0]);
  const long = `${MESSAGE}${'x'.repeat(900)}\r\n`;
  allTaken(await send(room, { to: ['postmaster@office.test'], message: long }));
  assert.match((await send(room, { to: [ANNA], message: long }))[0]!, /^452 4\.2\.2 /);
  for (const to of [['Postmaster'], ['abuse@office.test', 'postmaster@office.test', BEN]])
    allTaken(await send(room, { to, message: long }));
  assert.deepEqual(await counts(room), [4, 1, 0]);

  const much = `${MESSAGE}${`${'x'.repeat(998)}\r\n`.repeat(45_000)}`;
  allTaken(await send(room, { to: ['abuse@office.test'], message: much }));
  assert.match((await send(room, { to: ['abuse@office.test'], message: much }))[0]!, /^452 4\.2\.2 /);
});
