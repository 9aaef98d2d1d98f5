import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import {
  decodeXtext,
  parseEnvelopeId,
  parseNotify,
  parseOriginal,
  parseReturns,
} from '../../../src/smtp/syntax/notification.ts';
import fc from '../../helpers/properties.ts';

/** RFC 3461 4, written anew: what is not a plain character goes as its number. */
function encodeXtext(bytes: Uint8Array): string {
  const plain = (byte: number) => byte >= 0x21 && byte <= 0x7e && byte !== 0x2b && byte !== 0x3d;
  const hex = (byte: number) => `+${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return [...bytes].map((byte) => (plain(byte) ? String.fromCharCode(byte) : hex(byte))).join('');
}

test('whatever was encoded as xtext is decoded to what it was', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(decodeXtext(encodeXtext(bytes)), Buffer.from(bytes).toString('latin1'));
    }),
  );
});

test('any text is a parameter or a BadCommand, and what is one is printable ASCII of bounded length', () => {
  const parsers = [parseEnvelopeId, (text: string) => parseOriginal(text, true)];
  const text = fc.oneof(
    fc.string(),
    fc.string().map((end) => `rfc822;${end}`),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(text, (value) => {
      for (const parse of parsers) {
        try {
          assert.match(parse(Buffer.from(value).toString('latin1')), /^[\x20-\x7e]{1,5000}$/);
        } catch (error) {
          assert.ok(error instanceof BadCommand, String(error));
        }
      }
    }),
  );
});

test('RET, ENVID and NOTIFY in any case', () => {
  assert.equal(parseReturns('full'), 'full');
  assert.equal(parseReturns('HDRS'), 'headers');
  assert.equal(parseEnvelopeId('Q+20+2B7'), 'Q +7');
  assert.deepEqual(parseNotify('Never'), ['never']);
  assert.deepEqual(parseNotify('DELAY,success'), ['delay', 'success']);
});

test('ORCPT keeps its type, and an international address stays in ASCII', () => {
  assert.equal(parseOriginal('RFC822;Bob+2Bx@example.net', false), 'rfc822;Bob+x@example.net');
  assert.equal(parseOriginal('utf-8;j\\x{FC}rgen@example.net', false), 'utf-8;j\\x{FC}rgen@example.net');
  const raw = Buffer.from('utf-8;jürgen@😀.example').toString('latin1');
  assert.equal(parseOriginal(raw, true), 'utf-8;j\\x{FC}rgen@\\x{1F600}.example');
  assert.throws(() => parseOriginal(raw, false), BadCommand);
});

const MALFORMED: readonly [about: string, parse: () => unknown][] = [
  ['RET without a value', () => parseReturns(null)],
  ['RET of something else', () => parseReturns('HALF')],
  ['ENVID without a value', () => parseEnvelopeId(null)],
  ['ENVID of 101 characters', () => parseEnvelopeId('x'.repeat(101))],
  ['ENVID with small hexadecimal digits', () => parseEnvelopeId('+2b')],
  ['ENVID cut short', () => parseEnvelopeId('x+2')],
  ['ENVID with a line end', () => parseEnvelopeId('x+0D+0Ay')],
  ['ENVID beyond ASCII', () => parseEnvelopeId('+FC')],
  ['NOTIFY without a value', () => parseNotify(null)],
  ['NOTIFY of nothing', () => parseNotify('')],
  ['NOTIFY of something else', () => parseNotify('SUCCESS,SOMETIMES')],
  ['NOTIFY twice the same', () => parseNotify('DELAY,DELAY')],
  ['NOTIFY of NEVER and more', () => parseNotify('NEVER,DELAY')],
  ['ORCPT without a value', () => parseOriginal(null, false)],
  ['ORCPT without a type', () => parseOriginal('bob@example.net', false)],
  ['ORCPT without an address', () => parseOriginal('rfc822;', false)],
  ['ORCPT of 501 characters', () => parseOriginal(`rfc822;${'x'.repeat(494)}`, false)],
  ['ORCPT with a line end', () => parseOriginal('rfc822;a+0Ab@example.net', false)],
  ['ORCPT of utf-8 with xtext', () => parseOriginal('utf-8;a+2Bb@example.net', false)],
  ['ORCPT of utf-8 with a backslash', () => parseOriginal('utf-8;a\\b@example.net', false)],
];

for (const [about, parse] of MALFORMED) test(`${about} is malformed`, () => assert.throws(parse, BadCommand));
