import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import type { MailboxId } from '../../src/store/ids.ts';
import type { ChangeEvent } from '../../src/store/types.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  diskUse,
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  temporaryStore,
  uidsIn,
} from './helpers.ts';

test('a new account has the folders everybody expects, subscribed, with their special uses', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const folders = (await store.mailboxes.list(anna)).map(({ path, role, subscribed }) => ({ path, role, subscribed }));
  assert.deepEqual(folders, [
    { path: 'INBOX', role: 'inbox', subscribed: true },
    { path: 'Archive', role: 'archive', subscribed: true },
    { path: 'Drafts', role: 'drafts', subscribed: true },
    { path: 'Junk', role: 'junk', subscribed: true },
    { path: 'Sent', role: 'sent', subscribed: true },
    { path: 'Trash', role: 'trash', subscribed: true },
  ]);
});

test('a message delivered to several people is stored once and comes back byte for byte with each one’s trace lines', async (t) => {
  const store = await temporaryStore(t);
  const people = [await newAccount(store, 'anna'), await newAccount(store, 'ben'), await newAccount(store, 'carla')];
  await deliver(store, people, 'minutes');
  const addresses = new Set<string>();
  for (const person of people) {
    assert.deepEqual(
      await bytesOf(store, inboxOf(person), 1),
      Buffer.concat([Buffer.from('Return-Path: <ben@office.test>\r\n'), message('minutes')]),
    );
    const view = await store.view(inboxOf(person));
    const [record] = await store.emails(person, [view.email(0)]);
    addresses.add(`${record!.body.segment}:${record!.body.offset}`);
  }
  assert.equal(addresses.size, 1);
});

test('whoever is over quota is refused in a delivery, and the others get theirs', async (t) => {
  const store = await temporaryStore(t);
  const small = await newAccount(store, 'small', 300);
  const large = await newAccount(store, 'large');
  const staged = await stage(store, message('picture', 5_000));
  const { outcomes } = await store.deliver(staged, [
    { account: small, prefix: Buffer.alloc(0) },
    { account: large, prefix: Buffer.alloc(0) },
  ]);
  assert.ok(outcomes[0] instanceof Refused && outcomes[0].code === 'quota.exceeded');
  assert.ok('uid' in outcomes[1]! && outcomes[1].uid === 1);
  assert.deepEqual(await uidsIn(store, inboxOf(small)), []);
  assert.deepEqual(await store.usage(small), { usedBytes: 0, messages: 0, quotaBytes: 300, retainedBytes: 0 });
});

test('a UID is never used twice, also after the last message has gone', async (t) => {
  const store = await temporaryStore(t);
  const inbox = inboxOf(await newAccount(store, 'anna'));
  assert.equal(await appendTo(store, inbox, 'one'), 1);
  const second = await appendTo(store, inbox, 'two');
  await store.messages.expunge(inbox, [second]);
  assert.equal(await appendTo(store, inbox, 'three'), 3);
});

test('appending several messages is all or none', async (t) => {
  const store = await temporaryStore(t);
  const inbox = inboxOf(await newAccount(store, 'anna', 1_000));
  const flags = flagsFrom([]);
  const both = [
    { staged: await stage(store, message('small')), flags },
    { staged: await stage(store, message('large', 2_000)), flags },
  ];
  await assert.rejects(store.append(inbox, both), { code: 'quota.exceeded' });
  assert.deepEqual(await uidsIn(store, inbox), []);
});

test('flags and keywords are added, removed and set; what stays the same keeps its modseq', async (t) => {
  const store = await temporaryStore(t);
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const uid = await appendTo(store, inbox, 'one', ['\\Seen', 'Project']);
  const before = (await store.view(inbox)).entry(0);
  assert.deepEqual(before.flags, flagsFrom(['\\Seen', 'Project']));

  const same = await store.messages.storeFlags(inbox, [uid], { how: 'add', flags: flagsFrom(['\\seen', 'PROJECT']) });
  assert.deepEqual(same.changed, []);
  assert.equal((await store.view(inbox)).entry(0).modseq, before.modseq);

  await store.messages.storeFlags(inbox, [uid], { how: 'remove', flags: flagsFrom(['project', '\\Seen']) });
  await store.messages.storeFlags(inbox, [uid], { how: 'add', flags: flagsFrom(['\\Flagged']) });
  const after = (await store.view(inbox)).entry(0);
  assert.deepEqual(after.flags, flagsFrom(['\\Flagged']));
  assert.ok(after.modseq > before.modseq);
});

test('a conditional change leaves messages alone that somebody else changed meanwhile', async (t) => {
  const store = await temporaryStore(t);
  const inbox = inboxOf(await newAccount(store, 'anna'));
  const first = await appendTo(store, inbox, 'one');
  const second = await appendTo(store, inbox, 'two');
  const known = (await store.view(inbox)).modseq;
  await store.messages.storeFlags(inbox, [first], { how: 'add', flags: flagsFrom(['\\Flagged']) });
  const stored = await store.messages.storeFlags(
    inbox,
    [first, second],
    { how: 'add', flags: flagsFrom(['\\Seen']) },
    { unchangedSince: known },
  );
  assert.deepEqual(stored.modified, [first]);
  assert.deepEqual(
    stored.changed.map(({ uid }) => uid),
    [second],
  );
});

test('a moved message keeps its unique id; a copy gets one of its own and shares the content', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const inbox = inboxOf(anna);
  const archive = await mailboxNamed(store, anna, 'Archive');
  const uid = await appendTo(store, inbox, 'one', ['\\Flagged']);
  const original = (await store.view(inbox)).entry(0);

  await store.messages.copy(inbox, [uid], archive);
  const copy = (await store.view(archive)).entry(0);
  assert.notEqual(copy.item, original.item);
  assert.equal(copy.email, original.email);

  const moved = await store.messages.move(inbox, [uid], archive);
  const view = await store.view(archive);
  const after = view.entry(view.indexOf(moved.uids[0]!));
  assert.equal(after.item, original.item);
  assert.deepEqual(after.flags, original.flags);
  assert.equal(after.received, original.received);
  assert.deepEqual(await uidsIn(store, inbox), []);
});

test('copying more than fits is refused whole', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna', 300);
  const uid = await appendTo(store, inboxOf(anna), 'one');
  const second = await appendTo(store, inboxOf(anna), 'two');
  const archive = await mailboxNamed(store, anna, 'Archive');
  await assert.rejects(store.messages.copy(inboxOf(anna), [uid, second], archive), { code: 'quota.exceeded' });
  assert.deepEqual(await uidsIn(store, archive), []);
});

test('thousands of messages are copied whole, in the worker, flagged and removed', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const inbox = inboxOf(anna);
  const archive = await mailboxNamed(store, anna, 'Archive');
  const uids = [await appendTo(store, inbox, 'seed')];
  while (uids.length < 2_400) uids.push(...(await store.messages.copy(inbox, uids.slice(0, 800), inbox)).uids);
  const all = await uidsIn(store, inbox);

  const copied = await store.messages.copy(inbox, all as typeof uids, archive);
  assert.equal(copied.uids.length, all.length);
  const flagged = await store.messages.storeFlags(archive, copied.uids, {
    how: 'add',
    flags: flagsFrom(['\\Deleted', '\\Seen']),
  });
  assert.equal(flagged.changed.length, all.length);
  assert.equal((await store.view(archive)).unseen, 0);
  const removed = await store.messages.expunge(archive, copied.uids, { onlyDeleted: true });
  assert.deepEqual(removed, copied.uids);
  assert.equal((await store.view(archive)).length, 0);
  assert.deepEqual((await store.verify()).findings, []);
});

test('folders are created with those above, renamed with those below, and deleted with their messages', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  await store.mailboxes.create(anna, 'Customers/North/Meier');
  const north = await mailboxNamed(store, anna, 'Customers/North');
  const meier = await mailboxNamed(store, anna, 'Customers/North/Meier');
  await appendTo(store, meier, 'offer');
  await store.mailboxes.rename(anna, north.mailbox, 'Partners/Süd');
  const paths = (await store.mailboxes.list(anna)).map((mailbox) => mailbox.path);
  assert.ok(paths.includes('Partners/Süd/Meier') && paths.includes('Customers') && !paths.includes('Customers/North'));
  assert.deepEqual(await uidsIn(store, meier), [1]);

  await store.mailboxes.delete(anna, (await mailboxNamed(store, anna, 'Partners')).mailbox);
  const partners = (await store.mailboxes.list(anna)).find((mailbox) => mailbox.path === 'Partners');
  assert.equal(partners?.selectable, false, 'a folder with others below stays as a place');
  await store.mailboxes.delete(anna, meier.mailbox);
  await assert.rejects(store.view(meier), { code: 'mailbox.missing' });
  assert.ok((await store.usage(anna)).usedBytes === 0);
  assert.deepEqual((await store.verify()).findings, []);
});

test('names that can’t be folders are refused with a reason', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  for (const path of ['', '/', 'a//b', '/a', 'a\0b', 'a\nb', 'x'.repeat(300), `${'d/'.repeat(60)}e`]) {
    await assert.rejects(
      store.mailboxes.create(anna, path),
      { code: 'mailbox.forbidden' },
      JSON.stringify(path.slice(0, 20)),
    );
  }
  for (const path of ['INBOX', 'inbox', 'Sent']) {
    await assert.rejects(store.mailboxes.create(anna, path), { code: 'mailbox.exists' }, path);
  }
  await assert.rejects(store.mailboxes.delete(anna, 1 as MailboxId), { code: 'mailbox.forbidden' });
  await assert.rejects(store.mailboxes.delete(anna, 999 as MailboxId), { code: 'mailbox.missing' });
});

test('renaming INBOX moves its messages and leaves it there, empty', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  await appendTo(store, inboxOf(anna), 'old');
  await store.mailboxes.rename(anna, 1 as MailboxId, '2025');
  assert.deepEqual(await uidsIn(store, inboxOf(anna)), []);
  assert.deepEqual(await uidsIn(store, await mailboxNamed(store, anna, '2025')), [1]);
});

test('a folder made anew under an old name has another UIDVALIDITY', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const first = await store.mailboxes.create(anna, 'Work');
  await store.mailboxes.delete(anna, first.id);
  const second = await store.mailboxes.create(anna, 'Work');
  assert.ok(second.uidvalidity > first.uidvalidity);
});

test('a change is told to who listens to the account, once it is durable, and to nobody else', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  const heard: ChangeEvent[] = [];
  const stop = store.subscribe(anna, (event) => heard.push(event));
  await deliver(store, ben, 'for ben');
  assert.equal(heard.length, 0);
  await deliver(store, anna, 'for anna');
  assert.deepEqual(
    heard.map(({ account, mailboxes, hierarchy }) => ({ account, mailboxes: [...mailboxes], hierarchy })),
    [{ account: anna, mailboxes: [1], hierarchy: false }],
  );
  await store.mailboxes.create(anna, 'New');
  assert.equal(heard.at(-1)?.hierarchy, true);
  stop();
  await deliver(store, anna, 'unheard');
  assert.equal(heard.length, 2);
});

test('replies join the thread of what they answer, unless the subject is another', async (t) => {
  const store = await temporaryStore(t);
  const anna = await newAccount(store, 'anna');
  const threads: number[] = [];
  const texts = [
    'Message-ID: <1@x.test>\r\nSubject: Budget\r\n\r\n',
    'Message-ID: <2@x.test>\r\nReferences: <1@x.test>\r\nSubject: Re: Budget\r\n\r\n',
    'Message-ID: <3@x.test>\r\nIn-Reply-To: <2@x.test>\r\nSubject: RE: budget\r\n\r\n',
    'Message-ID: <4@x.test>\r\nIn-Reply-To: <3@x.test>\r\nSubject: Lunch\r\n\r\n',
  ];
  for (const text of texts) {
    const staged = await stage(store, Buffer.from(text));
    const { uids } = await store.append(inboxOf(anna), [{ staged, flags: flagsFrom([]) }]);
    const view = await store.view(inboxOf(anna));
    const [record] = await store.emails(anna, [view.email(view.indexOf(uids[0]!))]);
    threads.push(record!.thread);
  }
  assert.equal(threads[0], threads[1]);
  assert.equal(threads[0], threads[2]);
  assert.notEqual(threads[0], threads[3]);
});

test('a large message streams into a segment of its own, which goes when nobody takes the message', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna', 1_000);
  const ben = await newAccount(store, 'ben');
  const bytes = message('film', 5_000_000);
  await deliverBytes(bytes, anna);
  assert.deepEqual(await uidsIn(store, inboxOf(anna)), []);
  assert.ok((await diskUse(folder)) > 5_000_000);
  await store.housekeep();
  assert.equal(await diskUse(folder), 0);
  await deliverBytes(bytes, ben);
  assert.deepEqual(await bytesOf(store, inboxOf(ben), 1), bytes);

  async function deliverBytes(content: Buffer, account: typeof anna): Promise<void> {
    await store.deliver(await stage(store, content), [{ account, prefix: Buffer.alloc(0) }]);
  }
});

test('a message beyond the limit is refused while it comes in', async (t) => {
  const store = await temporaryStore(t);
  const staging = store.stage(100);
  assert.throws(() => staging.write(Buffer.alloc(101)), { code: 'message.too-large' });
});

test('two processes never share a data directory, and the second is told who has it', async (t) => {
  const folder = await temporaryFolder(t);
  await openStore(t, folder, { command: 'serve' });
  await assert.rejects(openStore(t, folder), (error: unknown) => {
    assert.ok(error instanceof Refused && error.code === 'store.locked');
    assert.match(error.message, /rainmail serve.*process \d+/);
    return true;
  });
});

test('on a disk that is nearly full new mail is refused for now, while reading and deleting go on', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await openStore(t, folder);
  const anna = await newAccount(first, 'anna');
  const uid = await appendTo(first, inboxOf(anna), 'one');
  await first.close();

  const store = await openStore(t, folder, { diskWatermarkBytes: Number.MAX_SAFE_INTEGER });
  assert.equal(store.diskLow, true);
  assert.throws(() => store.stage(1_000), { code: 'store.full' });
  assert.deepEqual(await bytesOf(store, inboxOf(anna), uid), message('one'));
  assert.deepEqual(await store.messages.expunge(inboxOf(anna), [uid]), [uid]);
});
