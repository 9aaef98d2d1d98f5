import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NumberSet } from '../../../src/imap/syntax/number-set.ts';
import { STAR } from '../../../src/imap/syntax/types.ts';
import fc from '../../helpers/properties.ts';

const smallNumber = fc.integer({ min: 1, max: 60 });
const ranges = fc.array(fc.tuple(smallNumber, smallNumber), { maxLength: 12 }).map((pairs) => pairs.flat());
const set = ranges.map((bounds) => NumberSet.resolve(bounds, 60));

const union = (a: NumberSet, b: NumberSet) => [...new Set([...a, ...b])].sort((x, y) => x - y);

test('a set of ranges in any order holds what the ranges hold, in ascending ranges that do not touch', () => {
  fc.assert(
    fc.property(ranges, (bounds) => {
      const resolved = NumberSet.resolve(bounds, 60);
      const expected = new Set<number>();
      for (let i = 0; i < bounds.length; i += 2) {
        const [low, high] = [Math.min(bounds[i]!, bounds[i + 1]!), Math.max(bounds[i]!, bounds[i + 1]!)];
        for (let number = low; number <= high; number++) expected.add(number);
      }
      assert.deepEqual(
        [...resolved],
        [...expected].sort((a, b) => a - b),
      );
      assert.equal(resolved.size, expected.size);
      for (let i = 2; i < resolved.bounds.length; i += 2) {
        assert.ok(resolved.bounds[i]! > resolved.bounds[i - 1]! + 1);
      }
    }),
  );
});

test('union, difference and membership agree with sets of numbers', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const [inA, inB] = [new Set(a), new Set(b)];
      assert.deepEqual([...a.union(b)], union(a, b));
      assert.deepEqual(
        [...a.minus(b)],
        [...a].filter((number) => !inB.has(number)),
      );
      for (let number = 0; number <= 61; number++) assert.equal(a.has(number), inA.has(number));
    }),
  );
});

test('what is built from ascending numbers is the same set, and is written in the shortest way', () => {
  fc.assert(
    fc.property(set, (numbers) => {
      const rebuilt = NumberSet.ascending(numbers);
      assert.deepEqual(rebuilt.bounds, numbers.bounds);
      assert.equal(rebuilt.toString(), numbers.toString());
    }),
  );
  assert.equal(NumberSet.ascending([1, 2, 2, 3, 5, 7, 8]).toString(), '1:3,5,7:8');
  assert.equal(NumberSet.EMPTY.toString(), '');
});

test('the star is the largest number in use, on either side of a range', () => {
  assert.equal(NumberSet.resolve([4, STAR], 9).toString(), '4:9');
  assert.equal(NumberSet.resolve([STAR, 4], 9).toString(), '4:9');
  assert.equal(NumberSet.resolve([12, STAR], 9).toString(), '9:12');
  assert.equal(NumberSet.resolve([STAR, STAR], 9).toString(), '9');
  assert.equal(NumberSet.resolve([STAR, STAR], 0).toString(), '');
});

test('the whole range of numbers fits', () => {
  const all = NumberSet.resolve([1, 0xffffffff], 10);
  assert.equal(all.size, 0xffffffff);
  assert.ok(all.has(0xffffffff));
  assert.equal(all.minus(NumberSet.range(2, 0xfffffffe)).toString(), '1,4294967295');
  assert.equal(all.union(NumberSet.range(5, 6)).toString(), '1:4294967295');
});

test('a hundred thousand ranges are handled range by range', () => {
  const odd = NumberSet.ascending(Array.from({ length: 100_000 }, (_, i) => 2 * i + 1));
  const even = NumberSet.ascending(Array.from({ length: 100_000 }, (_, i) => 2 * i + 2));
  assert.equal(odd.bounds.length, 200_000);
  assert.equal(odd.union(even).toString(), '1:200000');
  assert.equal(odd.minus(even).size, 100_000);
  assert.equal(NumberSet.range(1, 200_000).minus(odd).toString(), even.toString());
  const backwards = [...odd].reverse().flatMap((number) => [number, number]);
  assert.equal(NumberSet.resolve(backwards, 1).toString(), odd.toString());
});
