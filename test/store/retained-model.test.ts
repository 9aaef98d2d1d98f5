/**
 * Random histories of an account whose mail is removed, brought back, purged, held and grows old, against a plain model: nothing goes but what was
 * purged or past its time, nothing comes twice, and everything that is there is whole.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { flagNames } from '../../src/store/flags.ts';
import type { AccountId, EmailId, ItemId, Uid } from '../../src/store/ids.ts';
import { releaseHold, setHold } from '../../src/store/operations/hold.ts';
import type { MailStore } from '../../src/store/store.ts';
import fc from '../helpers/properties.ts';
import { appendTo, bytesOf, message, newAccount, openStore, temporaryFolder } from './helpers.ts';

interface ModelMessage {
  readonly item: ItemId;
  readonly email: EmailId;
  readonly subject: string;
  readonly flags: readonly string[];
}

interface Removed extends ModelMessage {
  readonly folder: string;
  readonly isOld: boolean;
}

class Model {
  readonly folders = new Map<string, ModelMessage[]>();
  readonly removed = new Map<ItemId, Removed>();
  held = false;

  remove(folder: string, messages: readonly ModelMessage[]): void {
    const left = this.folders.get(folder)!.filter((each) => !messages.includes(each));
    this.folders.set(folder, left);
    for (const each of messages) this.removed.set(each.item, { ...each, folder, isOld: false });
  }

  /** What would be offered, in the order in which it came. */
  offered(copies: boolean): ItemId[] {
    const live = new Set([...this.folders.values()].flat().map(({ email }) => email));
    const items = [...this.removed.values()].filter(({ email }) => copies || !live.has(email));
    return items.map(({ item }) => item).sort((a, b) => a - b);
  }
}

const FOLDERS = ['INBOX', 'Work', 'Work/Plans'] as const;

interface Step {
  readonly kind:
    | 'append'
    | 'expunge'
    | 'copy'
    | 'move'
    | 'delete folder'
    | 'restore'
    | 'redeliver'
    | 'purge'
    | 'hold'
    | 'release'
    | 'age'
    | 'housekeep';
  readonly folder: (typeof FOLDERS)[number];
  readonly other: (typeof FOLDERS)[number];
  readonly pick: number;
  readonly copies: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    'append',
    'append',
    'append',
    'expunge',
    'expunge',
    'copy',
    'move',
    'delete folder',
    'restore',
    'restore',
    'redeliver',
    'purge',
    'hold',
    'release',
    'age',
    'housekeep',
  ),
  folder: fc.constantFrom(...FOLDERS),
  other: fc.constantFrom(...FOLDERS),
  pick: fc.integer({ min: 1, max: 255 }),
  copies: fc.boolean(),
});

const OLDER = sql(`
  UPDATE retained SET removed = removed - 2000000, expires = expires - 2000000 WHERE account_id = ?`);

test('random histories lose nothing but what was purged or past its time, and never what is held', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder, { segmentBytes: 20_000 });
  let people = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (history) => {
      const account = await newAccount(store, `person${people++}`);
      const model = new Model();
      for (const path of FOLDERS) {
        if (path !== 'INBOX') await store.mailboxes.create(account, path);
        model.folders.set(path, []);
      }
      for (const [index, each] of history.entries()) await perform(store, account, model, each, index);
      await compare(store, account, model);
    }),
    { numRuns: 80 },
  );
  assert.deepEqual((await store.verify()).findings, []);
  await store.close();
  store = await openStore(t, folder);
  assert.deepEqual((await store.verify()).findings, []);
});

async function keyOf(store: MailStore, account: AccountId, path: string): Promise<MailboxKey | undefined> {
  const mailbox = (await store.mailboxes.list(account)).find((each) => each.path === path && each.selectable);
  return mailbox && { account, mailbox: mailbox.id };
}

/** Every other, third, ... as the bits of `pick` say. */
function picked<T>(from: readonly T[], { pick }: Step): T[] {
  return from.filter((_, index) => (pick >> (index % 8)) & 1);
}

async function uidsOf(store: MailStore, key: MailboxKey, messages: readonly ModelMessage[]): Promise<Uid[]> {
  const items = new Set(messages.map(({ item }) => item));
  const view = await store.view(key);
  const indexes = Array.from({ length: view.length }, (_, index) => index).filter((at) => items.has(view.item(at)));
  return indexes.map((index) => view.uid(index));
}

async function perform(store: MailStore, account: AccountId, model: Model, step: Step, index: number): Promise<void> {
  const { kind, folder, other, copies } = step;
  switch (kind) {
    case 'hold':
      await store.engine.write((tx) => setHold(tx, account, 1));
      model.held = true;
      return;
    case 'release':
      await store.engine.write((tx) => releaseHold(tx, account));
      model.held = false;
      return;
    case 'age':
      await store.engine.write(async (tx) => tx.run(OLDER, account));
      for (const each of model.removed.values()) model.removed.set(each.item, { ...each, isOld: true });
      return;
    case 'housekeep':
      await store.housekeep();
      for (const { item, isOld } of [...model.removed.values()]) if (isOld && !model.held) model.removed.delete(item);
      return;
    case 'restore':
    case 'redeliver':
      return restore(store, account, model, step);
    case 'purge': {
      const chosen = await store.retained.choose(account, {}, { copies });
      const items = picked(chosen.items, step);
      const purging = store.retained.purge(account, items);
      if (model.held) return assert.rejects(purging, { code: 'account.held' });
      await purging;
      for (const item of items) model.removed.delete(item);
      return;
    }
  }
  const key = await keyOf(store, account, folder);
  const messages = model.folders.get(folder);
  if (key === undefined || messages === undefined) return assert.equal(key, messages as undefined);
  const some = picked(messages, step);
  switch (kind) {
    case 'append': {
      const subject = `${account}-${index}`;
      const flags = step.copies ? ['\\Seen', 'Later'] : [];
      const uid = await appendTo(store, key, subject, flags);
      const view = await store.view(key);
      const at = view.indexOf(uid);
      messages.push({ item: view.item(at), email: view.email(at), subject, flags });
      return;
    }
    case 'expunge':
      await store.messages.expunge(key, await uidsOf(store, key, some));
      return model.remove(folder, some);
    case 'delete folder':
      if (folder === 'INBOX') return;
      await store.mailboxes.delete(account, key.mailbox);
      model.remove(folder, messages);
      model.folders.delete(folder);
      return;
    case 'copy':
    case 'move': {
      const to = await keyOf(store, account, other);
      if (to === undefined || other === folder) return;
      const uids = await uidsOf(store, key, some);
      const done =
        kind === 'copy' ? await store.messages.copy(key, uids, to) : await store.messages.move(key, uids, to);
      if (kind === 'move')
        model.folders.set(
          folder,
          messages.filter((each) => !some.includes(each)),
        );
      const view = await store.view(to);
      for (const [at, each] of some.entries()) {
        model.folders.get(other)!.push({ ...each, item: view.item(view.indexOf(done.uids[at]!)) });
      }
    }
  }
}

async function restore(store: MailStore, account: AccountId, model: Model, step: Step): Promise<void> {
  const chosen = await store.retained.choose(account, {}, { copies: step.copies });
  assert.deepEqual(chosen.items, model.offered(step.copies));
  const items = picked(chosen.items, step);
  const redeliver = step.kind === 'redeliver';
  const present = new Set((await store.mailboxes.list(account)).map(({ path }) => path));
  const restored = await store.retained.restore(account, { items, bytes: 0 }, { redeliver });
  assert.equal(restored.messages, items.length);
  for (const item of items) {
    const { folder, isOld: _, ...each } = model.removed.get(item)!;
    model.removed.delete(item);
    // Work is made again for what was below it, unless it stayed as a place.
    if (folder === 'Work/Plans' && !present.has('Work') && !model.folders.has('Work')) model.folders.set('Work', []);
    const inFolder = model.folders.get(folder) ?? [];
    model.folders.set(folder, inFolder);
    const key = (await keyOf(store, account, folder))!;
    inFolder.push(redeliver ? { ...each, item: await newItem(store, key, each.email, model) } : each);
  }
}

/** The item that came back as a new one: not known before. */
async function newItem(store: MailStore, key: MailboxKey, email: number, model: Model): Promise<ItemId> {
  const known = new Set([...model.folders.values()].flat().map(({ item }) => item));
  const view = await store.view(key);
  for (let index = 0; index < view.length; index++) {
    if (view.email(index) === email && !known.has(view.item(index))) return view.item(index);
  }
  throw new Error('nothing came back');
}

async function compare(store: MailStore, account: AccountId, model: Model): Promise<void> {
  const selectable = (await store.mailboxes.list(account)).filter(
    (each) => each.selectable && each.path.match(/INBOX|Work/),
  );
  assert.deepEqual(selectable.map(({ path }) => path).sort(), [...model.folders.keys()].sort());
  for (const { id, path } of selectable) {
    const key = { account, mailbox: id };
    const view = await store.view(key);
    const there = Array.from({ length: view.length }, (_, index) => view.entry(index));
    const plain = there.map(({ item, email, flags }) => ({ item, email, flags: flagNames(flags) }));
    const byItem = (a: { item: number }, b: { item: number }) => a.item - b.item;
    const expected = model.folders.get(path)!.toSorted(byItem);
    assert.deepEqual(
      plain.sort(byItem),
      expected.map(({ item, email, flags }) => ({ item, email, flags })),
    );
    for (const { uid, item } of there) {
      const { subject } = expected.find((each) => each.item === item)!;
      assert.deepEqual(await bytesOf(store, key, uid), message(subject));
    }
  }
  const kept = (await Array.fromAsync(store.retained.find(account, {}))).flat();
  assert.deepEqual(
    kept.map(({ item, subject, place }) => `${item} ${subject} ${place.path}`).sort(),
    [...model.removed.values()].map(({ item, subject, folder }) => `${item} ${subject} ${folder}`).sort(),
  );
}

test('the model notices a message that is lost', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const account = await newAccount(store, 'anna');
  const model = new Model();
  for (const path of FOLDERS) {
    if (path !== 'INBOX') await store.mailboxes.create(account, path);
    model.folders.set(path, []);
  }
  const common = { folder: 'Work', other: 'INBOX', pick: 255, copies: false } as const;
  for (const kind of ['append', 'expunge'] as const) await perform(store, account, model, { kind, ...common }, 0);
  await compare(store, account, model);
  await store.engine.write(async (tx) => tx.run(LOSE, account));
  await assert.rejects(compare(store, account, model), assert.AssertionError);
});

const LOSE = sql('DELETE FROM retained WHERE account_id = ?');
