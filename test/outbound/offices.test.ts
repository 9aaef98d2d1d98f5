/** Offices that send to each other: real servers, each a process of its own, and an Internet of the test's own between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { listQueue } from '../../src/server/admin/queue.ts';
import { retryQueued } from '../../src/server/admin/queue-change.ts';
import { listTrace } from '../../src/server/admin/trace.ts';
import { verify } from '../../src/server/admin/verify.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import type { ImapDevice } from '../helpers/line-client.ts';
import { LineClient } from '../helpers/line-client.ts';
import { dotStuffed, PASSWORD, type TrialOffice } from '../helpers/office.ts';

interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** Reverse path, if it is not `from`. */
  readonly path?: string;
  readonly header?: string;
}

/** Hands a message over at submission. @returns the last reply: that to the message, or to what was refused before */
async function send(office: TrialOffice, who: string, letter: Letter): Promise<string> {
  const { from, to, subject, path = from, header = '' } = letter;
  const client = await LineClient.connect(office.port('submission'));
  const ask = async (command: string) => {
    client.send(`${command}\r\n`);
    return (await client.reply('')).join('\n');
  };
  try {
    await client.reply('220');
    await ask('EHLO test');
    await ask(`AUTH PLAIN ${Buffer.from(`\0${who}\0${PASSWORD}`).toString('base64')}`);
    for (const command of [`MAIL FROM:<${path}>`, ...to.map((each) => `RCPT TO:<${each}>`), 'DATA']) {
      const reply = await ask(command);
      if (!/^[23]/.test(reply)) return reply;
    }
    client.send(dotStuffed(`From: ${from}\r\nTo: ${to.join(', ')}\r\n${header}Subject: ${subject}\r\n\r\nHello.\r\n`));
    return (await client.reply('')).join('\n');
  } finally {
    client.close();
  }
}

async function subjects(office: TrialOffice, person: string, folder = 'INBOX'): Promise<string[]> {
  return office.devices(person, ['laptop'])[0].imap(async (session: ImapDevice) => {
    await session.command(`EXAMINE ${folder}`);
    const { untagged } = await session.command('UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    return untagged.flatMap((line) => /^Subject: (.*?)\r?$/m.exec(line)?.[1] ?? []);
  });
}

async function waiting(office: TrialOffice): Promise<string[]> {
  const { entries } = await perform(listQueue, { most: 100 }, office);
  return entries.map(({ recipient, state, reply }) => `${recipient} ${state} ${reply}`.trim());
}

/** What became of messages, the newest first. */
async function way(office: TrialOffice, which: object): Promise<string[][]> {
  const { stories } = await perform(listTrace, { ...which, most: 10 }, office);
  return stories.map(({ events }) => events.map(({ kind }) => kind));
}

test('one message goes to people here, in two other offices, and into Sent: once to each', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna', 'ben'] });
  const shop = await internet.office('shop.test', { people: ['carl'] });
  const works = await internet.office('works.test', { people: ['dora', 'emil'] });
  const to = ['ben@office.test', 'carl@shop.test', 'dora@works.test', 'emil@works.test'];
  assert.match(await send(office, 'anna@office.test', { from: 'anna@office.test', to, subject: 'Offer' }), /^250 /);
  await attempts(office, 'sent', 2);
  assert.deepEqual(await subjects(office, 'ben@office.test'), ['Offer']);
  assert.deepEqual(await subjects(office, 'anna@office.test', 'Sent'), ['Offer']);
  assert.deepEqual(await subjects(shop, 'carl@shop.test'), ['Offer']);
  assert.deepEqual(await subjects(works, 'dora@works.test'), ['Offer']);
  assert.deepEqual(await subjects(works, 'emil@works.test'), ['Offer']);
  assert.deepEqual(await waiting(office), []);
  const [told] = await way(office, { to: 'dora@works.test' });
  assert.deepEqual(told, ['received', 'filed', 'sent copy', 'queued', 'sent', 'sent']);
  assert.deepEqual(await way(shop, { from: 'anna@office.test' }), [['received', 'filed']]);
  // And back: what one answers, the other has.
  const answer = { from: 'carl@shop.test', to: ['anna@office.test'], subject: 'Re: Offer' };
  assert.match(await send(shop, 'carl@shop.test', answer), /^250 /);
  await attempts(shop, 'sent');
  assert.deepEqual(await subjects(office, 'anna@office.test'), ['Re: Offer']);
  for (const each of [office, shop, works]) assert.deepEqual((await perform(verify, {}, each)).findings, []);
  assert.equal(await office.metric('rainmail_queue_outcomes_total'), 3);
  assert.equal(await office.metric('rainmail_queue_messages'), 0);
});

test('a server that is away has its mail when it is back, and nobody is told of it', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test');
  const shop = await internet.office('shop.test', { people: ['carl'] });
  await shop.stop();
  const letter = { from: 'anna@office.test', to: ['carl@shop.test'], subject: 'Offer' };
  assert.match(await send(office, 'anna@office.test', letter), /^250 /);
  await attempts(office, 'deferred');
  assert.match(
    (await waiting(office)).join(),
    /^carl@shop\.test waiting mx\.shop\.test \[[\d.]+\]: 451 4\.4\.1 no mail server listens there \(.*ECONNREFUSED/,
  );
  const health = (await (await fetch(`http://127.0.0.1:${office.port('health')}/health`)).json()) as { queue: object };
  assert.partialDeepStrictEqual(health.queue, { messages: 0, alarm: false }); // as of the start
  assert.equal(await office.metric('rainmail_queue_messages'), 1);
  await shop.start();
  await office.restart(); // it is put off for minutes, whatever happens here
  assert.equal((await waiting(office)).length, 1);
  await perform(retryQueued, { toDomain: 'shop.test' }, office);
  await attempts(office, 'sent');
  assert.deepEqual(await subjects(shop, 'carl@shop.test'), ['Offer']);
  assert.deepEqual(await subjects(office, 'anna@office.test'), []);
});

test('who writes to a domain that takes no mail, or is none, hears of it; what can not be an address, or is too much, is refused at once', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { config: '[limits]\nrecipientsByHour = 4' });
  internet.dns.say('MX', 'nomail.test', { preference: 0, exchange: '.' });
  const from = 'anna@office.test';
  const to = ['carl@nomail.test', 'dora@missing.test'];
  assert.match(await send(office, from, { from, to, subject: 'Offer' }), /^250 /);
  await attempts(office, 'failed', 2);
  assert.equal((await subjects(office, from)).length, 2);
  assert.deepEqual(await waiting(office), []);
  for (const wrong of ['carl@localhost', 'carl@999.1.1.1', 'carl@shop..test']) {
    assert.match(await send(office, from, { from, to: [wrong], subject: 'No' }), /^5\d\d /, wrong);
  }
  // Two were sent to, and there may be four in an hour.
  const three = [...to, 'emil@nomail.test'];
  assert.match(await send(office, from, { from, to: three, subject: 'Many' }), /^450 4\.7\.1 .* 2 more now/);
  // Nor are they fewer where a copy of what somebody sends to themselves goes on.
  await office.command('forward', 'set', from, 'anna@nomail.test');
  assert.match(await send(office, from, { from, to: [from, ...three], subject: 'Many' }), /^450 4\.7\.1 .* 2 more now/);
  assert.match(await send(office, from, { from, to: [from, ...to], subject: 'Two' }), /^250 /); // people here do not count
  assert.match(
    await send(office, from, { from, to: ['carl@nomail.test'], subject: 'One' }),
    /^450 4\.7\.1 .*so many already/,
  );
  assert.match(await send(office, from, { from, to: [from], subject: 'Note' }), /^250 /); // the copy is not what she sends
  assert.equal(await office.metric('rainmail_sending_limit_reached_total'), 1);
  await office.restart(); // which helps nobody
  assert.match(
    await send(office, from, { from, to: ['carl@nomail.test'], subject: 'One' }),
    /^450 4\.7\.1 .*so many already/,
  );
});

test('nobody relays: neighbours by LMTP do not, and nobody does where sending is off', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { outbound: 'enabled = false' });
  const refused = await send(office, 'anna@office.test', {
    from: 'anna@office.test',
    to: ['x@shop.test'],
    subject: 'No',
  });
  assert.match(refused, /^550 5\.7\.1 /);
  for (const [service, hello] of [['lmtp', 'LHLO']] as const) {
    const client = await LineClient.connect(office.port(service));
    await client.reply('220');
    await client.ask(`${hello} test`, '250');
    await client.ask('MAIL FROM:<anna@office.test>', '250');
    await client.ask('RCPT TO:<x@shop.test>', '550 5.7.1');
    client.close();
  }
});
