/** A whole server comes back into an empty directory, however often the restore is broken off, or it is refused clearly. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { restoreServer, type ServerRestored } from '../../src/backup/restore/server.ts';
import { runBackup } from '../../src/backup/run.ts';
import { Refused } from '../../src/errors.ts';
import type { OnProgress } from '../../src/progress.ts';
import { openOffice } from '../../src/server/office.ts';
import { flagsFrom } from '../../src/store/flags.ts';
import { type AccountId, nowSeconds } from '../../src/store/ids.ts';
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
  temporaryStore,
} from '../store/helpers.ts';
import { emptyRepository, type Place, using } from './helpers.ts';

const SEGMENT_BYTES = 64 << 10;

/** A store with mail of two people in several segments, one message in a segment of its own, and its backup. */
async function backedUpStore(t: TestContext) {
  const folder = await temporaryFolder(t);
  const store = await temporaryStore(t, { segmentBytes: SEGMENT_BYTES });
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  for (let number = 0; number < 40; number++) {
    const staged = await stage(store, message(`Letter ${number}`, 10_000));
    await store.deliver(
      staged,
      [anna, ben].map((account) => ({ account, prefix: Buffer.from('X-For: you\r\n') })),
    );
  }
  await store.append(await mailboxNamed(store, anna, 'Archive'), [
    {
      staged: await stage(store, message('Large', 1_500_000)),
      flags: flagsFrom(['\\Seen', 'Later']),
      uidl: 'from-elsewhere',
    },
  ]);
  await store.messages.storeFlags(inboxOf(ben), [(await store.view(inboxOf(ben))).uid(3)], {
    how: 'add',
    flags: flagsFrom(['\\Flagged']),
  });
  const recipients = [{ address: 'carl@example.net', destination: 'example.net' }];
  const expires = nowSeconds() - 86_400; // while the backup lay there
  const outbound = [{ account: anna, sender: 'anna@office.test', recipients, expires }];
  await store.deliver(await stage(store, message('Offer')), [], { outbound });
  await writeFile(join(folder, 'rainmail.toml'), 'name = "mail.office.test"\n');
  const place = await emptyRepository(t);
  await using(place, 'add', (repository) =>
    runBackup(
      { store, files: [{ name: 'configuration/rainmail.toml', path: join(folder, 'rainmail.toml') }], version: 'test' },
      repository,
    ),
  );
  return { store, place, data: join(folder, 'restored'), accounts: [anna, ben] };
}

interface Attempt {
  readonly configuration?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

function restore(place: Place, data: string, attempt: Attempt = {}): Promise<ServerRestored> {
  return using(place, 'read', async (repository) =>
    restoreServer(await repository.snapshot('latest'), {
      data,
      configuration: attempt.configuration ?? join(data, 'restored.toml'),
      actor: 'the test',
      onProgress: attempt.onProgress ?? (() => {}),
      signal: attempt.signal ?? new AbortController().signal,
    }),
  );
}

/** All that a client sees of messages, by account and folder; modseqs apart. */
async function everything(store: MailStore, accounts: readonly AccountId[]): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const account of accounts) {
    for (const { id: mailbox, path, uidvalidity, role } of await store.mailboxes.list(account)) {
      const view = await store.view({ account, mailbox });
      for (let index = 0; index < view.length; index++) {
        const { modseq: _, ...entry } = view.entry(index);
        const bytes = await bytesOf(store, { account, mailbox }, entry.uid);
        all.push({
          account,
          path,
          uidvalidity,
          role,
          ...entry,
          uidl: view.uidl(index),
          bytes: bytes.toString('latin1'),
        });
      }
    }
  }
  return all;
}

async function assertRestored(t: TestContext, data: string, store: MailStore, accounts: readonly AccountId[]) {
  const restored = await openStore(t, data);
  assert.equal(restored.recovered.clean, true);
  assert.deepEqual(await everything(restored, accounts), await everything(store, accounts));
  assert.deepEqual((await restored.verify()).findings, []);
  return restored;
}

test('everything comes back: messages with flags, dates, UIDs, UIDLs and bytes, and the configuration', async (t) => {
  const { store, place, data, accounts } = await backedUpStore(t);
  const done = await restore(place, data);
  assert.deepEqual(
    { accounts: done.accounts, messages: done.messages, findings: done.findings },
    { accounts: 2, messages: 81, findings: [] },
  );
  assert.equal(await readFile(join(data, 'restored.toml'), 'utf8'), 'name = "mail.office.test"\n');
  assert.deepEqual((await readdir(data)).sort(), ['lock.db', 'mail.db', 'restored.toml', 'segments']);
  assert.equal((await stat(data)).mode & 0o777, 0o700);
  const restored = await assertRestored(t, data, store, accounts);
  // What was to leave waits for somebody who knows whether it has: it is not sent, nor told of as too late.
  assert.equal(done.heldBack, 1);
  assert.partialDeepStrictEqual(await restored.queue.size(), { messages: 1, held: 1 });
  assert.deepEqual(await restored.queue.destinationsDue(10), []);
  assert.deepEqual(await restored.queue.overdue(10), { expired: [], late: [] });
  await deliver(restored, accounts[0]!, 'After');
  await appendTo(restored, inboxOf(accounts[1]!), 'After');
});

test('a directory that holds anything, and a configuration that is there, are left alone', async (t) => {
  const { place, data } = await backedUpStore(t);
  await mkdir(data);
  await writeFile(join(data, 'letter.txt'), 'mine');
  await assert.rejects(
    restore(place, data),
    (error: Refused) => error.code === 'restore.place' && /letter\.txt/.test(error.message),
  );
  assert.deepEqual(await readdir(data), ['letter.txt']);
  await rm(join(data, 'letter.txt'));
  const configuration = join(data, '..', 'there.toml');
  await writeFile(configuration, 'mine');
  await assert.rejects(restore(place, data, { configuration }), (error: Refused) => error.code === 'restore.place');
  assert.equal(await readFile(configuration, 'utf8'), 'mine');
  assert.deepEqual(await readdir(data), []);
});

test('one that is broken off at any moment goes on, and mends what was damaged meanwhile', async (t) => {
  const { store, place, data, accounts } = await backedUpStore(t);
  let attempts = 0;
  for (let stopAt = 1; ; stopAt++) {
    const stop = new AbortController();
    let heard = 0;
    try {
      await restore(place, data, { signal: stop.signal, onProgress: () => ++heard === stopAt && stop.abort() });
      break;
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      attempts++;
      assert.ok(!existsSync(join(data, 'mail.db')));
      const office = openOffice({ data, create: true, command: 'serve' });
      await assert.rejects(office, (refusal: Refused) => refusal.code === 'restore.unfinished');
      const [segment] = (await readdir(join(data, 'segments'))).filter((name) => name.endsWith('.seg'));
      if (segment !== undefined && attempts % 2 === 0) await flip(join(data, 'segments', segment), 20_000);
    }
  }
  assert.ok(attempts >= 1, `${attempts} attempts`); // how often progress is told depends on how fast it is
  await assertRestored(t, data, store, accounts);
});

test('one that was begun with another backup is not gone on with', async (t) => {
  const { store, place, data } = await backedUpStore(t);
  const stop = new AbortController();
  await assert.rejects(restore(place, data, { signal: stop.signal, onProgress: () => stop.abort() }));
  await using(place, 'add', (repository) => runBackup({ store, files: [], version: 'test' }, repository));
  await assert.rejects(
    restore(place, data),
    (error: Refused) => error.code === 'restore.place' && /--backup \d{8}-/.test(error.message),
  );
});

test('a backup that lacks anything is refused by name before anything is written', async (t) => {
  const { place, data } = await backedUpStore(t);
  const packs = join(place.directory, 'packs');
  for (const name of await readdir(packs)) await truncate(join(packs, name), 1_000);
  await assert.rejects(
    restore(place, data),
    (error: Refused) =>
      error instanceof Refused && error.code === 'backup.damaged' && /The backup \d{8}-\d{6}-/.test(error.message),
  );
  assert.ok(!existsSync(join(data, 'mail.db')));
  assert.deepEqual(await readdir(join(data, 'segments')), []);
});

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 0x10;
  await writeFile(path, bytes);
}
