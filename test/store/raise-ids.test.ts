/** A store goes back to how it was at a backup: what clients saw since must never be taken for something else. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { MailboxKey, MailboxView } from '../../src/store/api.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { flagNames, flagsFrom } from '../../src/store/flags.ts';
import { type AccountId, type Modseq, nowSeconds, type Uid } from '../../src/store/ids.ts';
import { gapAfter, raiseIds } from '../../src/store/operations/raise-ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import fc from '../helpers/properties.ts';
import { appendTo, deliver, inboxOf, mailboxNamed, newAccount, openStore, temporaryFolder } from './helpers.ts';

type Step = {
  readonly kind: 'deliver' | 'append' | 'flag' | 'expunge' | 'move' | 'copy' | 'look';
  readonly pick: number;
};

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('deliver', 'append', 'flag', 'expunge', 'move', 'copy', 'look'),
    pick: fc.nat(9),
  }),
  { minLength: 5, maxLength: 20 },
);

/** What a client with QRESYNC keeps of a mailbox. */
interface Cache {
  readonly key: MailboxKey;
  readonly uidvalidity: number;
  readonly modseq: Modseq;
  readonly messages: ReadonlyMap<number, string>;
}

/** Every number that anybody may have seen. */
class Issued {
  readonly uids = new Set<string>();
  readonly items = new Set<number>();
  modseq = 0;

  note(view: MailboxView): void {
    for (let index = 0; index < view.length; index++) {
      this.uids.add(`${view.key.mailbox}/${view.uidvalidity}/${view.uid(index)}`);
      this.items.add(view.item(index)).add(view.email(index));
    }
    this.modseq = Math.max(this.modseq, view.modseq);
  }
}

const describe = (view: MailboxView, index: number): string =>
  `${view.item(index)} ${flagNames(view.entry(index).flags).join(' ')}`;

function contentOf(view: MailboxView): Map<number, string> {
  return new Map(Array.from({ length: view.length }, (_, index) => [view.uid(index) as number, describe(view, index)]));
}

/** As RFC 7162 3.2.5 has it: what vanished, and what changed, since the modseq that the client knows. */
async function resynchronised(store: MailStore, cache: Cache): Promise<Map<number, string>> {
  const view = await store.view(cache.key);
  if (view.uidvalidity !== cache.uidvalidity) return contentOf(view);
  const messages = new Map(cache.messages);
  const vanished = await store.expungedSince(cache.key, cache.modseq);
  for (const uid of vanished ?? [...messages.keys()].filter((known) => view.indexOf(known) < 0)) messages.delete(uid);
  for (let index = 0; index < view.length; index++)
    if (view.modseqOf(index) > cache.modseq) messages.set(view.uid(index), describe(view, index));
  return messages;
}

class Story {
  readonly caches: Cache[] = [];
  readonly issued = new Issued();
  readonly #keys: readonly MailboxKey[];

  constructor(keys: readonly MailboxKey[]) {
    this.#keys = keys;
  }

  async go(store: MailStore, history: readonly Step[]): Promise<void> {
    for (const [number, { kind, pick }] of history.entries()) {
      const [from, to] = pick % 2 === 0 ? this.#keys : this.#keys.toReversed();
      const view = await store.view(from!);
      const uids = view.length === 0 ? [] : [view.uid(pick % view.length) as Uid];
      if (kind === 'deliver') await deliver(store, from!.account, `Letter ${number}`);
      else if (kind === 'append') await appendTo(store, from!, `Note ${number}`);
      else if (kind === 'flag')
        await store.messages.storeFlags(from!, uids, {
          how: pick % 3 === 0 ? 'remove' : 'add',
          flags: flagsFrom(['\\Seen']),
        });
      else if (kind === 'expunge') await store.messages.expunge(from!, uids);
      else if (kind === 'move') await store.messages.move(from!, uids, to!);
      else if (kind === 'copy') await store.messages.copy(from!, uids, to!);
      for (const key of this.#keys) {
        const seen = await store.view(key);
        this.issued.note(seen);
        if (kind === 'look')
          this.caches.push({ key, uidvalidity: seen.uidvalidity, modseq: seen.modseq, messages: contentOf(seen) });
      }
    }
  }
}

/** A store as it was after the first history, with all that was seen during that one and the second, which is lost. */
async function goBack(t: TestContext, before: readonly Step[], after: readonly Step[], raise: boolean) {
  const folder = await temporaryFolder(t);
  const live = await openStore(t, join(folder, 'live'));
  const account = await newAccount(live, 'anna');
  const story = new Story([inboxOf(account), await mailboxNamed(live, account, 'Archive')]);
  await story.go(live, before);
  await live.close();
  await cp(join(folder, 'live'), join(folder, 'backup'), { recursive: true });
  const again = await openStore(t, join(folder, 'live'));
  await story.go(again, after);
  await again.close();
  const restored = await openStore(t, join(folder, 'backup'));
  const now = nowSeconds();
  if (raise) await restored.engine.write((tx) => raiseIds(tx, now - 60, now));
  return { restored, account, story };
}

async function newNumbers(store: MailStore, account: AccountId, story: Story): Promise<string[]> {
  const reused: string[] = [];
  for (const key of [inboxOf(account), await mailboxNamed(store, account, 'Archive')]) {
    const known = (await store.view(key)).uidnext;
    await appendTo(store, key, 'New');
    const view = await store.view(key);
    const index = view.lowerBound(known);
    const { uid, item, email } = view.entry(index);
    if (story.issued.uids.has(`${key.mailbox}/${view.uidvalidity}/${uid}`)) reused.push(`UID ${uid}`);
    if (story.issued.items.has(item)) reused.push(`item ${item}`);
    if (story.issued.items.has(email)) reused.push(`email ${email}`);
    if (view.modseq <= story.issued.modseq) reused.push(`modseq ${view.modseq}`);
  }
  return reused;
}

test('after a restore no number is given again, and every client resynchronises to what is there', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, steps, async (before, after) => {
      const { restored, account, story } = await goBack(t, before, after, true);
      for (const cache of story.caches)
        assert.deepEqual(
          new Map([...(await resynchronised(restored, cache))].sort()),
          new Map([...contentOf(await restored.view(cache.key))].sort()),
        );
      assert.deepEqual(await newNumbers(restored, account, story), []);
      assert.deepEqual((await restored.verify()).findings, []);
      await restored.close();
    }),
    { numRuns: 12 },
  );
});

test('without it, numbers are given again and clients are left with what was lost', async (t) => {
  const before: Step[] = [{ kind: 'deliver', pick: 0 }];
  const after: Step[] = [
    { kind: 'append', pick: 0 },
    { kind: 'flag', pick: 0 },
    { kind: 'append', pick: 1 },
    { kind: 'look', pick: 0 },
  ];
  const { restored, account, story } = await goBack(t, before, after, false);
  const [cache] = story.caches;
  assert.notDeepEqual(await resynchronised(restored, cache!), contentOf(await restored.view(cache!.key)));
  assert.ok((await newNumbers(restored, account, story)).length >= 4);
});

const UIDNEXT = sql('UPDATE mailbox SET uidnext = ? WHERE account_id = ? AND mailbox_id = ?');
const NEXT_ID = sql('UPDATE account SET next_id = ? WHERE account_id = ?');
const NEXT_ID_OF = sql<readonly [next: number]>('SELECT next_id FROM account WHERE account_id = ?');
const EXPIRES = sql<readonly [expires: number]>('SELECT expires FROM retained WHERE account_id = ?');

test('a mailbox that would run short of UIDs gets another UIDVALIDITY, once for each', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const account = await newAccount(store, 'anna');
  const keys = [inboxOf(account), await mailboxNamed(store, account, 'Archive')];
  const other = await mailboxNamed(store, account, 'Sent');
  const before = await Promise.all([...keys, other].map((key) => store.view(key)));
  await store.engine.write(async (tx) => {
    for (const { mailbox } of keys) await tx.run(UIDNEXT, 2 ** 31 - 1_000, account, mailbox);
    await raiseIds(tx, 1_000, 2_000);
  });
  const [inbox, archive, sent] = (await store.mailboxes.list(account))
    .filter(({ path }) => ['INBOX', 'Archive', 'Sent'].includes(path))
    .sort(
      (a, b) =>
        before.findIndex(({ key }) => key.mailbox === a.id) - before.findIndex(({ key }) => key.mailbox === b.id),
    );
  assert.equal(new Set([...before.map((view) => view.uidvalidity), inbox!.uidvalidity, archive!.uidvalidity]).size, 5);
  assert.equal(inbox!.uidnext, 2 ** 31 - 1_000);
  assert.equal(sent!.uidvalidity, before[2]!.uidvalidity);
  assert.equal(sent!.uidnext, 1 + gapAfter(1_000).uids);
});

test('an account with few ids left gives up a quarter of them at most', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const account = await newAccount(store, 'anna');
  const next = await store.engine.write(async (tx) => {
    await tx.run(NEXT_ID, 2 ** 32 - 4_000_000, account);
    await raiseIds(tx, 0, 86_400);
    return (await tx.get(NEXT_ID_OF, account))![0];
  });
  assert.equal(next, 2 ** 32 - 3_000_000);
});

test('what was removed can be brought back as long as if no time had passed since the backup', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const account = await newAccount(store, 'anna');
  const { uid } = await deliver(store, account, 'Letter');
  await store.messages.expunge(inboxOf(account), [uid]);
  const expires = () => store.engine.read(async (tx) => (await tx.get(EXPIRES, account))![0]);
  const before = await expires();
  await store.engine.write((tx) => raiseIds(tx, 1_000_000, 1_000_000 + 30 * 86_400));
  assert.equal(await expires(), before + 30 * 86_400);
});

test('a folder that was deleted before the backup comes back with UIDs that nobody has seen', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const account = await newAccount(store, 'anna');
  const archive = await mailboxNamed(store, account, 'Archive');
  await appendTo(store, archive, 'Letter');
  const { uidvalidity, uidnext } = await store.view(archive);
  await store.mailboxes.delete(account, archive.mailbox);
  await store.engine.write((tx) => raiseIds(tx, 1_000, 2_000));

  const chosen = await store.retained.choose(account, {}, {});
  await store.retained.restore(account, chosen, {});

  const view = await store.view(await mailboxNamed(store, account, 'Archive'));
  assert.equal(view.uidvalidity, uidvalidity);
  assert.equal(view.uid(0), uidnext + gapAfter(1_000).uids);
});
