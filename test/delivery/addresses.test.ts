/** Where mail goes that is not simply for somebody: groups, catch-alls, subaddresses, closed accounts. Over real SMTP and LMTP. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type MailRoom, mailRoom } from '../helpers/mail-room.ts';

const PEOPLE = ['anna', 'ben', 'carla'];

async function officeOfThree(t: TestContext): Promise<MailRoom> {
  const room = await mailRoom(t, { people: PEOPLE });
  const changes = room.directory.by('the test');
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  await changes.groups.join('Sales', 'anna@office.test', 'ben@office.test');
  await changes.aliases.add('info@office.test', 'ben@office.test', 'carla@office.test');
  return room;
}

/** Sends one message to all of them. @returns the replies to RCPT, and those to the end of the data */
async function send(room: MailRoom, service: 'smtp' | 'lmtp', ...to: string[]): Promise<[string[], string[]]> {
  const client = await room.connect(service);
  await client.ask(service === 'smtp' ? 'EHLO test' : 'LHLO test');
  await client.ask('MAIL FROM:<sender@elsewhere.test>');
  const taken: string[] = [];
  for (const address of to) taken.push((await client.ask(`RCPT TO:<${address}@office.test>`)).trimEnd());
  const good = taken.filter((reply) => reply.startsWith('250'));
  const replies: string[] = [];
  if (good.length > 0) {
    await client.ask('DATA');
    client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
    const expected = service === 'smtp' ? 1 : good.length;
    for (let count = 0; count < expected; count++) replies.push((await client.reply()).slice(0, 9));
  }
  await client.ask('QUIT');
  return [taken, replies];
}

/** The Delivered-To lines of everybody's mail. */
async function delivered(room: MailRoom): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const person of PEOPLE) {
    const messages = await room.inbox(person);
    found[person] = messages.map((message) => /^Delivered-To: (.*)\r$/m.exec(message)![1]!);
  }
  return found;
}

for (const service of ['smtp', 'lmtp'] as const) {
  test(`${service}: mail to a group reaches each member once, however often they are meant`, async (t) => {
    const room = await officeOfThree(t);
    const [taken, replies] = await send(room, service, 'sales', 'anna', 'info', 'SALES');
    assert.deepEqual(
      taken.map((reply) => reply.slice(0, 9)),
      Array(4).fill('250 2.1.5'),
    );
    assert.deepEqual([...new Set(replies)], ['250 2.0.0']);
    assert.deepEqual(await delivered(room), {
      anna: ['sales@office.test'],
      ben: ['sales@office.test'],
      carla: ['info@office.test'],
    });
  });

  test(`${service}: what is for nobody goes to the catch-all, which may be a group, and to nobody without one`, async (t) => {
    const room = await officeOfThree(t);
    const changes = room.directory.by('the test');
    assert.match((await send(room, service, 'nobody'))[0][0]!, /^550 5\.1\.1 /);
    await changes.domains.setCatchAll('office.test', 'carla@office.test');
    await send(room, service, 'nobody', 'anna');
    await changes.domains.setCatchAll('office.test', 'sales@office.test');
    await send(room, service, 'somebody');
    assert.deepEqual(await delivered(room), {
      anna: ['anna@office.test', 'somebody@office.test'],
      ben: ['somebody@office.test'],
      carla: ['nobody@office.test'],
    });
    await changes.domains.setCatchAll('office.test', null);
    assert.match((await send(room, service, 'nobody'))[0][0]!, /^550 5\.1\.1 /);
  });

  test(`${service}: the detail of an address is told in Delivered-To, and its mail is in INBOX`, async (t) => {
    const room = await officeOfThree(t);
    const changes = room.directory.by('the test');
    await changes.aliases.add('anna+special@office.test', 'carla@office.test');
    await send(room, service, 'anna+lists', 'sales+x', 'anna+special', 'anna+special+y');
    assert.deepEqual(await delivered(room), {
      anna: ['anna+lists@office.test'],
      ben: ['sales+x@office.test'],
      carla: ['anna+special@office.test'],
    });

    await changes.domains.setSubaddress('office.test', '-');
    assert.match((await send(room, service, 'anna+lists'))[0][0]!, /^550 5\.1\.1 /);
    await send(room, service, 'anna-lists');
    assert.deepEqual((await delivered(room))['anna'], ['anna+lists@office.test', 'anna-lists@office.test']);
    await changes.domains.setSubaddress('office.test', '');
    assert.match((await send(room, service, 'anna-lists'))[0][0]!, /^550 5\.1\.1 /);
  });

  test(`${service}: a suspended account gets mail, a closed one refuses it, a group does without those who are closed`, async (t) => {
    const room = await officeOfThree(t);
    const changes = room.directory.by('the test');
    await changes.accounts.setState('anna@office.test', 'suspended');
    await changes.accounts.setState('ben@office.test', 'closed');
    const [taken] = await send(room, service, 'anna', 'ben', 'sales', 'info');
    assert.match(taken[1]!, /^550 5\.2\.1 .*ben@office\.test is closed/);
    assert.deepEqual(await delivered(room), { anna: ['anna@office.test'], ben: [], carla: ['info@office.test'] });

    await changes.groups.leave('Sales', 'anna@office.test', 'ben@office.test');
    assert.match(
      (await send(room, service, 'sales'))[0][0]!,
      /^550 5\.2\.1 .*Nobody is in the group sales@office\.test/,
    );
    await changes.accounts.setState('ben@office.test', 'active');
    await send(room, service, 'ben');
    assert.deepEqual((await delivered(room))['ben'], ['ben@office.test']);
  });
}

test('somebody who is closed between RCPT and the end of the data gets nothing more', async (t) => {
  const room = await mailRoom(t);
  const client = await room.connect('lmtp');
  client.send('LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<ben@office.test>\r\nDATA\r\n');
  await client.until('354');
  await client.reply();
  await room.directory.by('the test').accounts.setState('ben@office.test', 'closed');
  client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
  assert.match(await client.reply(), /^250 /);
  assert.match(await client.reply(), /^550 5\.2\.1 /);
  assert.equal((await room.inbox('ben')).length, 0);
});

test('where the setting says so, a detail names the folder, if there is one that is nothing special', async (t) => {
  const room = await mailRoom(t, { people: PEOPLE, detailFolders: true });
  await room.directory.by('the test').aliases.add('both@office.test', 'anna@office.test', 'ben@office.test');
  const { id } = await room.directory.account('anna@office.test');
  await room.store.mailboxes.create(id, 'Lists/Größe');
  const lists = (await room.store.mailboxes.list(id)).find(({ path }) => path === 'Lists')!;
  await send(room, 'lmtp', 'anna+LISTS');
  await send(room, 'smtp', 'anna+lists');
  for (const detail of ['trash', 'inbox', 'nothing', 'lists/nothing']) await send(room, 'lmtp', `anna+${detail}`);
  await send(room, 'lmtp', 'both+lists');
  const filed = async (path: string) => (await room.store.mailboxes.list(id)).find((one) => one.path === path)!.total;
  assert.deepEqual(await Promise.all(['Lists', 'Trash', 'INBOX', 'Lists/Größe'].map(filed)), [2, 0, 5, 0]);

  const client = await room.connect('lmtp'); // a folder that goes between RCPT and the message
  client.send('LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna+lists@office.test>\r\nDATA\r\n');
  await client.until('354');
  await client.reply();
  await room.store.mailboxes.delete(id, lists.id);
  await send(room, 'lmtp', 'anna+lists');
  client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
  assert.match(await client.reply(), /^250 /);
  assert.equal(await filed('INBOX'), 7);
});
