import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piecesOf, WholeLines } from '../../src/message/whole-lines.ts';
import fc from '../helpers/properties.ts';

test('however bytes are cut, they come out in order, in pieces that end where a line does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\r\n') });
  fc.assert(
    fc.property(fc.array(text), (pieces) => {
      const lines = new WholeLines();
      let out = '';
      for (const piece of pieces) {
        const whole = lines.push(Buffer.from(piece)).toString();
        assert.ok(whole === '' || whole.endsWith('\n'));
        out += whole;
      }
      const { length } = lines;
      const rest = lines.finish().toString();
      assert.equal(rest.length, length);
      assert.ok(!rest.includes('\n'));
      assert.equal(out + rest, pieces.join(''));
    }),
  );
});

test('pieces of lines cut none of them, and are little longer than asked for', () => {
  const lines = Buffer.from('a\r\n\r\nbcdefgh\r\ni\r\nlast');
  for (let size = 1; size < 30; size++) {
    const pieces = [...piecesOf(lines, size)].map(String);
    assert.equal(pieces.join(''), lines.toString());
    for (const piece of pieces.slice(0, -1)) assert.ok(piece.endsWith('\n') && piece.length < size + 9, piece);
  }
  assert.deepEqual([...piecesOf(Buffer.alloc(0), 5)], []);
});
