import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import type { AllExported } from '../../src/server/admin/export-mail.ts';
import type { TreeImported } from '../../src/server/admin/import-mail.ts';
import { verify } from '../../src/server/admin/verify.ts';
import type { ExportReport } from '../../src/transfer/export.ts';
import type { ImportReport } from '../../src/transfer/import.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';

const MESSAGES = 800;

/** Messages with subjects 0, 1, ... as a Maildir and as an mbox. */
async function manyMessages(folder: string): Promise<void> {
  const maildir = join(folder, 'Maildir');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(maildir, name), { recursive: true });
  const messages = Array.from({ length: MESSAGES }, (_, n) => `Subject: ${n}\n\n${'text '.repeat(n % 200)}\n`);
  for (const [n, text] of messages.entries()) {
    await writeFile(join(maildir, 'cur', `${1_600_000_000 + n}.M${n}P1.host:2,${n % 2 ? 'S' : ''}`), text);
  }
  const mbox = messages.map((text) => `From a@b Tue Mar  3 09:15:00 2026\n${text}\n`);
  await writeFile(join(folder, 'some.mbox'), mbox.join(''));
}

async function count(office: TrialOffice): Promise<number> {
  const [phone] = office.devices('anna', ['phone']);
  return phone.imap(async (session) => {
    const { untagged } = await session.command('STATUS INBOX (MESSAGES)');
    return Number(/MESSAGES (\d+)/.exec(untagged.join())![1]);
  });
}

for (const source of ['Maildir', 'some.mbox']) {
  test(`an import of ${source} that is killed again and again brings every message once`, async (t) => {
    const office = await trialOffice(t, { people: ['anna'] });
    const folder = await emptyFolder(t);
    await manyMessages(folder);
    const bring = () => office.command('import', 'anna@office.test', '--from', join(folder, source));
    let kills = 0;
    for (const at of [1, MESSAGES / 2]) {
      const outcome = bring().then(
        () => 'done',
        () => 'broken off',
      );
      while ((await count(office)) < at);
      await office.kill();
      if ((await outcome) === 'broken off') kills++;
      await office.start();
    }
    const last = (await bring()) as ImportReport;
    assert.ok(kills > 0, 'every import was done before it was killed');
    const [folderReport] = last.folders;
    assert.equal(folderReport!.found, MESSAGES);
    assert.equal(folderReport!.there, MESSAGES);
    const [phone] = office.devices('anna', ['phone']);
    const subjects = await phone.pop3((session) => session.subjects());
    assert.deepEqual(
      subjects,
      Array.from({ length: MESSAGES }, (_, n) => String(n)),
    );
    assert.deepEqual((await perform(verify, {}, office)).findings, []);
  });
}

test('an export that is killed goes on where it was', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const folder = await emptyFolder(t);
  await manyMessages(folder);
  await office.command('import', 'anna@office.test', '--from', join(folder, 'some.mbox'));
  const out = join(folder, 'out');
  const write = () => office.command('export', 'anna@office.test', '--to', out, '--as', 'maildir');
  const written = async () => (await readdir(join(out, 'cur')).catch(() => [])).length;
  const outcome = write().then(
    () => 'done',
    () => 'broken off',
  );
  while ((await written()) < MESSAGES / 4);
  await office.kill();
  assert.equal(await outcome, 'broken off');
  const there = await written();
  await office.start();
  const report = (await write()) as ExportReport;
  assert.equal(report.folders[0]!.before, there);
  assert.equal(report.folders[0]!.written, MESSAGES - there);
  await office.command('import', 'ben@office.test', '--from', out);
  const [anna] = office.devices('anna', ['a']);
  const [ben] = office.devices('ben', ['b']);
  assert.deepEqual(await ben.pop3((session) => session.all()), await anna.pop3((session) => session.all()));
});

test('what was brought is brought again only when it is asked for', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const folder = await emptyFolder(t);
  const mbox = join(folder, 'some.mbox');
  const message = (text: string) => `From a@b Tue Mar  3 09:15:00 2026\nX-UIDL: ${text}\nSubject: ${text}\n\n\n`;
  // Twice the same is two messages.
  await writeFile(mbox, message('a') + message('b') + message('b'));
  const bring = async (...more: string[]) =>
    (await office.command('import', 'anna@office.test', '--from', mbox, ...more)) as ImportReport;
  assert.equal((await bring()).messages, 3);
  const [phone] = office.devices('anna', ['phone']);
  await phone.pop3((session) => session.dele(1));
  // One was compacted away, one came: the others stand elsewhere in the file now.
  await writeFile(mbox, message('b') + message('b') + message('c') + message('a'));
  const second = await bring();
  assert.equal(second.messages, 1);
  assert.equal(second.folders[0]!.before, 3);
  assert.equal(second.folders[0]!.there, 3, 'what the person deleted stays deleted');
  assert.equal((await bring('--again')).messages, 4);
  assert.equal(await count(office), 7);
});

test('everybody’s mail goes out and comes into another office, by address', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  for (const person of ['anna', 'ben']) await office.deliver({ to: person, subject: `for ${person}` });
  const folder = await emptyFolder(t);
  const out = join(folder, 'out');
  const exported = (await office.command('export', '--all', '--to', out, '--as', 'mbox')) as AllExported;
  assert.deepEqual(
    exported.accounts.map(({ account, report }) => [account, report!.messages]),
    [
      ['anna@office.test', 1],
      ['ben@office.test', 1],
    ],
  );
  const other = await trialOffice(t, { people: ['anna'] });
  await assert.rejects(other.command('import', '--all', out, '--check'), /"address": "ben@office\.test"/);
  assert.equal(await count(other), 0);
  await rm(join(out, 'ben@office.test'), { recursive: true });
  const imported = (await other.command('import', '--all', out)) as TreeImported;
  assert.deepEqual(
    imported.accounts.map(({ account, report }) => [account, report!.messages]),
    [['anna@office.test', 1]],
  );
  const [phone] = other.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['for anna']);
});

test('an export writes only into a directory of its own', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const folder = await emptyFolder(t);
  await writeFile(join(folder, 'letter.txt'), 'mine');
  await assert.rejects(office.command('export', 'anna@office.test', '--to', folder), /export\.foreign/);
  const out = join(folder, 'out');
  await office.command('export', 'anna@office.test', '--to', out, '--as', 'mbox');
  await assert.rejects(office.command('export', 'ben@office.test', '--to', out, '--as', 'mbox'), /anna@office\.test/);
  // A mail program took the file for its own.
  await office.deliver({ to: 'anna' });
  await writeFile(join(out, 'INBOX.mbox'), 'From a@b Tue Mar  3 09:15:00 2026\n\n', { flag: 'a' });
  await assert.rejects(office.command('export', 'anna@office.test', '--to', out, '--as', 'mbox'), /another program/);
});
