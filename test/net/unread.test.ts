import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineTooLong } from '../../src/net/line-too-long.ts';
import { Unread } from '../../src/net/unread.ts';
import fc from '../helpers/properties.ts';

const LIMIT = 10;

/** Every line that is here now; what is too long as its length. */
function lines(unread: Unread): string[] {
  const taken: string[] = [];
  while (unread.hasLine(LIMIT)) {
    try {
      taken.push(unread.takeLine(LIMIT, false).toString('latin1'));
    } catch (error) {
      assert.ok(error instanceof LineTooLong);
      taken.push('too long');
    }
  }
  return taken;
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\r'), maxLength: 14 });
const text = fc.array(letters, { maxLength: 20 }).map((all) => all.map((line) => `${line}\r\n`).join(''));

test('lines are the same, in whatever pieces they come', () => {
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (whole, sizes) => {
      const unread = new Unread();
      const taken: string[] = [];
      for (let at = 0, piece = 0; at < whole.length; piece++) {
        const size = sizes[piece % sizes.length]!;
        unread.add(Buffer.from(whole.slice(at, at + size), 'latin1'));
        taken.push(...lines(unread));
        at += size;
      }
      const expected = whole.split('\r\n').slice(0, -1);
      assert.deepEqual(
        taken,
        expected.map((line) => (line.length > LIMIT ? 'too long' : line)),
      );
      assert.ok(unread.isEmpty);
    }),
  );
});

test('chunks are what came, and what is put back comes first', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 30 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(fc.array(bytes), fc.integer({ min: 1, max: 40 }), fc.boolean(), (pieces, most, copied) => {
      const unread = new Unread();
      const taken: Buffer[] = [];
      for (const piece of pieces) {
        unread.add(piece);
        const chunk = unread.takeChunk(most)!;
        const half = Math.ceil(chunk.length / 2);
        const rest = chunk.subarray(half);
        taken.push(Buffer.from(chunk.subarray(0, half)));
        if (rest.length > 0) unread.putBack(copied ? Buffer.from(rest) : rest);
      }
      for (let chunk = unread.takeChunk(most); chunk !== undefined; chunk = unread.takeChunk(most)) taken.push(chunk);
      assert.deepEqual(Buffer.concat(taken), Buffer.concat(pieces));
    }),
  );
});
