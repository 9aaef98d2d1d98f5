import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../src/errors.ts';
import { bySequence, byUid, countOf, sequenceNumbersOf, uidsOf } from '../../src/imap/message-numbers.ts';
import { NumberSet } from '../../src/imap/syntax/number-set.ts';
import { STAR } from '../../src/imap/syntax/types.ts';
import fc from '../helpers/properties.ts';
import { viewOf, viewWith } from './view.ts';

const ranges = (...bounds: number[]) => ({ kind: 'ranges', bounds }) as const;
const SAVED = { kind: 'saved' } as const;

test('a sequence set means the messages at these places', () => {
  const mailbox = { view: viewOf(5), saved: NumberSet.ascending([2, 9]) };
  assert.equal(String(bySequence(ranges(1, 1, 3, STAR), mailbox)), '1,3:5');
  assert.equal(String(bySequence(ranges(STAR, STAR), mailbox)), '5');
  assert.equal(String(bySequence(SAVED, mailbox)), '2');
});

test('a sequence number beyond the last message is a BAD command; in an empty mailbox any is', () => {
  const three = { view: viewOf(3), saved: NumberSet.EMPTY };
  const none = { view: viewOf(0), saved: NumberSet.EMPTY };
  for (const [set, mailbox] of [
    [ranges(4, 4), three],
    [ranges(1, 4), three],
    [ranges(5, STAR), three],
    [ranges(1, 1), none],
    [ranges(1, STAR), none],
  ] as const) {
    assert.throws(() => bySequence(set, mailbox), BadCommand);
  }
  assert.ok(bySequence(SAVED, none).isEmpty);
});

test('a set of UIDs means those that are there', () => {
  const mailbox = { view: viewWith([3, 4, 10, 20]), saved: NumberSet.range(4, 10) };
  assert.equal(String(byUid(ranges(1, 9), mailbox)), '1:2');
  assert.equal(String(byUid(ranges(20, 20, 3, 3), mailbox)), '1,4');
  assert.equal(String(byUid(ranges(99, STAR), mailbox)), '4', '* is the last message (RFC 9051 6.4.9)');
  assert.equal(String(byUid(SAVED, mailbox)), '2:3');
  assert.ok(byUid(ranges(1, STAR), { view: viewOf(0), saved: NumberSet.EMPTY }).isEmpty);
});

test('numbers and UIDs lead to each other', () => {
  const uids = fc
    .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 20 })
    .map((all) => all.sort((a, b) => a - b));
  fc.assert(
    fc.property(uids, uids, (there, asked) => {
      const view = viewWith(there);
      const set = NumberSet.ascending(asked);
      const both = there.filter((uid) => asked.includes(uid));
      assert.deepEqual(uidsOf(sequenceNumbersOf(set, view), view), both);
      assert.equal(countOf(set, view), both.length);
    }),
  );
});
