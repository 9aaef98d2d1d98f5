import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { NO_FLAGS } from '../../src/store/flags.ts';
import type { AccountId } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import type { MailStore } from '../../src/store/store.ts';
import { exportAccount } from '../../src/transfer/export.ts';
import { findSources } from '../../src/transfer/find-sources.ts';
import { type ImportReport, importSources } from '../../src/transfer/import.ts';
import { FORMATS } from '../../src/transfer/rainmail-index.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { liveBytes } from '../net/helpers.ts';
import { bytesOf, newAccount, openStore, stage, temporaryFolder, temporaryStore, uidsIn } from '../store/helpers.ts';

const FROM = 'From a@b Tue Mar  3 09:15:00 2026\n';

async function bring(store: MailStore, account: AccountId, path: string): Promise<ImportReport> {
  const { signal } = new AbortController();
  return importSources(store, account, await findSources(path), {
    uidlFormat: null,
    again: false,
    onProgress() {},
    signal,
  });
}

/** What an import makes of a file with this content: the messages in INBOX. */
async function fromMbox(t: TestContext, content: string): Promise<string[]> {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = join(await emptyFolder(t), 'some.mbox');
  await writeFile(path, content, 'latin1');
  await bring(store, account, path);
  return inbox(store, account);
}

async function inbox(store: MailStore, account: AccountId): Promise<string[]> {
  const key = { account, mailbox: INBOX };
  const messages: string[] = [];
  for (const uid of await uidsIn(store, key)) messages.push((await bytesOf(store, key, uid)).toString('latin1'));
  return messages;
}

async function maildir(t: TestContext): Promise<string> {
  const path = join(await emptyFolder(t), 'Maildir');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(path, name), { recursive: true });
  return path;
}

test('an mbox that ends in the middle of a line gives what is there', async (t) => {
  assert.deepEqual(await fromMbox(t, `${FROM}Subject: a\n\nwhole\n\n${FROM}Subject: b\n\nhal`), [
    'Subject: a\r\n\r\nwhole\r\n',
    'Subject: b\r\n\r\nhal',
  ]);
});

test('an mbox that ends in a From line, or in a header, gives a message of what there is', async (t) => {
  assert.deepEqual(await fromMbox(t, `${FROM}Subject: a\n\nwhole\n\n${FROM}`), ['Subject: a\r\n\r\nwhole\r\n', '']);
  assert.deepEqual(await fromMbox(t, `${FROM}Subje`), ['Subje']);
});

test('NUL bytes and bytes that are no text stay as they are', async (t) => {
  const text = 'Subject: a\r\n\r\n\0\0\xff\x80\r\n\0';
  assert.deepEqual(await fromMbox(t, `${FROM}${text.replaceAll('\r\n', '\n')}\n\n`), [`${text}\r\n`]);
});

test('a line of 60 MB comes through in bound memory', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = join(await emptyFolder(t), 'some.mbox');
  const file = await open(path, 'w');
  await file.write(`${FROM}Subject: long\n\n`);
  for (let part = 0; part < 60; part++) await file.write(Buffer.alloc(1 << 20, 'x'));
  await file.write(`\n\n${FROM}Subject: after\n\nb\n`);
  await file.close();
  const before = liveBytes();
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, liveBytes() - before);
  }, 100);
  const report = await bring(store, account, path).finally(() => clearInterval(looking));
  assert.ok(most < 20 << 20, `${most} bytes of the file were held in memory`);
  assert.equal(report.messages, 2);
  const view = await store.view({ account, mailbox: INBOX });
  assert.equal(view.size(0), 'Subject: long\r\n\r\n'.length + (60 << 20) + 2);
  assert.equal(view.size(1), 'Subject: after\r\n\r\nb\r\n'.length);
});

test('what can’t be read in a Maildir costs itself alone', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = await maildir(t);
  await writeFile(join(path, 'cur', '1600000001.a.host:2,S'), 'Subject: a\n\na\n');
  await mkdir(join(path, 'cur', '1600000002.directory.host:2,S'));
  await symlink('/nowhere', join(path, 'cur', '1600000003.dangling.host:2,S'));
  await writeFile(join(path, 'new', '1600000004.b.host'), 'Subject: b\n\nb\n');
  // Circles of directories, and one to itself.
  await mkdir(join(path, '.Loop', 'cur'), { recursive: true });
  await mkdir(join(path, '.Loop', 'new'));
  await symlink(path, join(path, '.Loop', 'again'));
  await symlink('.Self', join(path, '.Self'));

  const report = await bring(store, account, path);
  assert.deepEqual(await inbox(store, account), ['Subject: a\r\n\r\na\r\n', 'Subject: b\r\n\r\nb\r\n']);
  assert.equal(report.messages, 2);
  assert.deepEqual(
    report.skipped.map(({ where, reason }) => `${where.slice(path.length)}: ${reason}`),
    [
      '/.Self: its symbolic links lead in a circle (ELOOP)',
      '/cur/1600000002.directory.host:2,S: it is a directory (EISDIR)',
      '/cur/1600000003.dangling.host:2,S: it is not there any more (ENOENT)',
    ],
  );
});

test('a Maildir with damaged lists beside it comes in whole', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = await maildir(t);
  await writeFile(join(path, 'cur', '1600000001.a.host:2,Sab'), 'Subject: a\n\na\n');
  for (const name of [
    'dovecot-uidlist',
    'dovecot-keywords',
    'courierpop3dsizelist',
    'courierimapuiddb',
    'subscriptions',
    'rainmail.json',
  ]) {
    await writeFile(join(path, name), Buffer.from('3 V\0\xff N\n1 P :\n{"rainmail": \n\n0\n99 x\n', 'latin1'));
  }
  const report = await bring(store, account, path);
  assert.equal(report.messages, 1);
  assert.deepEqual(await inbox(store, account), ['Subject: a\r\n\r\na\r\n']);
});

test('a message that a server keeps compressed is read', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = await maildir(t);
  await writeFile(join(path, 'cur', '1600000001.a.host,S=14:2,S'), gzipSync('Subject: a\n\na\n'));
  await writeFile(join(path, 'cur', '1600000002.b.host,S=14:2,S'), gzipSync('Subject: b\n\nb\n').subarray(0, 20));
  const report = await bring(store, account, path);
  assert.deepEqual(await inbox(store, account), ['Subject: a\r\n\r\na\r\n']);
  assert.match(report.skipped[0]!.reason, /compressed/);
});

test('folders of Thunderbird come in by their names, without what was deleted there', async (t) => {
  const store = await temporaryStore(t);
  const account = await newAccount(store, 'anna');
  const path = await emptyFolder(t);
  await mkdir(join(path, 'Work.sbd'));
  await writeFile(
    join(path, 'Inbox'),
    `${FROM}X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nSubject: a\n\na\n\n`,
  );
  await writeFile(join(path, 'Inbox.msf'), '// <!-- <mdb:mork:z v="1.4"/> -->');
  await writeFile(join(path, 'Work'), '');
  await writeFile(join(path, 'Work.msf'), '');
  await writeFile(
    join(path, 'Work.sbd', 'Müller & Co'),
    `${FROM}X-Mozilla-Status: 0009\nSubject: deleted\n\nb\n\n${FROM}X-Mozilla-Status: 0000\nSubject: kept\n\nc\n\n`,
  );
  await writeFile(join(path, 'Sent Messages'), `${FROM}Subject: sent\n\nd\n\n`);
  const report = await bring(store, account, path);
  assert.deepEqual(
    report.folders.map(({ folder, mailbox, brought, leftOut }) => `${folder} -> ${mailbox}: ${brought}, ${leftOut}`),
    [
      'Inbox -> INBOX: 1, 0',
      'Sent Messages -> Sent: 1, 0',
      'Work -> Work: 0, 0',
      'Work/Müller & Co -> Work/Müller & Co: 1, 1',
    ],
  );
  assert.deepEqual(await inbox(store, account), ['Subject: a\r\n\r\na\r\n']);
});

/** Changes one byte of a stored body. */
async function damage(directory: string, text: string): Promise<void> {
  for (const name of await readdir(join(directory, 'segments'))) {
    const path = join(directory, 'segments', name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(text);
    if (at === -1) continue;
    bytes[at] = bytes[at]! ^ 1;
    await writeFile(path, bytes);
    return;
  }
  throw new Error(`no segment holds “${text}”`);
}

for (const format of FORMATS) {
  test(`an export as ${format} leaves out a damaged message, and says which`, async (t) => {
    const directory = await temporaryFolder(t);
    const store = await openStore(t, directory);
    const account = await newAccount(store, 'anna');
    const key = { account, mailbox: INBOX };
    const large = `Subject: large\r\n\r\n${'x'.repeat(78)}\r\n`.repeat(30_000);
    const texts = [
      'Subject: a\r\n\r\na\r\n',
      'Subject: b\r\n\r\nsmall damage\r\n',
      `${large}large damage\r\n`,
      'Subject: d\r\n\r\nd\r\n',
    ];
    for (const text of texts) {
      await store.append(key, [
        { staged: await stage(store, Buffer.from(text)), flags: NO_FLAGS, received: 1_600_000_000 },
      ]);
    }
    for (const text of ['small damage', 'large damage']) await damage(directory, text);

    const out = join(await emptyFolder(t), 'out');
    const options = { directory: out, format, crlf: false, onProgress() {}, signal: new AbortController().signal };
    const report = await exportAccount(store, { id: account, name: 'anna@office.test' }, options);
    assert.deepEqual(
      report.skipped.map(({ where }) => where),
      ['INBOX, UID 2', 'INBOX, UID 3'],
    );
    assert.equal(report.messages, 2);
    const ben = await newAccount(store, 'ben');
    await bring(store, ben, out);
    assert.deepEqual(await inbox(store, ben), [texts[0], texts[3]]);
  });
}
