import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotReader } from '../../../src/smtp/syntax/dots.ts';
import fc from '../../helpers/properties.ts';

interface Read {
  message: string;
  rest: string;
  ended: boolean;
}

/** Feeds the stream cut at these places. */
function read(stream: string, cuts: readonly number[]): Read {
  const reader = new DotReader();
  const bytes = Buffer.from(stream, 'latin1');
  const out: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const chunk = bytes.subarray(from, to);
    if (chunk.length === 0) continue;
    out.push(reader.push(chunk));
    from += reader.consumed;
    if (reader.ended) break;
  }
  return {
    message: Buffer.concat(out).toString('latin1'),
    rest: bytes.subarray(from).toString('latin1'),
    ended: reader.ended,
  };
}

/** RFC 5321 4.1.1.4 and 4.5.2 in three lines. */
function expected(stream: string): Read {
  const lines = `\r\n${stream}`;
  const end = lines.indexOf('\r\n.\r\n');
  const message = lines
    .slice(0, end + 2)
    .replaceAll('\r\n.', '\r\n')
    .slice(2);
  return { message, rest: lines.slice(end + 5), ended: true };
}

function* allStrings(alphabet: string, longest: number): Generator<string> {
  let level = [''];
  for (let length = 0; length <= longest; length += 1) {
    yield* level;
    level = level.flatMap((text) => [...alphabet].map((char) => text + char));
  }
}

const everyByte = (length: number): number[] => Array.from({ length }, (_, i) => i);

test('only CRLF.CRLF ends the data, whatever CRs, LFs and dots come before it and however they are cut', () => {
  for (const text of allStrings('\r\n.a', 6)) {
    const stream = `${text}\r\n.\r\nQUIT\r\n`;
    const wanted = expected(stream);
    assert.deepEqual(read(stream, []), wanted, JSON.stringify(text));
    assert.deepEqual(read(stream, everyByte(stream.length)), wanted, `${JSON.stringify(text)}, byte by byte`);
  }
});

test('what other servers take for the end of a message does not end it, cut at any place', () => {
  const falseEnds = [
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r.\r\n',
    '\r\n.\r',
    '\n.\r',
    '\r\n\0.\r\n',
    '\r\n.\r\r\n',
    '\n\n.\r\n',
  ];
  for (const falseEnd of falseEnds) {
    const stream = `text${falseEnd}MAIL FROM:<a@b>\r\n.\r\n`;
    const wanted = expected(stream);
    assert.ok(wanted.message.includes('MAIL FROM'), JSON.stringify(falseEnd));
    for (let cut = 0; cut < stream.length; cut += 1)
      assert.deepEqual(read(stream, [cut]), wanted, JSON.stringify(falseEnd));
  }
});

test('a message of any bytes, stuffed and cut anyhow, is read as it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\r\n', '.', '..', '\r', '\n', 'a', 'word', '\xff', '\0'), { maxLength: 60 }),
      fc.array(fc.nat(200), { maxLength: 8 }),
      (pieces, cuts) => {
        const message = `${pieces.join('')}\r\n`;
        const stuffed = `\r\n${message}`.replaceAll('\r\n.', '\r\n..').slice(2);
        const sorted = [...cuts].sort((a, b) => a - b).filter((cut) => cut < stuffed.length);
        assert.deepEqual(read(`${stuffed}.\r\nNOOP\r\n`, sorted), { message, rest: 'NOOP\r\n', ended: true });
      },
    ),
  );
});

test('a chunk without dots at line starts is passed on without a copy', () => {
  const chunk = Buffer.from('one line\r\nand . another\r\n');
  const reader = new DotReader();
  assert.equal(reader.push(chunk), chunk);
});

test('a dot alone right after DATA is an empty message', () => {
  assert.deepEqual(read('.\r\n', []), { message: '', rest: '', ended: true });
});
