import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { type Client, type MailRoom, mailRoom } from '../helpers/mail-room.ts';

const MESSAGE = `Subject: hello\r\n\r\n${'x'.repeat(1_000)}\r\n`;

async function send(client: Client, to: readonly string[], declared = ''): Promise<string[]> {
  const replies = [await client.ask(`MAIL FROM:<a@elsewhere.test>${declared}`)];
  for (const name of to) replies.push(await client.ask(`RCPT TO:<${name}@office.test>`));
  replies.push(await client.ask('DATA'));
  if (replies.at(-1)!.startsWith('354')) {
    client.send(`${MESSAGE}.\r\n`);
    replies.push(await client.reply());
  }
  await client.ask('RSET');
  return replies.map((reply) => /^\d{3}(?: \d\.\d\.\d+)?/.exec(reply)![0]);
}

async function counts(room: MailRoom, people: readonly string[]): Promise<number[]> {
  return Promise.all(people.map(async (person) => (await room.inbox(person)).length));
}

test('an alias with several people behind it brings each of them one copy', async (t) => {
  const room = await mailRoom(t);
  await room.directory.by('the test').aliases.add('all@office.test', 'anna@office.test');
  await room.directory.by('the test').aliases.add('all@office.test', 'ben@office.test');
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  assert.deepEqual((await send(smtp, ['all', 'anna', 'ALL'])).at(-1), '250 2.0.0');
  assert.deepEqual(await counts(room, ['anna', 'ben']), [1, 1]);
  for (const person of ['anna', 'ben']) {
    assert.match(
      (await room.inbox(person))[0]!,
      /^Return-Path: <a@elsewhere\.test>\r\nDelivered-To: all@office\.test\r\n/,
    );
  }
});

test('a full mailbox is refused at RCPT, and the others get theirs', async (t) => {
  const room = await mailRoom(t, { quotas: { ben: 1_500 } });
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  assert.deepEqual(await send(smtp, ['ben']), ['250 2.1.0', '250 2.1.5', '354', '250 2.0.0']);
  assert.deepEqual(await send(smtp, ['anna', 'ben'], ' SIZE=1100'), [
    ...['250 2.1.0', '250 2.1.5', '452 4.2.2', '354', '250 2.0.0'],
  ]);
  assert.deepEqual(await counts(room, ['anna', 'ben']), [1, 1]);
});

test('by SMTP, when a mailbox would become full, nobody gets the message and it may come again', async (t) => {
  const room = await mailRoom(t, { quotas: { ben: 1_500 } });
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  await send(smtp, ['ben']);
  assert.deepEqual(await send(smtp, ['anna', 'ben']), ['250 2.1.0', '250 2.1.5', '250 2.1.5', '354', '452 4.2.2']);
  assert.deepEqual(await counts(room, ['anna', 'ben']), [0, 1]);
});

test('who writes to a full mailbox hears so in words for them, and not who is behind an address', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben'], quotas: { ben: 500 } });
  const { aliases } = room.directory.by('the test');
  await aliases.add('ben.b@office.test', 'ben@office.test');
  await aliases.add('both@office.test', 'anna@office.test', 'ben@office.test');
  const lmtp = await room.connect('lmtp');
  const names = ['BEN', 'ben.b', 'both'];
  const full = names.map(
    (name) => `452 4.2.2 The mailbox ${name === 'BEN' ? 'of' : 'behind'} ${name}@office.test is full;`,
  );
  await lmtp.ask('LHLO x');
  await lmtp.ask('MAIL FROM:<>');
  for (const name of names) await lmtp.ask(`RCPT TO:<${name}@office.test>`);
  await lmtp.ask('DATA');
  lmtp.send(`${MESSAGE}.\r\n`);
  for (const text of full) assert.ok((await lmtp.reply()).startsWith(text), text);
  await lmtp.ask('MAIL FROM:<> SIZE=1000');
  for (const [at, text] of full.entries()) {
    assert.ok((await lmtp.ask(`RCPT TO:<${names[at]}@office.test>`)).startsWith(text), text);
  }
});

test('people who stand behind many recipients of one message are asked once how much room they have', async (t) => {
  let asked = 0;
  const quotas = { anna: 1e6, ben: 1e6, carla: 1e6 };
  const room = await mailRoom(t, {
    people: ['anna', 'ben', 'carla'],
    quotas,
    store: (store) => {
      const usage = store.usage.bind(store);
      store.usage = (account) => {
        asked += 1;
        return usage(account);
      };
      return store;
    },
  });
  const { groups } = room.directory.by('the test');
  await groups.add('All', { address: 'all@office.test' });
  await groups.join('All', ...Object.keys(quotas).map((name) => `${name}@office.test`));
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  const replies = await send(smtp, [...Array.from({ length: 50 }, (_, at) => `all+${at}`), 'anna']);
  assert.deepEqual([replies.length, replies.at(-1)], [54, '250 2.0.0']);
  assert.deepEqual(await counts(room, Object.keys(quotas)), [1, 1, 1]);
  assert.equal(asked, 6); // at RCPT, and at the end of the data
});

test('an address of several people is delivered to all of them or to none', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben', 'carla'], quotas: { ben: 500 } });
  await room.directory.by('the test').aliases.add('both@office.test', 'anna@office.test');
  await room.directory.by('the test').aliases.add('both@office.test', 'ben@office.test');
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<both@office.test>\r\nRCPT TO:<carla@office.test>\r\nDATA\r\n');
  await lmtp.until('354');
  await lmtp.reply();
  lmtp.send(`${MESSAGE}.\r\n`);
  assert.match(await lmtp.reply(), /^452 4\.2\.2 /);
  assert.match(await lmtp.reply(), /^250 /);
  assert.deepEqual(await counts(room, ['anna', 'ben', 'carla']), [0, 0, 1]);
});

test('somebody who left between RCPT and the end of the data is told by LMTP; by SMTP the sender asks again', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben'] });
  const clients = [await room.connect('lmtp'), await room.connect('smtp')];
  for (const [i, client] of clients.entries()) {
    client.send(
      `${i === 0 ? 'LHLO' : 'EHLO'} x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<ben@office.test>\r\nDATA\r\n`,
    );
    await client.until('354');
    await client.reply();
  }
  await room.directory.by('the test').accounts.remove('ben@office.test');
  for (const client of clients) client.send(`${MESSAGE}.\r\n`);
  assert.match(await clients[0]!.reply(), /^250 /);
  assert.match(await clients[0]!.reply(), /^550 5\.1\.1 /);
  assert.match(await clients[1]!.reply(), /^451 4\.1\.1 /);
  assert.deepEqual(await counts(room, ['anna']), [1]);
});

test('an error of ours in the store reaches the session, which reports it', async (t) => {
  const room = await mailRoom(t, {
    store: (store) => {
      store.deliver = () => Promise.reject(new Error('the disk is on fire'));
      return store;
    },
  });
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<ben@office.test>\r\nDATA\r\n');
  await lmtp.until('354');
  await lmtp.reply();
  lmtp.send(`${MESSAGE}.\r\nNOOP\r\n`);
  assert.match(await lmtp.reply(), /^451 4\.3\.0 /);
  assert.match(await lmtp.reply(), /^451 4\.3\.0 /);
  assert.match(await lmtp.reply(), /^250 /);
  assert.match(String(room.faults.pop()), /on fire/);
});

test('a disk that is nearly full is told as such, by DATA and by BDAT, and the session stays in step', async (t) => {
  const room = await mailRoom(t, {
    store: (store) => {
      store.stage = () => {
        throw new Refused('store.full', 'The disk is nearly full.');
      };
      return store;
    },
  });
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  assert.deepEqual(await send(smtp, ['anna']), ['250 2.1.0', '250 2.1.5', '354', '452 4.3.1']);
  smtp.send('MAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n');
  const codes = [];
  for (let i = 0; i < 5; i += 1) codes.push((await smtp.reply()).slice(0, 9));
  assert.deepEqual(codes, ['250 2.1.0', '250 2.1.5', '250 2.0.0', '452 4.3.1', '250 2.0.0']);
});
