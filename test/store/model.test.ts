/** Random histories of one account against a plain model: what the store shows is what the model says, also after it was closed and opened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailboxKey } from '../../src/store/api.ts';
import { changeFlags, type FlagChange, type Flags, flagNames, flagsFrom } from '../../src/store/flags.ts';
import type { AccountId, Uid } from '../../src/store/ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import fc from '../helpers/properties.ts';
import { appendTo, deliver, inboxOf, mailboxNamed, newAccount, openStore, temporaryFolder } from './helpers.ts';

interface ModelMessage {
  readonly uid: number;
  flags: Flags;
  readonly item: number;
}

interface ModelMailbox {
  readonly messages: Map<number, ModelMessage>;
  highestUid: number;
}

type Step =
  | { readonly kind: 'deliver' }
  | {
      readonly kind: 'append' | 'store' | 'expunge' | 'copy' | 'move';
      readonly box: number;
      readonly pick: number;
      readonly change: FlagChange;
    };

const changes: fc.Arbitrary<FlagChange> = fc.record({
  how: fc.constantFrom('set' as const, 'add' as const, 'remove' as const),
  flags: fc.subarray(['\\Seen', '\\Deleted', '\\Flagged', 'Later', '$Junk']).map(flagsFrom),
});

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.constant({ kind: 'deliver' as const }),
    fc.record({
      kind: fc.constantFrom('append' as const, 'store' as const, 'expunge' as const, 'copy' as const, 'move' as const),
      box: fc.integer({ min: 0, max: 1 }),
      pick: fc.integer({ min: 1, max: 255 }),
      change: changes,
    }),
  ),
  { maxLength: 30 },
);

test('random histories end as the model says, with nothing lost, doubled or given a UID twice', async (t) => {
  const folder = await temporaryFolder(t);
  let store = await openStore(t, folder);
  let people = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const account = await newAccount(store, `person${people++}`);
      const keys = [inboxOf(account), await mailboxNamed(store, account, 'Archive')];
      const model: ModelMailbox[] = keys.map(() => ({ messages: new Map(), highestUid: 0 }));
      for (const step of history) await perform(store, account, keys, model, step);
      await compare(store, keys, model);
    }),
    { numRuns: 25 },
  );
  assert.deepEqual((await store.verify()).findings, []);
  await store.close();
  store = await openStore(t, folder);
  assert.equal(store.recovered.clean, true);
  assert.deepEqual((await store.verify()).findings, []);
});

async function perform(
  store: MailStore,
  account: AccountId,
  keys: readonly MailboxKey[],
  model: ModelMailbox[],
  step: Step,
): Promise<void> {
  if (step.kind === 'deliver') {
    const { uid } = await deliver(store, account, 'news');
    return put(store, keys[0]!, model[0]!, [uid], [flagsFrom([])]);
  }
  const from = model[step.box]!;
  const to = model[1 - step.box]!;
  const key = keys[step.box]!;
  const otherKey = keys[1 - step.box]!;
  const uids = [...from.messages.keys()].filter((_, index) => (step.pick >> (index % 8)) & 1) as Uid[];
  switch (step.kind) {
    case 'append': {
      const uid = await appendTo(store, key, 'draft', flagNames(step.change.flags));
      return put(store, key, from, [uid], [step.change.flags]);
    }
    case 'store': {
      await store.messages.storeFlags(key, uids, step.change);
      for (const uid of uids) from.messages.get(uid)!.flags = changeFlags(from.messages.get(uid)!.flags, step.change);
      return;
    }
    case 'expunge': {
      const removed = await store.messages.expunge(key, uids, { onlyDeleted: true });
      const expected = uids.filter((uid) => flagNames(from.messages.get(uid)!.flags).includes('\\Deleted'));
      assert.deepEqual(removed, expected);
      for (const uid of removed) from.messages.delete(uid);
      return;
    }
    case 'copy': {
      const copied = await store.messages.copy(key, uids, otherKey);
      assert.deepEqual(copied.from, uids);
      return put(
        store,
        otherKey,
        to,
        copied.uids,
        uids.map((uid) => from.messages.get(uid)!.flags),
      );
    }
    case 'move': {
      const items = uids.map((uid) => from.messages.get(uid)!.item);
      const moved = await store.messages.move(key, uids, otherKey);
      await put(
        store,
        otherKey,
        to,
        moved.uids,
        uids.map((uid) => from.messages.get(uid)!.flags),
      );
      assert.deepEqual(
        moved.uids.map((uid) => to.messages.get(uid)!.item),
        items,
      );
      for (const uid of uids) from.messages.delete(uid);
    }
  }
}

async function put(
  store: MailStore,
  key: MailboxKey,
  model: ModelMailbox,
  uids: readonly number[],
  flags: readonly Flags[],
): Promise<void> {
  const view = await store.view(key);
  for (const [index, uid] of uids.entries()) {
    assert.ok(uid > model.highestUid, `UID ${uid} was given before`);
    model.highestUid = uid;
    model.messages.set(uid, { uid, flags: flags[index]!, item: view.item(view.indexOf(uid)) });
  }
}

async function compare(store: MailStore, keys: readonly MailboxKey[], model: readonly ModelMailbox[]): Promise<void> {
  const mailboxes = await store.mailboxes.list(keys[0]!.account);
  for (const [index, key] of keys.entries()) {
    const view = await store.view(key);
    const expected = [...model[index]!.messages.values()];
    const found = Array.from({ length: view.length }, (_, at) => view.entry(at));
    assert.deepEqual(
      found.map(({ uid, item, flags }) => ({ uid, item, flags: flagNames(flags) })),
      expected.map(({ uid, item, flags }) => ({ uid, item, flags: flagNames(flags) })),
    );
    const counted = mailboxes.find((mailbox) => mailbox.id === key.mailbox)!;
    assert.equal(counted.total, expected.length);
    assert.equal(counted.unseen, expected.filter(({ flags }) => !flagNames(flags).includes('\\Seen')).length);
  }
}
