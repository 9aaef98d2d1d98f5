import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEEN } from '../../src/store/flags.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../../src/store/ids.ts';
import { PAGE_LIMIT, type PageEntry, paged } from '../../src/store/view/page.ts';
import { PagedView } from '../../src/store/view/view.ts';
import fc from '../helpers/properties.ts';

const KEY = { account: 1 as AccountId, mailbox: 1 as MailboxId };

function entry(uid: number, modseq = uid, flags = 0): PageEntry {
  return {
    uid,
    item: uid + 1_000,
    email: uid + 2_000,
    flags,
    keywords: [],
    size: 10,
    received: 0,
    saved: 0,
    modseq,
    uidl: null,
  };
}

function viewOf(entries: readonly PageEntry[]): PagedView {
  const uidnext = (entries.at(-1)?.uid ?? 0) + 1;
  const head = {
    key: KEY,
    uidvalidity: 1,
    uidnext: uidnext as Uid,
    modseq: 1 as Modseq,
    upTo: 1 as Modseq,
    sizeBytes: 0,
    unseen: 0,
  };
  return new PagedView(head, paged(entries));
}

const uidsOf = (view: { length: number; uid(index: number): number }): number[] =>
  Array.from({ length: view.length }, (_, index) => view.uid(index));

/** Two versions of a mailbox: what was removed, changed and added in between. */
const histories = fc
  .record({
    count: fc.integer({ min: 0, max: 1_300 }),
    fates: fc.array(fc.constantFrom('stays', 'goes', 'changes'), { minLength: 1, maxLength: 40 }),
    added: fc.integer({ min: 0, max: 700 }),
  })
  .map(({ count, fates, added }) => {
    const older = Array.from({ length: count }, (_, index) => entry(index * 3 + 1));
    const fate = (index: number): string => fates[index % fates.length]!;
    const newer = older.flatMap((each, index) => {
      if (fate(index) === 'goes') return [];
      return [fate(index) === 'changes' ? { ...each, flags: SEEN, modseq: 9_999 } : each];
    });
    for (let index = 0; index < added; index++) newer.push(entry(count * 3 + 1 + index));
    return { older, newer };
  });

test('a view finds messages by index and by UID, whatever the pages', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 5_000 }), { maxLength: 1_500 }), (unordered) => {
      const uids = unordered.sort((a, b) => a - b);
      const view = viewOf(uids.map((uid) => entry(uid)));
      assert.deepEqual(uidsOf(view), uids);
      for (const probe of [0, 1, uids[0] ?? 7, (uids.at(-1) ?? 0) + 1, 2_500, PAGE_LIMIT]) {
        const bound = uids.findIndex((uid) => uid >= probe);
        assert.equal(view.lowerBound(probe), bound < 0 ? uids.length : bound);
        assert.equal(view.indexOf(probe), uids.indexOf(probe));
      }
    }),
    { numRuns: 60 },
  );
});

test('what changed between two versions is just what a comparison message by message finds', () => {
  fc.assert(
    fc.property(histories, ({ older, newer }) => {
      const changes = viewOf(older).changesTo(viewOf(newer));
      const newUids = new Map(newer.map((each, index) => [each.uid, index]));
      const oldUids = new Map(older.map((each) => [each.uid, each]));
      assert.deepEqual(
        changes.vanished,
        older.flatMap((each, index) => (newUids.has(each.uid) ? [] : [index])),
      );
      assert.deepEqual(
        changes.changed,
        newer.flatMap((each, index) =>
          oldUids.has(each.uid) && oldUids.get(each.uid)!.modseq !== each.modseq ? [index] : [],
        ),
      );
      const firstNew = newer.findIndex((each) => !oldUids.has(each.uid));
      assert.equal(changes.firstNew, firstNew < 0 ? newer.length : firstNew);
    }),
    { numRuns: 60 },
  );
});

test('a session that may not hear of removals keeps its numbers, sees what is new, and hears of the removals later', () => {
  fc.assert(
    fc.property(histories, ({ older, newer }) => {
      const known = viewOf(older);
      const latest = viewOf(newer);
      const shown = known.withGhosts(latest);
      for (let index = 0; index < known.length; index++) assert.equal(shown.uid(index), known.uid(index));
      const present = new Set(newer.map((each) => each.uid));
      for (let index = 0; index < shown.length; index++)
        assert.equal(shown.isGhost(index), !present.has(shown.uid(index)));
      const later = shown.changesTo(latest);
      assert.equal(later.vanished.length, older.filter((each) => !present.has(each.uid)).length);
      assert.deepEqual(later.changed, []);
      assert.equal(later.firstNew, latest.length);
    }),
    { numRuns: 60 },
  );
});

test('asking for a message that is not there is an error, not somebody else’s message', () => {
  const view = viewOf([entry(1), entry(2)]);
  assert.throws(() => view.uid(2), RangeError);
  assert.throws(() => view.uid(-1), RangeError);
});
