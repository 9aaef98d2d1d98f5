/** What the access policy says of POP3 and of sent mail, account by account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setRule } from '../../src/directory/access/rules.ts';
import type { PolicyName } from '../../src/directory/access/settings.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import { DOMAIN, type MailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';
import { type DeviceRoom, deviceRoom, letter } from './device-room.ts';

/** Before anybody of the account signs in. */
async function rule(room: MailRoom, person: string, setting: PolicyName, value: string): Promise<void> {
  const { id } = await room.directory.account(`${person}@${DOMAIN}`);
  await room.store.engine.write((tx) => setRule(tx, { scope: 'account', id }, setting, value));
}

async function folder(room: DeviceRoom, person: string, path: string) {
  const { id } = await room.directory.account(`${person}@${DOMAIN}`);
  return (await room.store.mailboxes.list(id)).find((each) => each.path === path);
}

test('what devices have let go leaves as the rule of their account has it', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.letGo': { kind: 'remove' } } });
  await rule(room, 'ben', 'pop3.letGo', 'folder:Archive');
  for (const person of ['anna', 'ben']) {
    await room.deliver(person, letter('Invoice'));
    await (await room.device('laptop', person)).fetch({ keep: false });
    assert.deepEqual(await room.inbox(person), []);
  }
  assert.equal((await folder(room, 'anna', 'Archive'))!.total, 0);
  assert.equal((await folder(room, 'ben', 'Archive'))!.total, 1);
});

test('housekeeping goes by the rule of each account', async (t) => {
  const room = await deviceRoom(t);
  await rule(room, 'anna', 'pop3.letGo', '30d');
  for (const person of ['anna', 'ben']) {
    await room.deliver(person, letter('Invoice'));
    await (await room.device('laptop', person)).fetch({ keep: true });
  }
  await room.age(31);
  await room.store.housekeep();
  assert.deepEqual((await room.inbox('anna')).length, 0);
  assert.deepEqual((await room.inbox('ben')).length, 1);
});

test('which folders POP3 shows, and whether it marks as read, is each account’s own', async (t) => {
  const room = await deviceRoom(t);
  await rule(room, 'anna', 'pop3.folders', 'Archive,INBOX');
  await rule(room, 'anna', 'pop3.seenByRetr', 'on');
  for (const person of ['anna', 'ben']) {
    await room.deliver(person, letter('Older'));
    await room.deliver(person, letter('Newer'));
    const { id: account } = await room.directory.account(`${person}@${DOMAIN}`);
    const inbox = { account, mailbox: INBOX };
    const view = await room.store.view(inbox);
    await room.store.messages.move(inbox, [view.uid(1)], {
      account,
      mailbox: (await folder(room, person, 'Archive'))!.id,
    });
  }
  assert.deepEqual(await (await room.device('laptop', 'anna')).fetch({ keep: true }), ['Newer', 'Older']);
  assert.deepEqual(await (await room.device('laptop', 'ben')).fetch({ keep: true }), ['Older']);
  assert.deepEqual(
    [(await folder(room, 'anna', 'INBOX'))!.unseen, (await folder(room, 'ben', 'INBOX'))!.unseen],
    [0, 1],
  );
});

test('EXPIRE is the least of all before sign-in, and one’s own after it', async (t) => {
  const room = await deviceRoom(t);
  const stranger = await room.connect('pop3');
  assert.match(await stranger.lines('CAPA'), /^EXPIRE NEVER\r$/m);
  await rule(room, 'anna', 'pop3.letGo', '7d');
  await rule(room, 'ben', 'pop3.letGo', '30d');
  await room.directory.by('the test').accounts.setDisplayName(`anna@${DOMAIN}`, 'Anna'); // a change: what was known of rules is read again
  assert.match(await stranger.lines('CAPA'), /^EXPIRE 7 USER\r$/m);
  const client = await (await room.device('laptop', 'ben')).open();
  assert.match(await client.lines('CAPA'), /^EXPIRE 30\r$/m);
});

/** Sends a letter of anna's to ben. */
async function submit(room: MailRoom, password: string): Promise<void> {
  const client = await room.connect('submission');
  await client.ask('EHLO laptop');
  const response = saslPlain(`anna@${DOMAIN}`, password);
  assert.match(await client.ask(`AUTH PLAIN ${response}`), /^235 /);
  await client.ask(`MAIL FROM:<anna@${DOMAIN}>`);
  await client.ask(`RCPT TO:<ben@${DOMAIN}>`);
  await client.ask('DATA');
  client.send(`From: anna@${DOMAIN}\r\nTo: ben@${DOMAIN}\r\nSubject: Hello\r\n\r\nHello.\r\n.\r\n`);
  assert.match(await client.reply(), /^250 /);
}

for (const [what, value, filed] of [
  ['is filed where nobody says otherwise', undefined, 1],
  ['is not filed for an account that is set so', 'off', 0],
] as const) {
  test(`what is sent ${what}`, async (t) => {
    const room = await deviceRoom(t);
    if (value !== undefined) await rule(room, 'anna', 'submission.fileSent', value);
    await submit(room, PASSWORD);
    assert.equal((await folder(room, 'anna', 'Sent'))!.total, filed);
    assert.equal((await room.inbox('ben')).length, 1);
  });
}

test('what a password sends that is for sending alone is not filed as the person’s', async (t) => {
  const room = await deviceRoom(t);
  const changes = room.directory.by('the test');
  const address = `anna@${DOMAIN}`;
  const scanner = await changes.appPasswords.add(address, { label: 'scanner', protocols: ['submission'] });
  const laptop = await changes.appPasswords.add(address, { label: 'laptop', protocols: ['pop3', 'submission'] });
  await submit(room, scanner.password);
  assert.equal((await folder(room, 'anna', 'Sent'))!.total, 0);
  await submit(room, laptop.password);
  assert.equal((await folder(room, 'anna', 'Sent'))!.total, 1);
});

test('a full mailbox keeps nobody from sending, and the copy is filed', async (t) => {
  const room = await deviceRoom(t, { quotas: { anna: 1 } });
  await submit(room, PASSWORD);
  assert.equal((await folder(room, 'anna', 'Sent'))!.total, 1);
  assert.equal((await room.inbox('ben')).length, 1);
});
