import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImportReport } from '../../src/transfer/import.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { rainmail, trialOffice } from '../helpers/office.ts';

/** A Maildir with these files: path -> content. */
async function files(folder: string, contents: Record<string, string>): Promise<string> {
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

test('a Maildir comes in with its folders, flags and dates, while the server runs', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const maildir = await files(await emptyFolder(t), {
    'cur/1600000002.b.host:2,FS': 'Subject: second\n\nb\n',
    'cur/1600000001.a.host:2,R': 'Subject: first\n\na\n',
    'new/1600000003.c.host': 'Subject: third\n\nc\n',
    '.Clients.M&APw-ller/dovecot-keywords': '0 $Forwarded\n1 invoice\n',
    '.Clients.M&APw-ller/cur/1600000004.d.host:2,Sb': 'Subject: fourth\r\n\r\nd\r\n',
    '.Clients.M&APw-ller/new/.keep': '',
    '.Sent/cur/1600000005.e.host:2,S': 'Subject: fifth\n\ne\n',
    '.Sent/new/.keep': '',
  });
  await utimes(join(maildir, 'cur/1600000001.a.host:2,R'), 1_600_000_001, 1_600_000_001);

  const imported = (await office.command('import', 'anna@office.test', '--from', maildir)) as ImportReport;
  assert.deepEqual(
    imported.folders.map(({ mailbox, found, brought, there, bytes }) => ({ mailbox, found, brought, there, bytes })),
    [
      { mailbox: 'INBOX', found: 3, brought: 3, there: 3, bytes: 64 },
      { mailbox: 'Clients/Müller', found: 1, brought: 1, there: 1, bytes: 22 },
      { mailbox: 'Sent', found: 1, brought: 1, there: 1, bytes: 21 },
    ],
  );
  assert.equal(imported.messages, 5);

  const [phone] = office.devices('anna', ['phone']);
  await phone.imap(async (session) => {
    const { untagged } = await session.command('FETCH 1:* (FLAGS INTERNALDATE)');
    assert.match(untagged[0]!, /FLAGS \(\\Answered\b.*13-Sep-2020 12:26:41 \+0000/);
    assert.match(untagged[1]!, /FLAGS \((\\Seen \\Flagged|\\Flagged \\Seen)/);
    assert.equal(await session.content(1), 'Subject: first\r\n\r\na\r\n');
    await session.command('SELECT "Clients/M&APw-ller"');
    assert.match((await session.command('FETCH 1 FLAGS')).untagged[0]!, /\\Seen invoice/);
  });
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['first', 'second', 'third']);
});

test('an mbox comes in with its flags and dates, without a server', async (t) => {
  const folder = await emptyFolder(t);
  const data = join(folder, 'data');
  await rainmail(['account', 'add', 'eva@example.org', '--generate', '--data', data]);
  const mbox = join(folder, 'old.mbox');
  await writeFile(
    mbox,
    'From a@b Tue Mar  3 09:15:00 2026\nSubject: one\nStatus: RO\n\n>From here\n\nFrom a@b Tue Mar  3 09:16:00 2026\nSubject: two\n\n2\n',
  );

  const { code, stdout } = await rainmail([
    'import',
    'eva@example.org',
    '--from',
    mbox,
    '--folder',
    'Old',
    '--data',
    data,
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^Old +2 +2 +0 +0 +2 +46 bytes$/m);
  assert.match(stdout, /^Brought 2 messages \(46 bytes\)\.$/m);
  const verified = await rainmail(['verify', '--data', data]);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, /^Checked 1 accounts with 2 messages, .*\nEverything is whole\.\n$/);
});

test('a folder of .eml files and a single one come in', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const folder = await files(await emptyFolder(t), {
    'a.eml': 'Subject: a\nDate: Tue, 3 Mar 2026 09:15:00 +0000\n\na\n',
    'Trips/b.eml': 'Subject: b\n\nb',
    'notes.txt': 'nothing',
  });
  await office.command('import', 'anna@office.test', '--from', join(folder, 'a.eml'));
  const imported = (await office.command('import', 'anna@office.test', '--from', folder)) as ImportReport;
  assert.deepEqual(
    imported.folders.map(({ mailbox, brought, before }) => ({ mailbox, brought, before })),
    [
      { mailbox: 'INBOX', brought: 0, before: 1 },
      { mailbox: 'Trips', brought: 1, before: 0 },
    ],
  );
  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['a']);
});

test('an import in batches keeps the order and loses nothing', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const folder = await emptyFolder(t);
  const messages = Array.from(
    { length: 501 },
    (_, n) => `From a@b Tue Mar  3 09:15:00 2026\nSubject: ${n}\n\n${'x'.repeat(n)}\n\n`,
  );
  await writeFile(join(folder, 'big.mbox'), messages.join(''));
  await office.command('import', 'anna@office.test', '--from', join(folder, 'big.mbox'));
  const [laptop] = office.devices('anna', ['laptop']);
  const subjects = await laptop.pop3((session) => session.subjects());
  assert.deepEqual(
    subjects,
    Array.from({ length: 501 }, (_, n) => String(n)),
  );
});

test('what is no mail is refused, and said', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const folder = await files(await emptyFolder(t), { 'notes.txt': 'nothing' });
  await assert.rejects(office.command('import', 'anna@office.test', '--from', folder), /holds no mail/);
  await assert.rejects(office.command('import', 'anna@office.test', '--from', '/nowhere'), /import\.unreadable/);
  await assert.rejects(office.command('import', 'nobody@office.test', '--from', folder), /directory\.missing/);
});
