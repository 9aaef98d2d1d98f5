import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lru } from '../src/lru.ts';

test('what was not used for longest goes first, and as much of it as a new value weighs', () => {
  const lru = new Lru<string, string>(10, (value) => value.length);
  for (const [key, value] of [
    ['a', '1234'],
    ['b', '123'],
    ['c', '123'],
  ] as const) {
    lru.set(key, value);
  }
  assert.equal(lru.get('a'), '1234');
  lru.set('d', '12345');
  assert.deepEqual([lru.get('b'), lru.get('c'), lru.get('a'), lru.get('d')], [undefined, undefined, '1234', '12345']);
  lru.set('d', '1'); // the weight of the old value is free again
  lru.set('e', '12345');
  assert.equal(lru.size, 3);
  lru.set('too large', 'x'.repeat(11));
  assert.equal(lru.size, 0);
  lru.set('f', 'x'.repeat(10));
  assert.equal(lru.size, 1);
  lru.clear();
  lru.set('g', 'x'.repeat(10));
  assert.equal(lru.size, 1);
});
