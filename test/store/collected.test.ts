import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collected } from '../../src/store/collected.ts';

test('a message that comes byte by byte is held in few pieces, whole and in order', () => {
  const collecting = { bytes: 0 };
  const collected = new Collected(collecting);
  const message = Buffer.from(Array.from({ length: 10_000 }, (_, at) => at % 251));
  for (let at = 0; at < message.length; at++) collected.add(message.subarray(at, at + 1));
  assert.equal(collecting.bytes, 10_000);
  const pieces = collected.take();
  assert.deepEqual(Buffer.concat(pieces), message);
  assert.ok(pieces.length < 300, `${pieces.length} pieces`);
  assert.equal(collecting.bytes, 0);
  assert.deepEqual(collected.take(), []);
});

test('what one message holds is counted with that of the others, until it is taken', () => {
  const collecting = { bytes: 0 };
  const [one, other] = [new Collected(collecting), new Collected(collecting)];
  one.add(Buffer.alloc(10));
  other.add(Buffer.alloc(5));
  one.take();
  assert.equal(collecting.bytes, 5);
});
