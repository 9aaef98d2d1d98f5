/** A view for each device: what one deletes is there for the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagsFrom } from '../../src/store/flags.ts';
import type { Uid } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import type { Client } from '../helpers/mail-room.ts';
import { type DeviceRoom, deviceRoom, letter } from './device-room.ts';

const REMOVE = { policy: { 'pop3.letGo': { kind: 'remove' } } } as const;

async function deliver(room: DeviceRoom, ...subjects: string[]): Promise<void> {
  for (const subject of subjects) await room.deliver('anna', letter(subject));
}

async function inboxUids(room: DeviceRoom): Promise<Uid[]> {
  const view = await room.store.view({ account: room.account, mailbox: INBOX });
  return Array.from({ length: view.length }, (_, index) => view.uid(index));
}

test('a message deleted by the laptop is still there for the phone', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const [laptop, phone] = [await room.device('laptop'), await room.device('phone')];
  await phone.sees();
  await deliver(room, 'Invoice', 'Lunch');
  assert.deepEqual(await laptop.fetch({ keep: false }), ['Invoice', 'Lunch']);
  assert.deepEqual(await laptop.sees(), []);
  assert.deepEqual(await phone.sees(), ['Invoice', 'Lunch']);
});

test('it leaves the mailbox when every device has let it go, and can be brought back', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const [laptop, phone] = [await room.device('laptop'), await room.device('phone')];
  await phone.sees();
  await deliver(room, 'Invoice', 'Lunch');
  await laptop.fetch({ keep: false });
  await phone.session(async (client) => client.ask('DELE 1'));
  assert.deepEqual(await room.subjects(), ['Lunch']);
  assert.deepEqual(await phone.sees(), ['Lunch']);
  const chosen = await room.store.retained.choose(room.account, {}, {});
  await room.store.retained.restore(room.account, chosen, {});
  assert.deepEqual((await room.subjects()).sort(), ['Invoice', 'Lunch']);
  // For those too that had deleted it.
  assert.deepEqual(await laptop.sees(), ['Invoice']);
  assert.deepEqual(await phone.sees(), ['Lunch', 'Invoice']);
});

test('where IMAP is used a device’s delete only hides', async (t) => {
  const room = await deviceRoom(t);
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  assert.deepEqual(await laptop.sees(), []);
  assert.deepEqual(await room.subjects(), ['Invoice']);
});

test('what every device has let go goes to the folder that the office has for it', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.letGo': { kind: 'move', folder: 'Archive/POP3' } } });
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  assert.deepEqual(await room.subjects(), []);
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive/POP3');
  assert.equal(archive?.total, 1);
});

test('with one password for all, deleting deletes', async (t) => {
  const room = await deviceRoom(t);
  await deliver(room, 'Invoice', 'Lunch');
  await room.shared.session(async (client) => client.ask('DELE 1'));
  assert.deepEqual(await room.subjects(), ['Lunch']);
});

test('the shared password is a device, too, once there is another: neither loses by the other', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  await room.shared.sees();
  const phone = await room.device('phone');
  await deliver(room, 'Invoice');
  assert.deepEqual(await phone.fetch({ keep: false }), ['Invoice']);
  assert.deepEqual(await room.shared.fetch({ keep: false }), ['Invoice']);
  assert.deepEqual(await room.subjects(), []);
});

test('the shared password is a device, too, when another appears during its session', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  await deliver(room, 'Invoice');
  const shared = await room.shared.open();
  await shared.ask('DELE 1');
  const phone = await room.device('phone');
  assert.deepEqual(await phone.sees(), ['Invoice']);
  assert.match(await shared.ask('QUIT'), /^\+OK /);
  assert.deepEqual(await phone.sees(), ['Invoice']);
  assert.deepEqual(await room.shared.sees(), []);
});

test('the shared password stays a device when the other is revoked: what it has let go is not shown again', async (t) => {
  const room = await deviceRoom(t);
  const phone = await room.device('phone');
  await phone.sees();
  await deliver(room, 'Invoice', 'Lunch');
  await room.shared.session(async (client) => client.ask('DELE 1'));
  await room.directory.by('the test').appPasswords.revoke('anna@office.test', 'phone');
  assert.deepEqual(await room.shared.sees(), ['Lunch']);
  assert.deepEqual(await room.subjects(), ['Invoice', 'Lunch']);
});

test('a new device sees all that is on the server', async (t) => {
  const room = await deviceRoom(t);
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  assert.deepEqual(await (await room.device('phone')).sees(), ['Invoice']);
});

test('a device keeps its view when a message is moved away and comes back', async (t) => {
  const room = await deviceRoom(t);
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
  const inbox = { account: room.account, mailbox: INBOX };
  const there = { account: room.account, mailbox: archive.id };
  const { uids } = await room.store.messages.move(inbox, await inboxUids(room), there);
  await room.store.messages.move(there, uids, inbox);
  assert.deepEqual(await laptop.sees(), []);
});

test('a silent device holds nothing any more, and a message that nobody has had stays', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const [laptop, phone] = [await room.device('laptop'), await room.device('phone')];
  await phone.sees();
  await deliver(room, 'Invoice', 'Lunch');
  await laptop.session(async (client) => client.ask('DELE 1'));
  await room.silence(phone);
  const [, shown] = await room.store.devices.list(room.account);
  assert.ok(room.store.devices.isSilent(shown!));
  await room.store.housekeep();
  assert.deepEqual(await room.subjects(), ['Lunch']);
  await room.silence(laptop);
  await room.store.devices.settle(() => false);
  assert.deepEqual(await room.subjects(), ['Lunch']);
});

test('days after every device has had it a message leaves; what one has not had stays for ever', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.letGo': { kind: 'after', seconds: 30 * 86_400 } } });
  const [laptop, phone] = [await room.device('laptop'), await room.device('phone')];
  await phone.sees();
  await deliver(room, 'Invoice', 'Lunch');
  await laptop.fetch({ keep: true });
  await phone.session(async (client) => client.lines('RETR 1'));
  await room.age(31);
  await room.store.housekeep();
  assert.deepEqual(await room.subjects(), ['Lunch']);
});

test('a device that is revoked holds nothing', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const [laptop, phone] = [await room.device('laptop'), await room.device('phone')];
  await phone.sees();
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  await room.directory.by('the test').appPasswords.revoke('anna@office.test', 'phone');
  await room.store.housekeep();
  assert.deepEqual(await room.subjects(), []);
});

test('a start date hides what came before, and such messages are held by nobody who may not see them', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const laptop = await room.device('laptop');
  const inbox = { account: room.account, mailbox: INBOX };
  const stage = room.store.stage(1_000);
  await stage.write(Buffer.from('Subject: Old\r\n\r\nx\r\n'));
  await room.store.append(inbox, [{ staged: await stage.finish(), flags: flagsFrom([]), received: 1_000_000_000 }]);
  await deliver(room, 'New');
  await room.store.devices.setStart(room.account, laptop.id, 1_500_000_000, async () => {});
  assert.deepEqual(await laptop.sees(), ['New']);
  const phone = await room.device('phone');
  await phone.session(async (client) => client.ask('DELE 1'));
  assert.deepEqual(await room.subjects(), ['New']);
});

test('a connection that breaks lets nothing go; what was retrieved is known to be', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.letGo': { kind: 'after', seconds: 86_400 } } });
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  const client = await laptop.open();
  await client.lines('RETR 1');
  await client.ask('DELE 1');
  client.socket.destroy();
  assert.deepEqual(await laptop.sees(), ['Invoice']);
});

test('DELE of what was moved or removed meanwhile succeeds, and leaves the moved one', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const laptop = await room.device('laptop');
  await deliver(room, 'Moved', 'Gone', 'Stays');
  const client = await laptop.open();
  await client.ask('DELE 1');
  await client.ask('DELE 2');
  const [moved, gone] = await inboxUids(room);
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
  const inbox = { account: room.account, mailbox: INBOX };
  await room.store.messages.move(inbox, [moved!], { account: room.account, mailbox: archive.id });
  await room.store.messages.expunge(inbox, [gone!]);
  assert.match(await client.ask('QUIT'), /^\+OK /);
  assert.equal((await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!.total, 1);
  assert.deepEqual(await room.subjects(), ['Stays']);
});

for (const who of ['a device', 'the shared password'] as const) {
  test(`what was moved away while ${who} deleted it is not shown to it again when it comes back`, async (t) => {
    const room = await deviceRoom(t);
    const device = who === 'a device' ? await room.device('laptop') : room.shared;
    await deliver(room, 'Moved', 'Stays');
    const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
    const inbox = { account: room.account, mailbox: INBOX };
    const there = { account: room.account, mailbox: archive.id };
    const client = await device.open();
    await client.ask('DELE 1');
    const { uids } = await room.store.messages.move(inbox, [(await inboxUids(room))[0]!], there);
    assert.match(await client.ask('QUIT'), /^\+OK /);
    await room.store.messages.move(there, uids, inbox);
    assert.deepEqual(await device.sees(), ['Stays']);
    assert.deepEqual((await room.subjects()).sort(), ['Moved', 'Stays']);
  });
}

test('a message that was away and back while a device deleted it is deleted', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
  const inbox = { account: room.account, mailbox: INBOX };
  const there = { account: room.account, mailbox: archive.id };
  const client = await laptop.open();
  await client.ask('DELE 1');
  const { uids } = await room.store.messages.move(inbox, await inboxUids(room), there);
  await room.store.messages.move(there, uids, inbox);
  assert.match(await client.ask('QUIT'), /^\+OK /);
  assert.deepEqual(await room.subjects(), []);
});

test('what somebody takes back from the folder for what devices have let go stays where they put it', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.letGo': { kind: 'move', folder: 'Archive' } } });
  const laptop = await room.device('laptop');
  await deliver(room, 'Invoice');
  await laptop.fetch({ keep: false });
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
  const there = { account: room.account, mailbox: archive.id };
  const view = await room.store.view(there);
  await room.store.messages.move(there, [view.uid(0)], { account: room.account, mailbox: INBOX });
  await room.store.devices.settle(() => false);
  assert.deepEqual(await room.subjects(), ['Invoice']);
});

test('one password in two programs at once is noticed, a line that broke is not', async (t) => {
  const room = await deviceRoom(t);
  const laptop = await room.device('laptop');
  const broken = await laptop.open();
  const again = await laptop.open();
  await again.ask('NOOP');
  await again.ask('QUIT');
  await broken.ask('QUIT');
  assert.deepEqual(room.sharedDevices, []);
  const first = await laptop.open();
  await laptop.open();
  await first.ask('NOOP');
  await first.ask('NOOP');
  assert.deepEqual(room.sharedDevices, [laptop.id]);
});

test('several folders are one list, each message once, and QUIT removes from each', async (t) => {
  const room = await deviceRoom(t, { policy: { 'pop3.folders': ['INBOX', 'Archive', 'Nowhere'] } });
  await deliver(room, 'One', 'Two', 'Three');
  const [first] = await inboxUids(room);
  const archive = (await room.store.mailboxes.list(room.account)).find(({ path }) => path === 'Archive')!;
  const there = { account: room.account, mailbox: archive.id };
  await room.store.messages.move({ account: room.account, mailbox: INBOX }, [first!], there);
  const subjects = (client: Client) => client.lines('UIDL');
  const before = await room.shared.session(subjects);
  assert.equal(before.split('\r\n').length, 4);
  assert.deepEqual(await room.shared.sees(), ['Two', 'Three', 'One']);
  await room.shared.session(async (client) => {
    await client.ask('DELE 1');
    await client.ask('DELE 3');
  });
  assert.deepEqual(await room.shared.sees(), ['Three']);
});

test('RETR marks as seen where the office wants it, and TOP never does', async (t) => {
  for (const seenByRetr of [true, false]) {
    const room = await deviceRoom(t, { policy: { 'pop3.seenByRetr': seenByRetr } });
    await deliver(room, 'One', 'Two');
    await room.shared.session(async (client) => {
      await client.lines('RETR 1');
      await client.lines('TOP 2 100');
    });
    await room.shared.sees();
    const view = await room.store.view({ account: room.account, mailbox: INBOX });
    assert.equal(view.unseen, seenByRetr ? 1 : 2);
  }
});

test('LOGIN-DELAY is announced and kept only where it is configured', async (t) => {
  const room = await deviceRoom(t, {
    loginDelay: 3_600_000,
    policy: { 'pop3.letGo': { kind: 'after', seconds: 30 * 86_400 } },
  });
  const client = await room.shared.open();
  assert.match(await client.lines('CAPA'), /^EXPIRE 30\r\nLOGIN-DELAY 3600\r$/m);
  await client.ask('QUIT');
  const second = await room.connect('pop3');
  await second.ask('USER anna@office.test');
  assert.match(await second.ask('PASS correct horse battery'), /^-ERR \[LOGIN-DELAY\] /);
});

test('thousands of messages are let go by one QUIT, whole', async (t) => {
  const room = await deviceRoom(t, REMOVE);
  const laptop = await room.device('laptop');
  await laptop.sees();
  const inbox = { account: room.account, mailbox: INBOX };
  const staged = [];
  for (let number = 0; number < 1_500; number += 1) {
    const stage = room.store.stage(1_000);
    await stage.write(Buffer.from(`Subject: ${number}\r\n\r\nx\r\n`));
    staged.push({ staged: await stage.finish(), flags: flagsFrom([]) });
  }
  await room.store.append(inbox, staged);
  await laptop.session(async (client) => {
    for (let number = 1; number <= 1_500; number += 1) await client.ask(`DELE ${number}`);
  });
  assert.deepEqual(await room.subjects(), []);
  assert.deepEqual((await room.store.verify()).findings, []);
});
