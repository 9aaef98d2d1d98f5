/** Runs until the change-over: what changed at the old server is followed, what the person did here stays. */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';
import { clientHere, contentsHere, contentsOf, filled } from './contents.ts';
import { type OldServer, oldDovecot } from './dovecot.ts';
import { migrate, moveIn } from './moving.ts';
import { plain } from './old-mail.ts';

interface Move {
  readonly old: OldServer;
  readonly there: ImapFlow;
  readonly office: TrialOffice;
  readonly from: string;
}

/** Twenty messages in INBOX, ten in Projects, five in Old, brought once. */
async function broughtOnce(t: TestContext): Promise<Move | undefined> {
  const old = await oldDovecot(t);
  if (old === undefined) return undefined;
  const there = await old.client(t, 'anna');
  const fill = async (folder: string, count: number) => {
    if (folder !== 'INBOX') await there.mailboxCreate(folder);
    for (let index = 1; index <= count; index += 1)
      await there.append(folder, plain(`${folder} ${index}`), [], new Date(1_600_000_000_000 + index * 60_000));
  };
  await fill('INBOX', 20);
  await fill('Projects', 10);
  await fill('Old', 5);
  const office = await trialOffice(t);
  const from = `imap://anna@127.0.0.1:${old.imap}`;
  const report = await moveIn(office, from);
  assert.equal(report.brought.messages, 35);
  return { old, there, office, from };
}

async function inFolder<T>(client: ImapFlow, folder: string, work: () => Promise<T>): Promise<T> {
  await client.mailboxOpen(folder);
  return work();
}

/** Subjects and flags of a folder here. */
async function listed(client: ImapFlow, folder: string): Promise<string[]> {
  await client.mailboxOpen(folder, { readOnly: true });
  const found: string[] = [];
  if (client.mailbox !== false && client.mailbox.exists === 0) return found;
  for await (const { envelope, flags } of client.fetch('1:*', { envelope: true, flags: true }))
    found.push([envelope!.subject, ...[...flags!].filter((flag) => flag !== '\\Recent').sort()].join(' '));
  return found;
}

test('new mail comes, and flags, moves and removals at the old server are followed', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { there, office, from } = move;
  await there.append('INBOX', plain('INBOX 21'));
  await inFolder(there, 'INBOX', async () => {
    await there.messageFlagsAdd('1:5', ['\\Seen', 'Work'], { uid: true });
    await there.messageMove('8:9', 'Projects', { uid: true });
    await there.messageDelete('6:7', { uid: true });
  });
  await there.mailboxRename('Old', 'Clients/Older');

  const report = await moveIn(office, from);

  assert.deepEqual(
    [report.brought.messages, report.flagged, report.moved, report.removed, report.kept],
    [1, 5, 7, 2, 0],
  );
  const expected = filled(await contentsOf(there));
  assert.deepEqual(filled(await contentsHere(office)), expected);
  await inFolder(there, 'INBOX', () => there.messageFlagsRemove('2:3', ['\\Seen', 'Work'], { uid: true }));
  assert.equal((await moveIn(office, from)).flagged, 2);
  assert.deepEqual(filled(await contentsHere(office)), filled(await contentsOf(there)));
  // What was removed can come back.
  const removed = (await office.command('undelete', 'list', office.address('anna'))) as { found: number };
  assert.equal(removed.found, 2);
});

test('what the person did here stays', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { there, office, from } = move;
  const here = await clientHere(office);
  await here.mailboxCreate('Mine');
  await inFolder(here, 'INBOX', async () => {
    await here.messageFlagsAdd('1,6', ['\\Flagged'], { uid: true });
    await here.messageMove('10', 'Mine', { uid: true });
    await here.messageDelete('11', { uid: true });
  });
  await inFolder(there, 'INBOX', async () => {
    await there.messageFlagsAdd('1,10,11', ['\\Seen'], { uid: true });
    await there.messageDelete('6', { uid: true });
    await there.messageMove('1', 'Projects', { uid: true });
  });

  const report = await moveIn(office, from);

  assert.deepEqual([report.brought.messages, report.removed, report.kept], [0, 0, 1]);
  const inbox = await listed(here, 'INBOX');
  assert.equal(inbox.length, 17);
  assert.ok(inbox.includes('INBOX 6 \\Flagged'), 'removed there, flagged here: kept');
  assert.ok(!inbox.some((line) => line.startsWith('INBOX 10') || line.startsWith('INBOX 11')));
  assert.deepEqual(await listed(here, 'Mine'), ['INBOX 10']);
  assert.ok(
    (await listed(here, 'Projects')).includes('INBOX 1 \\Flagged \\Seen'),
    'moved there, with the flags of both',
  );
  await here.logout();
});

test('a folder that is made anew (another UIDVALIDITY) brings nothing twice', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { old, office, from } = move;
  const before = await contentsHere(office);
  await old.stop();
  const folder = join(old.folder, 'mail/anna/Maildir/Projects');
  for (const name of await readdir(folder)) if (name.startsWith('dovecot')) await rm(join(folder, name));
  await rm(join(old.folder, 'mail/anna/Maildir/dovecot.list.index'), { force: true });
  await old.start();

  const report = await moveIn(office, from);

  assert.deepEqual([report.brought.messages, report.moved, report.removed], [0, 10, 0]);
  assert.deepEqual(await contentsHere(office), before);
  // And is followed under its new numbers.
  const there = await old.client(t, 'anna');
  await inFolder(there, 'Projects', () => there.messageDelete('2', { uid: true }));
  assert.equal((await moveIn(office, from)).removed, 1);
});

test('what is removed there is kept here if that is wished, and does not come again', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { there, office, from } = move;
  await inFolder(there, 'INBOX', () => there.messageDelete('1:3', { uid: true }));
  const report = await moveIn(office, from, '--keep-removed');
  assert.deepEqual([report.removed, report.kept], [0, 3]);
  assert.equal((await contentsHere(office)).get('INBOX')!.length, 20);
});

test('an old server that shows no mail at all takes nothing away here', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { old, office, from } = move;
  await old.stop();
  await rm(join(old.folder, 'mail/anna'), { recursive: true });
  await old.start();
  const report = await moveIn(office, from);
  assert.deepEqual([report.removed, report.kept], [0, 35]);
  assert.equal((await contentsHere(office)).get('INBOX')!.length, 20);
});

test('the change-over: the last mail comes, the old server is forgotten, and never read again by mistake', async (t) => {
  const move = await broughtOnce(t);
  if (move === undefined) return;
  const { there, office, from } = move;
  await there.append('INBOX', plain('the last'));
  const anna = office.address('anna');

  const checked = await migrate(office, 'check', anna, '--from', from, '--insecure');
  assert.equal(checked.code, 1);
  assert.deepEqual(
    JSON.parse(checked.stdout)[0].folders.find((each: { name: string }) => each.name === 'INBOX').missing,
    1,
  );
  assert.equal((await contentsHere(office)).get('INBOX')!.length, 20, 'check brings nothing');

  const finished = await migrate(office, 'finish', anna, '--from', from, '--insecure');
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal((await contentsHere(office)).get('INBOX')!.length, 21);

  const again = await migrate(office, anna, '--from', from, '--insecure');
  assert.equal(again.code, 1);
  assert.equal(JSON.parse(again.stdout)[0].error.code, 'transfer.finished');
  assert.equal((await contentsHere(office)).get('INBOX')!.length, 21);
  const audit = (await office.command('audit', 'list')) as { action: string; subject: string }[];
  const actions = audit.filter(({ subject }) => subject === anna).map(({ action }) => action);
  assert.ok(actions.includes('migrate.pull') && actions.includes('migrate.finish'), actions.join());
});
