/** imapflow: an IMAP client library that keeps up with the newest of the protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import type { TrialOffice } from '../helpers/office.ts';
import { type ClientHome, clientOffice, deliverMany, numbered } from './client.ts';
import { connect } from './imap-client.ts';
import { ODD_MESSAGES, withoutTrace } from './odd-messages.ts';

interface Phone {
  readonly office: TrialOffice;
  readonly home: ClientHome;
  readonly imap: ImapFlow;
}

async function phone(t: TestContext): Promise<Phone> {
  const { office, home } = await clientOffice(t);
  return { office, home, imap: await connect(t, office, home, 'imaps') };
}

test('imapflow signs in with every mechanism it has, with TLS, STARTTLS, and without on loopback', async (t) => {
  const { office, home } = await clientOffice(t);
  const ways = [['imaps', false], ['imap', true], ['imap', false]] as const; // biome-ignore format: a table
  for (const [service, starttls] of ways) {
    for (const loginMethod of ['AUTH=PLAIN', 'AUTH=LOGIN', 'LOGIN']) {
      const imap = await connect(t, office, home, service, { starttls, loginMethod });
      assert.equal(imap.secureConnection, service === 'imaps' || starttls);
      assert.equal(((await imap.status('INBOX', { messages: true })) || undefined)?.messages, 0);
      await imap.logout();
    }
  }
});

test('imapflow lists, makes, renames, subscribes and deletes mailboxes', async (t) => {
  const { imap } = await phone(t);
  const uses = Object.fromEntries((await imap.list()).map(({ path, specialUse }) => [path, specialUse]));
  assert.deepEqual(uses, {
    INBOX: '\\Inbox',
    Archive: '\\Archive',
    Drafts: '\\Drafts',
    Junk: '\\Junk',
    Sent: '\\Sent',
    Trash: '\\Trash',
  });
  for (const name of ['Entw\u00fcrfe', '\u65e5\u672c\u8a9e', 'A & B', 'emoji \u{1f4e7}', 'quotes "and" \\', '100% *']) {
    const { path, created } = await imap.mailboxCreate(['Projects', name]);
    assert.equal(path, `Projects/${name}`);
    assert.equal(created, true);
    assert.ok(
      (await imap.list()).some((mailbox) => mailbox.path === `Projects/${name}`),
      name,
    );
    const renamed = await imap.mailboxRename(path, `Done ${name}`);
    assert.equal(renamed.newPath, `Done ${name}`);
    await imap.append(`Done ${name}`, 'Subject: Hello\r\n\r\n');
    assert.equal((await imap.mailboxOpen(`Done ${name}`)).exists, 1);
    assert.equal(await imap.mailboxUnsubscribe(`Done ${name}`), true);
    await imap.mailboxClose();
    await imap.mailboxDelete(`Done ${name}`);
  }
  const names = (await imap.list()).map(({ path }) => path);
  assert.deepEqual(
    names.filter((name) => name.startsWith('Done')),
    [],
  );
});

test('imapflow streams hundreds of messages, and finds, flags, copies, moves and deletes', async (t) => {
  const { office, imap } = await phone(t);
  await deliverMany(office, 'anna', 200);
  const mailbox = await imap.mailboxOpen('INBOX');
  assert.equal(mailbox.exists, 200);
  const subjects: string[] = [];
  for await (const message of imap.fetch('1:*', {
    uid: true,
    flags: true,
    envelope: true,
    bodyStructure: true,
    size: true,
    internalDate: true,
    source: true,
    threadId: true,
    headers: ['subject'],
  })) {
    subjects.push(message.envelope!.subject!);
    assert.equal(message.source!.length, message.size);
    assert.match(
      message.source!.toString(),
      new RegExp(`^This is letter ${/\d+/.exec(message.envelope!.subject!)}\\.`, 'm'),
    );
    assert.equal(message.bodyStructure!.type, 'text/plain');
    assert.equal(message.headers!.toString(), `Subject: ${message.envelope!.subject}\r\n\r\n`);
    assert.ok(message.emailId);
    assert.ok(message.threadId);
    assert.ok(message.modseq! > 0n);
  }
  assert.deepEqual(subjects.sort(), numbered(200));

  const [seven] = (await imap.search({ subject: 'Letter 77' }, { uid: true })) || [];
  assert.equal(await imap.messageFlagsAdd([seven!], ['\\Flagged', '$Forwarded', 'Urgent'], { uid: true }), true);
  assert.deepEqual(await imap.search({ flagged: true, keyword: 'urgent' }, { uid: true }), [seven]);
  assert.deepEqual(await imap.search({ not: { subject: 'Letter' } }, { uid: true }), []);
  assert.equal(((await imap.search({ or: [{ body: 'letter 5.' }, { text: 'Letter 6.' }] })) || []).length, 2);
  assert.equal(((await imap.search({ since: new Date(Date.now() - 86_400_000), larger: 10 })) || []).length, 200);

  const copied = await imap.messageCopy([seven!], 'Archive', { uid: true });
  assert.deepEqual(copied && [...copied.uidMap!.keys()], [seven]);
  const moved = await imap.messageMove('1:50', 'Archive');
  assert.equal(moved && moved.uidMap!.size, 50);
  assert.equal(await imap.messageDelete('1:10'), true);
  assert.equal(((await imap.status('INBOX', { messages: true })) || undefined)?.messages, 140);
  assert.equal(((await imap.status('Archive', { messages: true, unseen: true })) || undefined)?.messages, 51);
});

test('imapflow hears of new mail, flags and removals while it idles', async (t) => {
  const { office, home, imap } = await phone(t);
  const other = await connect(t, office, home, 'imap');
  await other.mailboxOpen('INBOX');
  await imap.mailboxOpen('INBOX');
  const idling = imap.idle();

  const arrived = once(imap, 'exists');
  await office.deliver({ to: 'anna', subject: 'News' });
  assert.partialDeepStrictEqual((await arrived)[0], { path: 'INBOX', count: 1, prevCount: 0 });

  await other.noop(); // hears of it too
  const flagged = once(imap, 'flags');
  await other.messageFlagsAdd('1', ['\\Flagged']);
  const [{ flags, seq }] = (await flagged) as [{ flags: Set<string>; seq: number }];
  assert.equal(seq, 1);
  assert.ok(flags.has('\\Flagged'));

  const removed = once(imap, 'expunge');
  await other.messageDelete('1');
  assert.partialDeepStrictEqual((await removed)[0], { path: 'INBOX', seq: 1 });

  await imap.noop(); // ends the IDLE
  await idling;
});

test('imapflow appends with flags and date, and reads every byte back whole and in parts', async (t) => {
  const { imap } = await phone(t);
  const date = new Date('2020-02-29T12:34:56Z');
  for (const raw of ODD_MESSAGES) {
    const filed = await imap.append('Drafts', Buffer.from(raw, 'latin1'), ['\\Seen', '\\Draft'], date);
    assert.ok(filed && filed.uid! > 0 && filed.uidValidity! > 0n);
  }
  await imap.mailboxOpen('Drafts');
  const messages = await imap.fetchAll('1:*', { source: true, flags: true, internalDate: true, envelope: true });
  assert.deepEqual(
    messages.map(({ source }) => source!.toString('latin1')),
    ODD_MESSAGES,
  );
  for (const { flags, internalDate } of messages) {
    assert.deepEqual([...flags!].sort(), ['\\Draft', '\\Seen']);
    assert.deepEqual(internalDate, date);
  }
  const large = `Subject: Large\r\nContent-Type: text/plain\r\n\r\n${'0123456789abcdef\r\n'.repeat(40_000)}`;
  const filed = await imap.append('Drafts', large);
  assert.ok(filed);
  const { content } = await imap.download(String(filed.uid), undefined, { uid: true, chunkSize: 50_000 });
  assert.equal((await buffer(content!)).toString(), large);
  const part = await imap.fetchOne('*', { source: { start: 100_000, maxLength: 1000 }, bodyParts: ['text', 'header'] });
  assert.equal(part && part.source!.toString(), large.slice(100_000, 101_000));
  assert.equal(part && part.bodyParts!.get('text')!.toString(), large.slice(large.indexOf('\r\n\r\n') + 4));
});

test('imapflow goes on where it was after the office has been restarted', async (t) => {
  const { office, home, imap } = await phone(t);
  for (const raw of ODD_MESSAGES) await office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') });
  const before = await imap.mailboxOpen('INBOX');
  const closed = once(imap, 'close');
  await office.restart();
  await closed;
  const again = await connect(t, office, home, 'imap');
  const after = await again.mailboxOpen('INBOX');
  assert.deepEqual(
    [after.uidValidity, after.uidNext, after.exists, after.highestModseq],
    [before.uidValidity, before.uidNext, before.exists, before.highestModseq],
  );
  await again.messageFlagsAdd('1', ['\\Seen']);
  const changed = await again.fetchAll('1:*', { uid: true, flags: true }, { changedSince: before.highestModseq! });
  assert.deepEqual(
    changed.map(({ uid }) => uid),
    [1],
  );
  const sources = await again.fetchAll('1:*', { source: true });
  assert.deepEqual(
    sources.map(({ source }) => withoutTrace(source!.toString('latin1'))),
    ODD_MESSAGES,
  );
});
