/** An open session retrieves what was on its list when it began, whatever is purged meanwhile. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sql } from '../../src/store/engine/sql.ts';
import type { ItemId, Uid } from '../../src/store/ids.ts';
import { Leases } from '../../src/store/leases.ts';
import { setHold } from '../../src/store/operations/hold.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import { purgeItems } from '../../src/store/operations/purge.ts';
import { type DeviceRoom, deviceRoom, letter, subjectOf } from './device-room.ts';

const REMOVED_LONG_AGO = sql('UPDATE retained SET removed = removed - 3600 WHERE account_id = ? AND item_id = ?');

const RETAINED = sql<readonly [count: number]>('SELECT retained_count FROM account WHERE account_id = ?');

interface LeaseRoom extends DeviceRoom {
  /** Expunges everything from INBOX, as another program would. @returns the items */
  expungeAll(): Promise<ItemId[]>;
  /** How many removed messages are still there, listed or not. */
  retained(): Promise<number>;
  /** True when the text is in any file of bodies. */
  isOnDisk(text: string): Promise<boolean>;
}

async function leaseRoom(t: TestContext, storeOptions: object = {}): Promise<LeaseRoom> {
  const room = await deviceRoom(t, { storeOptions: { housekeepingEvery: 2 ** 31 - 1, ...storeOptions } });
  const inbox = { account: room.account, mailbox: INBOX };
  return {
    ...room,
    async expungeAll() {
      const view = await room.store.view(inbox);
      const indexes = Array.from({ length: view.length }, (_, index) => index);
      const items = indexes.map((index) => view.item(index));
      await room.store.messages.expunge(
        inbox,
        indexes.map((index): Uid => view.uid(index)),
      );
      return items;
    },
    retained: () => room.store.engine.read(async (tx) => (await tx.get(RETAINED, room.account))![0], room.account),
    async isOnDisk(text) {
      const folder = join(room.folder, 'segments');
      for (const name of await readdir(folder)) {
        if ((await readFile(join(folder, name))).includes(text)) return true;
      }
      return false;
    },
  };
}

test('what an administrator purges is there for a session that began before, and gone when it ends', async (t) => {
  const room = await leaseRoom(t);
  const { store, account } = room;
  await room.deliver('anna', letter('Salaries'));
  await room.deliver('anna', letter('Lunch'));
  const client = await room.shared.open();
  const items = await room.expungeAll();
  const purged = await store.retained.purge(account, items);
  assert.deepEqual({ messages: purged.messages, leased: purged.leased }, { messages: 0, leased: 2 });
  assert.deepEqual((await store.retained.choose(account, {}, {})).items, [], 'nobody can bring it back');
  assert.deepEqual((await store.retained.choose(account, { items }, {})).items, []);
  await store.housekeep();
  assert.equal(subjectOf(await client.lines('RETR 1')), 'Salaries');
  assert.equal(subjectOf(await client.lines('TOP 2 0')), 'Lunch');
  client.send('QUIT\r\n');
  await client.untilEnd();
  await store.housekeep(); // joins what the session's end began
  assert.equal(await room.isOnDisk('Salaries'), false);
  assert.equal(await room.retained(), 0);
  assert.deepEqual((await store.verify()).findings, []);
});

test('mail past its time or beyond the cap waits for open sessions', async (t) => {
  const room = await leaseRoom(t, { retentionDays: 0, retainedCapBytes: 0 });
  for (const subject of ['One', 'Two']) await room.deliver('anna', letter(subject));
  const [first, second] = [await room.shared.open(), await room.shared.open()];
  await room.expungeAll();
  await room.store.housekeep();
  assert.equal(subjectOf(await first.lines('RETR 1')), 'One');
  first.send('QUIT\r\n');
  await first.untilEnd();
  await room.store.housekeep();
  assert.equal(subjectOf(await second.lines('RETR 2')), 'Two');
  second.send('QUIT\r\n');
  await second.untilEnd();
  await room.store.housekeep();
  assert.equal(await room.retained(), 0);
});

test('a session reads on when the file it reads from is rewritten', async (t) => {
  const room = await leaseRoom(t);
  const { store, account } = room;
  for (const subject of ['Secret', 'Living', 'Removed']) await room.deliver('anna', letter(subject));
  const [secret] = await room.expungeAll();
  await store.retained.restore(account, await store.retained.choose(account, { query: 'living' }, {}), {});
  await store.retained.restore(account, await store.retained.choose(account, { query: 'removed' }, {}), {});
  await store.engine.write(async (tx) => tx.run(REMOVED_LONG_AGO, account, secret!));
  const client = await room.shared.open();
  assert.equal(subjectOf(await client.lines('RETR 1')), 'Living'); // now it knows where the bodies are
  await room.expungeAll();
  const purged = await store.retained.purge(account, [secret!]);
  assert.deepEqual(
    { messages: purged.messages, segmentsWaiting: purged.segmentsWaiting },
    { messages: 1, segmentsWaiting: 0 },
  );
  assert.equal(await room.isOnDisk('Secret'), false);
  assert.equal(subjectOf(await client.lines('RETR 1')), 'Living');
  assert.equal(subjectOf(await client.lines('RETR 2')), 'Removed');
});

test('a message that is gone all the same is refused clearly, and the session goes on', async (t) => {
  const room = await leaseRoom(t);
  const { store, account } = room;
  for (const subject of ['Gone', 'There']) await room.deliver('anna', letter(subject));
  const client = await room.shared.open();
  const [gone] = await room.expungeAll();
  await store.engine.write((tx) =>
    purgeItems(tx, account, [gone!], { leasedSince: Number.MAX_SAFE_INTEGER, by: undefined }),
  );
  assert.match(await client.ask('RETR 1'), /^-ERR That message was removed meanwhile/);
  assert.match(await client.ask('TOP 1 0'), /^-ERR That message was removed meanwhile/);
  assert.equal(subjectOf(await client.lines('RETR 2')), 'There');
});

test('what was to be purged after a session is kept, and listed, when the account is held meanwhile', async (t) => {
  const room = await leaseRoom(t);
  const { store, account } = room;
  await room.deliver('anna', letter('Evidence'));
  const client = await room.shared.open();
  await store.retained.purge(account, await room.expungeAll());
  await store.engine.write((tx) => setHold(tx, account, 1));
  client.send('QUIT\r\n');
  await client.untilEnd();
  await store.housekeep();
  assert.equal((await store.retained.choose(account, {}, {})).items.length, 1);
});

test('a lease that nobody renews ends, and so does one whose session ends', () => {
  const freed: number[] = [];
  const leases = new Leases((account) => freed.push(account));
  const account = 7 as never;
  const never = leases.take(account, -1);
  assert.equal(leases.since(account), Number.MAX_SAFE_INTEGER);
  const [one, two] = [leases.take(account, 60_000), leases.take(account, 60_000)];
  assert.ok(leases.since(account) <= Date.now() / 1_000);
  leases.purgeWaits(account);
  one.end();
  one.end();
  never.end();
  assert.deepEqual(freed, []);
  two.end();
  assert.deepEqual(freed, [account]);
  leases.purgeWaits(account);
  assert.deepEqual(freed, [account, account]);
});
