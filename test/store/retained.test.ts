import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import { nowSeconds, type Uid } from '../../src/store/ids.ts';
import type { FoundMessage } from '../../src/store/retained.ts';
import type { MailStore } from '../../src/store/store.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  stage,
  temporaryStore,
  uidsIn,
} from './helpers.ts';
import { appendMany, assertWhole, found, offered, restore } from './retained-helpers.ts';

/** What a mailbox shows, without what must change. */
async function contents(store: MailStore, key: MailboxKey) {
  const view = await store.view(key);
  return Array.from({ length: view.length }, (_, index) => {
    const { uid: _uid, modseq: _modseq, flags, ...same } = view.entry(index);
    return { ...same, flags: flagNames(flags), uidl: view.uidl(index) };
  });
}

test('a message comes back as it was, with a new UID', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const archive = await mailboxNamed(store, account, 'Archive');
  await appendTo(store, archive, 'first');
  const { uids } = await store.append(archive, [
    {
      staged: await stage(store, message('second')),
      flags: flagsFrom(['\\Seen', '\\Flagged', 'Invoice']),
      received: 1_600_000_000,
      uidl: 'from-the-old-server',
    },
  ]);
  const before = await contents(store, archive);
  const { modseq } = await store.view(archive);
  await store.messages.storeFlags(archive, uids, { how: 'add', flags: flagsFrom(['\\Deleted']) });
  await store.messages.expunge(archive, uids, { onlyDeleted: true });
  assert.equal((await store.usage(account)).messages, 1);

  const restored = await restore(store, account);
  assert.deepEqual(restored, {
    messages: 1,
    bytes: message('second').length,
    folders: [{ path: 'Archive', messages: 1 }],
  });
  // Not \Deleted: the next EXPUNGE would take it away again.
  assert.deepEqual(await contents(store, archive), before);
  const [, uid] = await uidsIn(store, archive);
  assert.ok(uid! > uids[0]!, 'a UID is never given twice');
  const view = await store.view(archive);
  assert.ok(view.modseqOf(1) > modseq);
  assert.ok(view.modseqOf(0) <= modseq, 'the other one did not change');
  assert.deepEqual(await bytesOf(store, archive, uid!), message('second'));
  assert.deepEqual(await found(store, account), []);
  await assertWhole(store);
});

test('what is delivered again to POP3 clients is a new item of the same email', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const { uids } = await store.append(inbox, [
    { staged: await stage(store, message('a')), flags: flagsFrom([]), uidl: 'old' },
  ]);
  const [before] = await contents(store, inbox);
  await store.messages.expunge(inbox, uids);
  await restore(store, account, { redeliver: true });
  const [after] = await contents(store, inbox);
  assert.equal(after!.email, before!.email);
  assert.notEqual(after!.item, before!.item);
  assert.notEqual(after!.uidl, before!.uidl);
  await assertWhole(store);
});

test('a deleted tree of folders comes back with its names and special uses, and is subscribed to', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const years = await store.mailboxes.create(account, 'Clients/Müller/2025');
  const flagged = await store.mailboxes.create(account, 'Clients/Müller/Flagged', 'flagged');
  const clients = await mailboxNamed(store, account, 'Clients');
  const sent = await mailboxNamed(store, account, 'Sent');
  await appendTo(store, { account, mailbox: years.id }, 'deep');
  await appendTo(store, { account, mailbox: flagged.id }, 'flagged');
  await appendTo(store, clients, 'top');
  await appendTo(store, sent, 'sent');
  const muller = await mailboxNamed(store, account, 'Clients/Müller');
  for (const mailbox of [years.id, flagged.id, muller.mailbox, clients.mailbox, sent.mailbox]) {
    await store.mailboxes.delete(account, mailbox);
  }

  const { folders } = await restore(store, account);
  assert.deepEqual(folders.map(({ path }) => path).sort(), [
    'Clients',
    'Clients/Müller/2025',
    'Clients/Müller/Flagged',
    'Sent',
  ]);
  const mailboxes = await store.mailboxes.list(account);
  const back = mailboxes.filter(({ path }) => /^(Clients|Sent)/.test(path));
  assert.deepEqual(
    back.map(({ path, role, total }) => ({ path, role, total })),
    [
      { path: 'Clients', role: null, total: 1 },
      { path: 'Clients/Müller', role: null, total: 0 },
      { path: 'Clients/Müller/2025', role: null, total: 1 },
      { path: 'Clients/Müller/Flagged', role: 'flagged', total: 1 },
      { path: 'Sent', role: 'sent', total: 1 },
    ],
  );
  assert.ok(back.every(({ subscribed, total }) => subscribed || total === 0));
  await assertWhole(store);
});

test('a special use that another folder has by now stays there', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const sent = await mailboxNamed(store, account, 'Sent');
  await appendTo(store, sent, 'sent');
  await store.mailboxes.delete(account, sent.mailbox);
  await store.mailboxes.create(account, 'Gesendet', 'sent');
  await restore(store, account);
  const roles = (await store.mailboxes.list(account)).filter(({ path }) => /Sent|Gesendet/.test(path));
  assert.deepEqual(
    roles.map(({ path, role, total }) => [path, role, total]),
    [
      ['Gesendet', 'sent', 0],
      ['Sent', null, 1],
    ],
  );
});

test('messages come back below folders that have another name by now', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const plans = await store.mailboxes.create(account, 'Projects/Bridge/Plans');
  const bridge = await mailboxNamed(store, account, 'Projects/Bridge');
  const projects = await mailboxNamed(store, account, 'Projects');
  const { uids } = await store.append(bridge, [
    { staged: await stage(store, message('kept folder')), flags: flagsFrom([]) },
  ]);
  await store.messages.expunge(bridge, uids);
  await appendTo(store, { account, mailbox: plans.id }, 'plan');
  await store.mailboxes.delete(account, plans.id);
  await store.mailboxes.rename(account, bridge.mailbox, 'Projects/Tunnel');
  await store.mailboxes.rename(account, projects.mailbox, 'Done');

  assert.deepEqual(await offered(store, account, { folder: 'Projects' }), ['plan', 'kept folder']);
  assert.deepEqual(await offered(store, account, { folder: 'Done/Tunnel' }), ['plan', 'kept folder']);
  const { folders } = await restore(store, account);
  assert.deepEqual(folders.map(({ path }) => path).sort(), ['Done/Tunnel', 'Done/Tunnel/Plans']);
  assert.equal((await store.mailboxes.list(account)).filter(({ path }) => path.startsWith('Projects')).length, 0);
  await assertWhole(store);
});

test('a deleted folder comes back as itself, so that no program takes it for another', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  await store.mailboxes.create(account, 'A/B');
  const named = async (path: string) => (await store.mailboxes.list(account)).find((mailbox) => mailbox.path === path)!;
  for (const path of ['A/B', 'A']) await appendTo(store, await mailboxNamed(store, account, path), `in ${path}`);
  const [a, b] = [await named('A'), await named('A/B')];
  const { modseq } = await store.view({ account, mailbox: b.id });
  // Once with A as a place that stays for B, once with both gone.
  for (const paths of [['A'], ['A/B', 'A']]) {
    for (const path of paths) await store.mailboxes.delete(account, (await named(path)).id);
    await restore(store, account);
  }
  const identity = ({ id, uidvalidity, total, selectable }: typeof a) => ({ id, uidvalidity, total, selectable });
  assert.deepEqual([identity(await named('A')), identity(await named('A/B'))], [identity(a), identity(b)]);
  assert.deepEqual(await uidsIn(store, { account, mailbox: a.id }), [3], 'never a UID twice');
  assert.deepEqual(await uidsIn(store, { account, mailbox: b.id }), [2]);
  assert.deepEqual(await store.expungedSince({ account, mailbox: b.id }, modseq), [1], 'who knew it hears what went');
  await assertWhole(store);
});

test('hundreds of deleted folders come back a few in each transaction', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const names = Array.from({ length: 100 }, (_, index) => `Lists/${index % 5}/${index}`);
  for (const name of names) {
    const { id } = await store.mailboxes.create(account, name);
    await appendTo(store, { account, mailbox: id }, name);
  }
  for (const { id, total } of (await store.mailboxes.list(account)).toReversed()) {
    if (total > 0) await store.mailboxes.delete(account, id);
  }
  const chosen = await store.retained.choose(account, {}, {});
  const reports: number[] = [];
  const { messages, folders } = await store.retained.restore(
    account,
    chosen,
    {},
    {
      onProgress: ({ done }) => reports.push(done),
    },
  );
  assert.equal(messages, 100);
  assert.deepEqual(folders.map(({ path }) => path).sort(), names.toSorted());
  assert.ok(reports.length >= 100 / 8, `${reports.length} transactions`);
  assert.equal(reports.at(-1), 100);
  await assertWhole(store);
});

test('a folder that was made anew meanwhile takes the messages of the one that was deleted', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  for (const subject of ['first', 'second']) {
    const { id } = await store.mailboxes.create(account, 'A');
    await appendTo(store, { account, mailbox: id }, subject);
    await store.mailboxes.delete(account, id);
  }
  const third = await store.mailboxes.create(account, 'A');
  await restore(store, account);
  const all = (await store.mailboxes.list(account)).filter(({ path }) => path === 'A');
  assert.deepEqual(
    all.map(({ id, uidvalidity, total }) => [id, uidvalidity, total]),
    [[third.id, third.uidvalidity, 2]],
  );
  await assertWhole(store);
});

test('all can be put into one folder, whatever case INBOX is written in', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const sent = await mailboxNamed(store, account, 'Sent');
  for (const key of [inboxOf(account), sent])
    await store.messages.expunge(key, [await appendTo(store, key, `in ${key.mailbox}`)]);
  assert.deepEqual((await restore(store, account, { to: 'Rescued/Today', filter: { folder: 'inbox' } })).folders, [
    { path: 'Rescued/Today', messages: 1 },
  ]);
  assert.deepEqual((await restore(store, account, { to: 'Inbox' })).folders, [{ path: 'INBOX', messages: 1 }]);
  await assertWhole(store);
});

test('moving retains nothing; what was copied and then expunged is offered only when asked for', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const trash = await mailboxNamed(store, account, 'Trash');
  const moved = await appendTo(store, inbox, 'moved');
  await store.messages.move(inbox, [moved], trash);
  assert.deepEqual(await found(store, account), []);

  const copied = await appendTo(store, inbox, 'copied');
  const { uids } = await store.messages.copy(inbox, [copied], trash);
  await store.messages.expunge(inbox, [copied]);
  assert.deepEqual(await offered(store, account), []);
  assert.deepEqual(await offered(store, account, {}, { copies: true }), ['copied']);
  assert.deepEqual((await store.retained.choose(account, {}, {})).leftOut, { copies: 1, drafts: 0 });
  // Named by its id it is asked for.
  const [{ item }] = (await found(store, account)) as [FoundMessage];
  assert.deepEqual(await offered(store, account, { items: [item] }), ['copied']);

  await store.messages.expunge(trash, uids);
  assert.deepEqual(await offered(store, account), ['copied', 'copied'], 'both places lost it');
  assert.deepEqual((await restore(store, account)).folders.map(({ path }) => path).sort(), ['INBOX', 'Trash']);
  await assertWhole(store);
});

test('of a draft only the last version is offered, and none when it was sent', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const drafts = await mailboxNamed(store, account, 'Drafts');
  const sent = await mailboxNamed(store, account, 'Sent');
  const draft = (id: string, text: string) =>
    Buffer.from(`Message-ID: <${id}@office.test>\r\nSubject: ${text}\r\n\r\n${text}\r\n`);
  const save = async (key: MailboxKey, id: string, text: string, flags: string[]): Promise<Uid> => {
    const staged = await stage(store, draft(id, text));
    return (await store.append(key, [{ staged, flags: flagsFrom(flags) }])).uids[0]!;
  };
  for (const text of ['Offer, 1', 'Offer, 2', 'Offer, 3']) {
    await store.messages.expunge(drafts, [await save(drafts, 'offer', text, ['\\Draft'])]);
  }
  assert.deepEqual(await offered(store, account), ['Offer, 3']);
  assert.deepEqual((await store.retained.choose(account, {}, {})).leftOut, { copies: 0, drafts: 2 });
  assert.deepEqual(await offered(store, account, {}, { drafts: true }), ['Offer, 3', 'Offer, 2', 'Offer, 1']);

  // Elsewhere than in Drafts the flag tells.
  const inbox = inboxOf(account);
  await store.messages.expunge(inbox, [await save(inbox, 'note', 'Note, 1', ['\\Draft'])]);
  await save(inbox, 'note', 'Note, 2', ['\\Draft']);
  // Mail that is no draft is never superseded, though its Message-ID came twice.
  await store.messages.expunge(inbox, [await save(inbox, 'list', 'List mail', [])]);
  await save(inbox, 'list', 'List mail again', []);
  assert.deepEqual(await offered(store, account), ['List mail', 'Offer, 3']);
  await save(sent, 'offer', 'Offer', []);
  assert.deepEqual(await offered(store, account), ['List mail']);
});

test('the copy in Sent that a mail program replaced by its own is not offered; one that was deleted is', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const sent = await mailboxNamed(store, account, 'Sent');
  const servers = await appendTo(store, sent, 'offer', ['\\Seen']);
  await appendTo(store, sent, 'offer', ['\\Seen']);
  await store.messages.expunge(sent, [servers]);
  assert.deepEqual(await offered(store, account), []);

  // To herself: the copy in INBOX is another message, though its Message-ID is the same.
  const toHerself = await appendTo(store, sent, 'note');
  await deliver(store, account, 'note');
  await store.messages.expunge(sent, [toHerself]);
  assert.deepEqual(await offered(store, account), ['note']);
  assert.deepEqual(await offered(store, account, {}, { drafts: true }), ['note', 'offer']);
});

test('a query looks at people, subject, first words and Message-ID, in any case', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const mail = [
    'From: "Jürgen Groß" <jg@example.org>\r\nTo: anna@office.test\r\nCc: Ben <ben@office.test>\r\nSubject: =?UTF-8?Q?Stra=C3=9Fe?=\r\nMessage-ID: <4711@example.org>\r\n\r\nThe road is closed.\r\n',
    'From: nil@example.org\r\nTo: anna@office.test\r\nSubject: Lunch\r\n\r\nAt noon?\r\n',
  ];
  for (const text of mail) {
    const { uids } = await store.append(inboxOf(account), [
      { staged: await stage(store, Buffer.from(text)), flags: flagsFrom([]) },
    ]);
    await store.messages.expunge(inboxOf(account), uids);
  }
  const matching = (query: string) => offered(store, account, { query });
  for (const query of ['STRASSE', 'groß jürgen', 'jg@example.org', 'ben@office', '4711@', 'road CLOSED', '  ']) {
    assert.ok((await matching(query)).includes('Straße'), query);
  }
  assert.deepEqual(await matching('nil'), ['Lunch'], 'not the NIL of IMAP');
  assert.deepEqual(await matching('road lunch'), [], 'all words in one message');
});

test('the list goes from the last removed to the first, over many pages', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  const uids = await appendMany(store, inbox, 1_203);
  await store.messages.expunge(inbox, uids);
  const all = await found(store, account);
  assert.equal(new Set(all.map(({ item }) => item)).size, 1_203);
  assert.deepEqual(
    all.map(({ item }) => item),
    all.map(({ item }) => item).toSorted((a, b) => b - a),
  );
  const now = nowSeconds();
  assert.equal((await found(store, account, { since: now - 3_600 })).length, 1_203);
  assert.equal((await found(store, account, { since: now + 60 })).length, 0);

  const reports: number[] = [];
  const chosen = await store.retained.choose(account, {}, {});
  await store.retained.restore(account, chosen, {}, { onProgress: ({ done }) => reports.push(done) });
  assert.deepEqual(reports, [1_000, 1_203], 'in chunks');
  const restored = (await contents(store, inbox)).map(({ item }) => item);
  assert.deepEqual(
    restored,
    restored.toSorted((a, b) => a - b),
    'in the order in which they once came',
  );
  assert.equal(restored.length, 1_203);
  await assertWhole(store);
});

test('a restore that was stopped goes on where it was, and one that runs twice brings nothing twice', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const inbox = inboxOf(account);
  await store.messages.expunge(inbox, await appendMany(store, inbox, 1_500));
  const chosen = await store.retained.choose(account, {}, {});
  const stop = new AbortController();
  await store.retained.restore(account, chosen, {}, { onProgress: () => stop.abort(), signal: stop.signal });
  assert.equal((await uidsIn(store, inbox)).length, 1_000);
  const again = await Promise.all([restore(store, account), store.retained.restore(account, chosen, {})]);
  assert.equal(again[0].messages + again[1].messages, 500);
  assert.equal((await uidsIn(store, inbox)).length, 1_500);
  await assertWhole(store);
});

test('what does not fit into the quota stays deleted, all of it, unless the administrator insists', async (t) => {
  const store = await temporaryStore(t);
  const size = message('a').length;
  const account = await newAccount(store, 'anna', size * 3);
  const inbox = inboxOf(account);
  await store.messages.expunge(inbox, [await appendTo(store, inbox, 'a'), await appendTo(store, inbox, 'b')]);
  assert.equal((await store.usage(account)).usedBytes, 0, 'what is retained does not count');
  await appendTo(store, inbox, 'c');
  await appendTo(store, inbox, 'd');

  await assert.rejects(restore(store, account), { code: 'quota.exceeded', message: /--over-quota/ });
  assert.equal((await found(store, account)).length, 2);
  const [{ item }] = (await found(store, account)) as [FoundMessage];
  assert.equal((await restore(store, account, { filter: { items: [item] } })).messages, 1, 'one fits');
  assert.equal((await restore(store, account, { overQuota: true })).messages, 1);
  assert.equal((await store.usage(account)).usedBytes, size * 4);
  await assert.rejects(appendTo(store, inbox, 'e'), { code: 'quota.exceeded' });
  await assertWhole(store);
});
