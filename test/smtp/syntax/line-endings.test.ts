import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { type BareLineEnds, LineEndings } from '../../../src/smtp/syntax/line-endings.ts';
import fc from '../../helpers/properties.ts';

function pass(bare: BareLineEnds, chunks: readonly string[]): string[] {
  const endings = new LineEndings(bare);
  const out = chunks.map((chunk) => endings.push(Buffer.from(chunk, 'latin1')).toString('latin1'));
  return [...out, endings.finish().toString('latin1')];
}

const text = fc
  .array(fc.constantFrom('\r\n', '\r', '\n', 'a', 'bc', '\xff'), { maxLength: 30 })
  .map((pieces) => pieces.join(''));
const cut = (whole: string, at: readonly number[]): string[] => {
  const cuts = [...new Set(at.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => whole.slice(from, cuts[i] ?? whole.length));
};

test('lines that end in CRLF come out as they are, cut anyhow', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\r\n', 'a', '\xff')),
      fc.array(fc.nat(100), { maxLength: 6 }),
      (pieces, at) => {
        const whole = pieces.join('');
        assert.equal(pass('refuse', cut(whole, at)).join(''), whole);
        assert.equal(pass('mend', cut(whole, at)).join(''), whole);
      },
    ),
  );
});

test('a bare CR or LF is refused or mended, cut anyhow', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(100), { maxLength: 6 }), (whole, at) => {
      const mended = whole.replace(/\r\n|\r|\n/g, '\r\n');
      assert.equal(pass('mend', cut(whole, at)).join(''), mended);
      if (mended === whole) assert.equal(pass('refuse', cut(whole, at)).join(''), whole);
      else assert.throws(() => pass('refuse', cut(whole, at)), BadCommand);
    }),
  );
});

test('no chunk comes out cut between CR and LF', () => {
  const whole = 'a\r\nb\r\n\r\n';
  for (let at = 0; at <= whole.length; at += 1) {
    for (const chunk of pass('refuse', [whole.slice(0, at), whole.slice(at)])) {
      assert.ok(!chunk.endsWith('\r') && !chunk.startsWith('\n'), JSON.stringify(chunk));
    }
  }
});

test('a NUL is refused by both', () => {
  assert.throws(() => pass('refuse', ['a\0b\r\n']), BadCommand);
  assert.throws(() => pass('mend', ['a\0b\r\n']), BadCommand);
});

test('a chunk in order is passed on without a copy', () => {
  const chunk = Buffer.from('in order\r\n');
  const out = new LineEndings('refuse').push(chunk);
  assert.equal(out.buffer, chunk.buffer);
  assert.equal(out.byteOffset, chunk.byteOffset);
});
