/** A damaged database is saved into a new one; what can't be is kept where somebody finds it; and an interruption leaves the one or the other. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { AccountId } from '../../src/store/ids.ts';
import { salvage } from '../../src/store/repair/salvage.ts';
import { MailStore } from '../../src/store/store.ts';
import { bytesOf, deliver, inboxOf, message, newAccount, openStore, temporaryFolder, uidsIn } from './helpers.ts';

const PAGE = 4_096;
const READ_ONLY = { diskWatermarkBytes: Number.MAX_SAFE_INTEGER };
const SUBJECTS = Array.from({ length: 60 }, (_, index) => `number ${index}`);

const save = (folder: string) => salvage(folder, { actor: 'a test', now: 1_800_000_000, onProgress: () => {} });

/** Anna with sixty messages, in a database of some dozens of pages. */
async function filled(t: TestContext): Promise<{ folder: string; anna: AccountId }> {
  const folder = await temporaryFolder(t);
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  for (const subject of SUBJECTS) await deliver(store, anna, subject);
  await store.close();
  rmSync(join(folder, 'reserve'));
  return { folder, anna };
}

/** Overwrites pages, counted from 1. */
function destroy(folder: string, pages: readonly number[]): void {
  const path = join(folder, 'mail.db');
  const bytes = readFileSync(path);
  for (const page of pages) bytes.fill(0xff, (page - 1) * PAGE, page * PAGE);
  writeFileSync(path, bytes);
}

/** Pages of a table or index. */
function pagesOf(folder: string, name: string): number[] {
  const database = new DatabaseSync(join(folder, 'mail.db'), { readOnly: true });
  const { root } = database.prepare('SELECT rootpage AS root FROM sqlite_schema WHERE name = ?').get(name) as {
    root: number;
  };
  database.close();
  const bytes = readFileSync(join(folder, 'mail.db'));
  const at = (root - 1) * PAGE;
  const kind = bytes[at]!;
  if (kind === 10 || kind === 13) return [root];
  const count = bytes.readUInt16BE(at + 3);
  const children = Array.from({ length: count }, (_, index) =>
    bytes.readUInt32BE(at + bytes.readUInt16BE(at + 12 + index * 2)),
  );
  return [root, ...children, bytes.readUInt32BE(at + 8)];
}

async function subjects(store: MailStore, anna: AccountId): Promise<string[]> {
  const found: string[] = [];
  for (const uid of await uidsIn(store, inboxOf(anna))) {
    const text = (await bytesOf(store, inboxOf(anna), uid)).toString();
    const subject = /Subject: (.*)\r\n/.exec(text)![1]!;
    assert.ok(text.endsWith(message(subject).toString()));
    found.push(subject);
  }
  return found;
}

test('with the first page destroyed, everything comes back from the others', async (t) => {
  const { folder, anna } = await filled(t);
  destroy(folder, [1]);
  await assert.rejects(MailStore.open({ directory: folder, command: 'test', ...READ_ONLY }), (error: Error) => {
    assert.match(error.message, /damaged.*rainmail restore server.*rainmail verify --repair/);
    return 'code' in error && error.code === 'store.damaged';
  });
  const salvaged = await save(folder);
  assert.ok(existsSync(salvaged.keptAs!));
  const store = await openStore(t, folder, READ_ONLY);
  assert.deepEqual((await store.verify()).findings, []);
  assert.deepEqual(await subjects(store, anna), SUBJECTS);
});

test('with an inner page destroyed, the rows below it are found by their shape', async (t) => {
  const { folder, anna } = await filled(t);
  const [root] = pagesOf(folder, 'email');
  destroy(folder, [root!]);
  const { lostPages } = await save(folder);
  assert.equal(lostPages, 1);
  const store = await openStore(t, folder, READ_ONLY);
  assert.deepEqual(await subjects(store, anna), SUBJECTS);
  assert.deepEqual((await store.verify()).findings, []);
});

test('with rows destroyed, their messages are loose files, and all others are where they were', async (t) => {
  const { folder, anna } = await filled(t);
  const [, leaf] = pagesOf(folder, 'email');
  destroy(folder, [leaf!]);
  const { bodiesFound, lostAndFound } = await save(folder);
  const store = await openStore(t, folder, READ_ONLY);
  const { left, mended } = await store.repair({ actor: 'a test', onProgress: () => {} });
  assert.deepEqual(left, []);
  assert.ok(
    mended.some(({ code, account, mailbox }) => code === 'email' && account !== undefined && mailbox === 'INBOX'),
  );
  const loose = readdirSync(lostAndFound).map((name) => readFileSync(join(lostAndFound, name), 'utf8'));
  assert.equal(loose.length, bodiesFound);
  assert.ok(bodiesFound > 0 && bodiesFound < SUBJECTS.length);
  const there = await subjects(store, anna);
  for (const subject of SUBJECTS) {
    assert.ok(
      there.includes(subject) !== loose.includes(message(subject).toString()),
      `${subject} is lost, or doubled`,
    );
  }
});

test('an index that is destroyed costs nothing', async (t) => {
  const { folder, anna } = await filled(t);
  destroy(folder, pagesOf(folder, 'message_modseq'));
  assert.deepEqual(
    { ...(await save(folder)), rows: 0, keptAs: '', lostAndFound: '' },
    {
      rows: 0,
      lostPages: 0,
      lostRows: 0,
      keptAs: '',
      bodiesFound: 0,
      lostAndFound: '',
    },
  );
  const store = await openStore(t, folder, READ_ONLY);
  assert.deepEqual((await store.verify()).findings, []);
  assert.deepEqual(await subjects(store, anna), SUBJECTS);
});

test('what was deleted and is free stays deleted', async (t) => {
  const { folder, anna } = await filled(t);
  const before = await openStore(t, folder);
  await before.messages.expunge(inboxOf(anna), (await uidsIn(before, inboxOf(anna))).slice(0, 50) as never);
  await before.close();
  const [, leaf] = pagesOf(folder, 'message_email');
  destroy(folder, [leaf ?? 1]);
  await save(folder);
  const store = await openStore(t, folder, READ_ONLY);
  assert.deepEqual(await subjects(store, anna), SUBJECTS.slice(50));
});

test('a database that is gone is not begun anew over its mail, and the mail is found as files', async (t) => {
  const { folder } = await filled(t);
  rmSync(join(folder, 'mail.db'));
  for (const attempt of ['first', 'second']) {
    await assert.rejects(
      MailStore.open({ directory: folder, command: attempt }),
      ({ code, message }: Error & { code?: string }) => code === 'store.damaged' && /missing or empty/.test(message),
    );
  }
  const { rows, bodiesFound, lostAndFound } = await save(folder);
  assert.equal(rows, null);
  assert.equal(bodiesFound, SUBJECTS.length);
  assert.equal((await save(folder)).bodiesFound, SUBJECTS.length, 'once more does the same');
  assert.equal(readdirSync(lostAndFound).length, SUBJECTS.length);
});

test('a record whose header is destroyed hides none of those behind it', async (t) => {
  const { folder } = await filled(t);
  rmSync(join(folder, 'mail.db'));
  const [segment] = readdirSync(join(folder, 'segments'));
  const path = join(folder, 'segments', segment!);
  const bytes = readFileSync(path);
  const third = bytes.indexOf('RMB1', bytes.indexOf('RMB1', bytes.indexOf('RMB1') + 1) + 1);
  bytes.fill(0, third, third + 40);
  writeFileSync(path, bytes);
  const { bodiesFound, lostAndFound } = await save(folder);
  assert.equal(bodiesFound, SUBJECTS.length - 1);
  const loose = readdirSync(lostAndFound).map((name) => readFileSync(join(lostAndFound, name), 'utf8'));
  assert.ok(!loose.includes(message('number 2').toString()));
});

test('a log that is gone is noticed by whoever opens the store next', async (t) => {
  const { folder, anna } = await filled(t);
  const store = await openStore(t, folder);
  await deliver(store, anna, 'only in the log');
  const copy = await temporaryFolder(t);
  await cp(folder, copy, { recursive: true, filter: (path) => !/-(wal|shm)$|reserve$/.test(path) });
  for (const attempt of ['first', 'second']) {
    await assert.rejects(
      MailStore.open({ directory: copy, command: attempt }),
      ({ code, message }: Error & { code?: string }) => code === 'store.damaged' && /log .* is missing/.test(message),
    );
  }
  const { bodiesFound, lostAndFound } = await save(copy);
  assert.equal(bodiesFound, 1);
  const [name] = readdirSync(lostAndFound);
  assert.deepEqual(readFileSync(join(lostAndFound, name!)), message('only in the log'));
  const after = await openStore(t, copy, READ_ONLY);
  assert.deepEqual(await subjects(after, anna), SUBJECTS);
});

test('an exchange of the databases that was interrupted is finished, and nothing is opened before', async (t) => {
  const { folder, anna } = await filled(t);
  const spare = await temporaryFolder(t);
  await cp(folder, spare, { recursive: true });
  destroy(folder, [2]);
  await save(folder);
  // As a machine that died just before the last rename leaves it.
  renameSync(join(folder, 'mail.db'), join(folder, 'mail.db.salvaged'));
  await cp(join(spare, 'mail.db'), join(folder, 'mail.db'));
  destroy(folder, [2]);
  await assert.rejects(MailStore.open({ directory: folder, command: 'test' }), /earlier repair was interrupted/);
  await save(folder);
  const store = await openStore(t, folder, READ_ONLY);
  assert.deepEqual(await subjects(store, anna), SUBJECTS);
});
