/** Mail of one account comes back from a backup while the server runs: what is there stays as it is, and nothing comes twice. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackedUpStore, clearScratch } from '../../src/backup/restore/backed-up-store.ts';
import { type MailRestored, type MailRestoreOptions, restoreMail } from '../../src/backup/restore/mail.ts';
import type { Refused } from '../../src/errors.ts';
import type { MailboxKey } from '../../src/store/api.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import type { AccountId, Uid } from '../../src/store/ids.ts';
import { setMeta } from '../../src/store/operations/meta.ts';
import type { MailStore } from '../../src/store/store.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
} from '../store/helpers.ts';
import { backUp, emptyRepository, type Place, using } from './helpers.ts';

const EXPIRE = sql('UPDATE retained SET expires = 1');
const LIMIT = sql('UPDATE account SET quota_bytes = ? WHERE account_id = ?');
const REMOVE = sql("UPDATE account SET name = 'gone', state = 'removed' WHERE account_id = ?");

class Office {
  readonly folder: string;
  readonly store: MailStore;
  readonly place: Place;
  anna: AccountId;

  private constructor(folder: string, store: MailStore, place: Place, anna: AccountId) {
    this.folder = folder;
    this.store = store;
    this.place = place;
    this.anna = anna;
  }

  static async open(t: TestContext): Promise<Office> {
    const folder = await temporaryFolder(t);
    const store = await openStore(t, folder);
    await store.engine.write((tx) => setMeta(tx, 'auth.secret', 'of this office'));
    return new Office(folder, store, await emptyRepository(t), await newAccount(store, 'anna'));
  }

  get inbox(): MailboxKey {
    return inboxOf(this.anna);
  }

  backUp(): Promise<unknown> {
    return backUp(this.place, this.store);
  }

  /** Removes messages as if their time had passed. */
  async purge(key: MailboxKey, uids: readonly Uid[]): Promise<void> {
    await this.store.messages.expunge(key, uids);
    await this.store.engine.write(async (tx) => tx.run(EXPIRE));
    await this.store.housekeep();
  }

  async restore(options: Partial<MailRestoreOptions> = {}): Promise<MailRestored> {
    return using(this.place, 'read', async (repository) => {
      const backup = await BackedUpStore.open(await repository.snapshot('latest'), this.folder, {});
      try {
        const source = await backup.account('anna@office.test');
        return await restoreMail(
          { store: this.store, account: this.anna, backup, source },
          { onProgress: () => {}, signal: new AbortController().signal, ...options },
        );
      } finally {
        await backup.close();
      }
    });
  }

  /** What a person has, by folder: subject, UIDL, email and flags. */
  async mail(): Promise<Record<string, readonly string[]>> {
    const mail: Record<string, readonly string[]> = {};
    for (const { id: mailbox, path } of await this.store.mailboxes.list(this.anna)) {
      const view = await this.store.view({ account: this.anna, mailbox });
      if (view.length === 0) continue;
      const lines: string[] = [];
      for (let index = 0; index < view.length; index++) {
        const [record] = await this.store.emails(this.anna, [view.email(index)]);
        const flags = flagNames(view.entry(index).flags).join(' ');
        lines.push(`${record!.analysis.subject} ${view.uidl(index)} ${view.email(index)} ${flags}`.trim());
      }
      mail[path] = lines.sort();
    }
    return mail;
  }

  async assertWhole(): Promise<void> {
    assert.deepEqual((await this.store.verify()).findings, []);
    assert.ok(!existsSync(join(this.folder, 'scratch')) || (await readdir(join(this.folder, 'scratch'))).length === 0);
  }
}

const summary = ({ restored, undeleted, there }: MailRestored) => ({ restored, undeleted, there });

test('what is gone comes back with its ids; what was moved, read or removed meanwhile is not doubled', async (t) => {
  const office = await Office.open(t);
  const { store, inbox } = office;
  const archive = await mailboxNamed(store, office.anna, 'Archive');
  for (let number = 1; number <= 10; number++) await deliver(store, office.anna, `Letter ${number}`);
  await store.messages.storeFlags(
    inbox,
    [1, 2].map((uid) => uid as Uid),
    { how: 'add', flags: flagsFrom(['\\Flagged', 'Work']) },
  );
  await store.messages.copy(inbox, [9 as Uid], archive);
  const before = await office.mail();
  const bytes = await bytesOf(store, inbox, 1);
  await office.backUp();

  await office.purge(
    inbox,
    [1, 2, 3, 9].map((uid) => uid as Uid),
  );
  await store.messages.expunge(inbox, [4 as Uid]);
  await store.messages.move(inbox, [5 as Uid], archive);
  await store.messages.storeFlags(inbox, [6 as Uid], { how: 'add', flags: flagsFrom(['\\Seen']) });
  await deliver(store, office.anna, 'After');
  const { uidnext } = await store.view(inbox);

  assert.deepEqual(summary(await office.restore()), { restored: 4, undeleted: 1, there: 6 });

  const after = await office.mail();
  const expected = { ...before, INBOX: before['INBOX']!.filter((line) => !line.startsWith('Letter 5')) };
  const moved = before['INBOX']!.find((line) => line.startsWith('Letter 5'))!;
  assert.deepEqual(after['Archive'], [...before['Archive']!, moved].sort());
  assert.deepEqual(
    after['INBOX']!.filter((line) => !line.startsWith('After')).map((line) => line.replace(' \\Seen', '')),
    expected.INBOX,
  );
  const view = await store.view(inbox);
  const back = Array.from({ length: view.length }, (_, index) => view.uid(index)).filter((uid) => uid >= uidnext);
  assert.equal(back.length, 5);
  const subjects = await Promise.all(back.map(async (uid) => (await bytesOf(store, inbox, uid)).toString()));
  assert.ok(subjects.includes(bytes.toString()));
  await office.assertWhole();

  assert.deepEqual(summary(await office.restore()), { restored: 0, undeleted: 0, there: 11 });
  assert.deepEqual(await office.mail(), after);
});

test('a folder that is gone is made anew, with its special use and those below it', async (t) => {
  const office = await Office.open(t);
  const { store, anna } = office;
  await store.mailboxes.create(anna, 'Projects/2026/Bridge');
  await appendTo(store, await mailboxNamed(store, anna, 'Projects/2026/Bridge'), 'Plan', ['\\Seen']);
  await appendTo(store, await mailboxNamed(store, anna, 'Sent'), 'Hello');
  const before = await office.mail();
  await office.backUp();
  for (const path of ['Projects/2026/Bridge', 'Projects/2026', 'Projects', 'Sent'])
    await store.mailboxes.delete(anna, (await mailboxNamed(store, anna, path)).mailbox);
  await store.engine.write(async (tx) => tx.run(EXPIRE));
  await store.housekeep();

  const { folders } = await office.restore();

  assert.deepEqual(folders, [
    { path: 'Projects/2026/Bridge', messages: 1 },
    { path: 'Sent', messages: 1 },
  ]);
  assert.deepEqual(await office.mail(), before);
  assert.equal((await store.mailboxes.list(anna)).find(({ path }) => path === 'Sent')?.role, 'sent');
  await office.assertWhole();
});

test('one folder, some words, or one Message-ID are enough to say what is wanted', async (t) => {
  const office = await Office.open(t);
  const { store, inbox, anna } = office;
  const archive = await mailboxNamed(store, anna, 'Archive');
  for (let number = 1; number <= 5; number++) {
    await deliver(store, anna, `Invoice-${number}`);
    await appendTo(store, archive, `Report-${number}`);
  }
  await office.backUp();
  await office.purge(
    inbox,
    [1, 2, 3, 4, 5].map((uid) => uid as Uid),
  );
  await office.purge(
    archive,
    [1, 2, 3, 4, 5].map((uid) => uid as Uid),
  );

  assert.deepEqual(summary(await office.restore({ query: 'INVOICE-3' })), { restored: 1, undeleted: 0, there: 0 });
  assert.deepEqual(summary(await office.restore({ messageId: '<Report-2@office.test>' })), {
    restored: 1,
    undeleted: 0,
    there: 0,
  });
  assert.deepEqual(summary(await office.restore({ folder: 'inbox' })), { restored: 4, undeleted: 0, there: 1 });
  assert.deepEqual(summary(await office.restore({ folder: 'inbox', query: 'report' })), {
    restored: 0,
    undeleted: 0,
    there: 0,
  });
  await assert.rejects(office.restore({ folder: 'Nowhere' }), (error: Refused) => error.code === 'mailbox.missing');
  assert.equal((await store.view(archive)).length, 1);
  await office.assertWhole();
});

test('beside what is there, copies go into a folder of their own, and share what is there of their content', async (t) => {
  const office = await Office.open(t);
  const { store, inbox, anna } = office;
  await deliver(store, anna, 'There');
  const gone = await deliver(store, anna, 'Gone');
  await store.mailboxes.create(anna, 'Archive/2026');
  await appendTo(store, await mailboxNamed(store, anna, 'Archive/2026'), 'Old', ['\\Deleted', '\\Seen']);
  await office.backUp();
  await office.purge(inbox, [gone.uid]);
  const before = await office.mail();

  assert.deepEqual(summary(await office.restore({ beside: 'Restored' })), { restored: 3, undeleted: 0, there: 0 });
  const { INBOX, 'Archive/2026': old, ...beside } = await office.mail();
  assert.deepEqual({ INBOX, 'Archive/2026': old }, before);
  assert.deepEqual(Object.keys(beside), ['Restored/Archive/2026', 'Restored/INBOX']);
  const there = await store.view(inbox);
  const copy = await store.view(await mailboxNamed(store, anna, 'Restored/INBOX'));
  assert.ok([copy.email(0), copy.email(1)].includes(there.email(0)));
  assert.ok(![copy.item(0), copy.item(1)].includes(there.item(0)));
  assert.match(beside['Restored/Archive/2026']![0]!, /^Old \d+ \d+ \\Seen$/);
  await office.assertWhole();

  assert.deepEqual(summary(await office.restore({ beside: 'Restored' })), { restored: 0, undeleted: 0, there: 3 });
  const one = await office.restore({ beside: 'Only', folder: 'Archive/2026' });
  assert.deepEqual(one.folders, [{ path: 'Only', messages: 1 }]);
});

test('a message in a segment of its own comes back whole', async (t) => {
  const office = await Office.open(t);
  const { store, inbox } = office;
  const large = message('Large', 3_000_000);
  await store.append(inbox, [{ staged: await stage(store, large), flags: flagsFrom([]), uidl: 'elsewhere-1' }]);
  await office.backUp();
  await office.purge(inbox, [1 as Uid]);
  assert.deepEqual(summary(await office.restore()), { restored: 1, undeleted: 0, there: 0 });
  const view = await store.view(inbox);
  assert.equal(view.uidl(0), 'elsewhere-1');
  assert.ok((await bytesOf(store, inbox, view.uid(0))).equals(large));
  await office.assertWhole();
});

test('one that is stopped goes on, and nothing comes twice', async (t) => {
  const office = await Office.open(t);
  const { store, inbox, anna } = office;
  const box = await store.mailboxes.create(anna, 'More');
  for (let number = 0; number < 30; number++) await deliver(store, anna, `Letter ${number}`);
  const uids = Array.from({ length: 30 }, (_, index) => (index + 1) as Uid);
  await store.messages.move(inbox, uids.slice(15), { account: anna, mailbox: box.id });
  const before = await office.mail();
  await office.backUp();
  await office.purge(inbox, uids.slice(0, 15));
  await office.purge({ account: anna, mailbox: box.id }, uids.slice(0, 15));
  const stop = new AbortController();
  const first = await office.restore({ signal: stop.signal, onProgress: () => stop.abort() });
  assert.deepEqual(summary(first), { restored: 15, undeleted: 0, there: 0 });
  assert.deepEqual(summary(await office.restore()), { restored: 15, undeleted: 0, there: 15 });
  assert.deepEqual(await office.mail(), before);
  await office.assertWhole();
});

test('beyond the quota it ends clearly, and what came back stays', async (t) => {
  const office = await Office.open(t);
  const { store, inbox } = office;
  await deliver(store, office.anna, 'Letter');
  await office.backUp();
  await office.purge(inbox, [1 as Uid]);
  await store.engine.write(async (tx) => tx.run(LIMIT, 100, office.anna));
  await assert.rejects(office.restore(), (error: Refused) => error.code === 'quota.exceeded');
  assert.equal((await store.view(inbox)).length, 0);
  assert.deepEqual(summary(await office.restore({ overQuota: true })), { restored: 1, undeleted: 0, there: 0 });
  await office.assertWhole();
});

test('an account of the same name that is another one gets copies beside, with ids of its own', async (t) => {
  const office = await Office.open(t);
  const { store } = office;
  for (let number = 0; number < 5; number++) await deliver(store, office.anna, `Letter ${number}`);
  await office.backUp();
  await store.engine.write(async (tx) => tx.run(REMOVE, office.anna));
  await store.housekeep();
  office.anna = await newAccount(store, 'anna');
  await deliver(store, office.anna, 'Mine');

  await assert.rejects(office.restore(), (error: Refused) => error.code === 'restore.other-account');
  assert.deepEqual(summary(await office.restore({ beside: 'Before' })), { restored: 5, undeleted: 0, there: 0 });
  await assert.rejects(office.restore({ beside: 'Before' }), (error: Refused) => error.code === 'mailbox.exists');
  const mail = await office.mail();
  const uidls = Object.values(mail)
    .flat()
    .map((line) => line.split(' ').at(-2));
  assert.equal(new Set(uidls).size, 6);
  await office.assertWhole();
});

test('a backup that has no such account says so, and scratch copies that a crash left are removed', async (t) => {
  const office = await Office.open(t);
  await office.backUp();
  await using(office.place, 'read', async (repository) => {
    const backup = await BackedUpStore.open(await repository.snapshot('latest'), office.folder, {});
    await assert.rejects(backup.account('nobody@office.test'), (error: Refused) => error.code === 'backup.missing');
    assert.equal((await readdir(join(office.folder, 'scratch'))).length, 1);
    await clearScratch(office.folder); // as at the next start
    assert.ok(!existsSync(join(office.folder, 'scratch')));
    await backup.close();
  });
});

test('a message whose bytes were damaged since gets them back where it is, under the ids it has', async (t) => {
  const office = await Office.open(t);
  await deliver(office.store, office.anna, 'first');
  const { uid, email } = await deliver(office.store, office.anna, 'second');
  await office.backUp();
  const segments = join(office.folder, 'segments');
  for (const name of await readdir(segments)) {
    const bytes = await readFile(join(segments, name));
    const at = bytes.indexOf('Subject: second');
    if (at !== -1) bytes[at + 9]! ^= 1;
    await writeFile(join(segments, name), bytes);
  }
  await assert.rejects(bytesOf(office.store, office.inbox, uid), { code: 'message.damaged' });

  const { restored, there } = await office.restore();
  assert.deepEqual({ restored, there }, { restored: 1, there: 1 });
  const view = await office.store.view(office.inbox);
  assert.equal(view.email(view.indexOf(uid)), email);
  assert.ok((await bytesOf(office.store, office.inbox, uid)).toString().endsWith(message('second').toString()));
  assert.deepEqual((await office.store.verify()).findings, []);
});
