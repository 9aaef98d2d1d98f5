/** Who gets a message without the others knowing is not told to the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HiddenFields } from '../../../src/smtp/syntax/hidden-fields.ts';

/** The message in pieces of this size, none of which cuts a CRLF. */
function* pieces(text: string, size: number): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + size);
    if (text[end - 1] === '\r' && text[end] === '\n') end += 1;
    yield Buffer.from(text.slice(at, end), 'latin1');
    at = end;
  }
}

function through(text: string, size = text.length): string {
  const fields = new HiddenFields();
  const out = [...pieces(text, size)].map((piece) => fields.push(piece));
  return Buffer.concat([...out, fields.finish()]).toString('latin1');
}

const MESSAGE =
  'From: anna@office.test\r\nBcc: carl@example.net,\r\n dora@example.net\r\n\temil@example.net\r\nTo: ben@office.test\r\nBccx: stays\r\nB: stays\r\nX-Bcc: stays\r\nRESENT-BCC : fritz@example.net\r\nSubject: Bcc: stays\r\n bcc: stays\r\n\r\nBcc: in the body it stays\r\n';
const REST =
  'From: anna@office.test\r\nTo: ben@office.test\r\nBccx: stays\r\nB: stays\r\nX-Bcc: stays\r\nSubject: Bcc: stays\r\n bcc: stays\r\n\r\nBcc: in the body it stays\r\n';

test('Bcc and Resent-Bcc go with all their lines, and nothing else does, however the bytes come', () => {
  for (let size = 1; size <= MESSAGE.length; size++) assert.equal(through(MESSAGE, size), REST, `pieces of ${size}`);
});

test('a header that ends in the middle comes out whole, but for the fields', () => {
  for (const [text, rest] of [
    ['Bcc: carl@example.net\r\n\r\nHello\r\n', '\r\nHello\r\n'],
    ['Bcc: carl@example.net\r\n', ''],
    ['Bc', 'Bc'],
    ['Bcc', 'Bcc'],
    ['', ''],
    ['\r\nBcc: body\r\n', '\r\nBcc: body\r\n'],
  ] as const) {
    for (let size = 1; size <= text.length; size++) assert.equal(through(text, size), rest);
  }
});

test('a message without such fields comes out as it went in', () => {
  const line = fc
    .array(fc.constantFrom('b', 'B', 'c', 'C', ':', ' ', '\t', 'x', '-'), { maxLength: 12 })
    .map((chars) => chars.join(''))
    .filter((text) => !/^(?:resent-)?bcc[ \t]*:/i.test(text));
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 20 }), (lines, size) => {
      const text = lines.map((each) => `${each}\r\n`).join('');
      assert.equal(through(text, size), text);
    }),
  );
});
