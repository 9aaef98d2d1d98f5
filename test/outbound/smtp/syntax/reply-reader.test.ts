import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotAReply, type Reply, ReplyReader } from '../../../../src/outbound/smtp/syntax/reply-reader.ts';
import fc from '../../../helpers/properties.ts';

/** How many random streams are read: more in a long run. */
const RUNS = Number(process.env['RAINMAIL_TEST_REPLY_RUNS'] ?? 2_000);

interface Read {
  readonly replies: Reply[];
  /** Why it read no further. */
  readonly trouble: string | undefined;
}

/** Reads a stream in these pieces. */
function read(pieces: Iterable<string>): Read {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  try {
    for (const piece of pieces) {
      reader.push(Buffer.from(piece, 'latin1'));
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
    }
  } catch (error) {
    assert.ok(error instanceof NotAReply);
    return { replies, trouble: error.message };
  }
  return { replies, trouble: undefined };
}

/** The same, whole and byte by byte. */
function readBothWays(stream: string): Read {
  const whole = read([stream]);
  assert.deepEqual(read(stream), whole, JSON.stringify(stream));
  return whole;
}

test('replies of one line and of many, one behind the other', () => {
  const stream = '220 mx.test ESMTP\r\n250-mx.test\r\n250-SIZE 10\r\n250 HELP\r\n354 go on\r\n';
  assert.deepEqual(readBothWays(stream).replies, [
    { code: 220, lines: ['mx.test ESMTP'] },
    { code: 250, lines: ['mx.test', 'SIZE 10', 'HELP'] },
    { code: 354, lines: ['go on'] },
  ]);
});

test('a bare LF ends a line, too, and the text may be missing, with its space or without', () => {
  assert.deepEqual(readBothWays('250\r\n250 \n250-\r\n250\n').replies, [
    { code: 250, lines: [''] },
    { code: 250, lines: [''] },
    { code: 250, lines: ['', ''] },
  ]);
});

test('what is no reply is none, and takes nothing away from those before it', () => {
  const wrong = [
    ...['', ' ', 'hello', '25 fine', '2500 fine', '25o fine', '150 early', '650 late', '-250 fine', '250_fine'],
    ...['250\tfine', '٢٥٠ fine', '250-a\r\n', '250-a\r\nhello', '250-a\r\n550 b', '550-a\r\n250 b', '2'],
  ];
  for (const line of wrong) {
    const { replies, trouble } = readBothWays(`221 bye\r\n${line}\r\n250 more\r\n`);
    assert.deepEqual(replies, [{ code: 221, lines: ['bye'] }], line);
    assert.notEqual(trouble, undefined, line);
  }
});

test('of different codes that say the same the last one counts', () => {
  assert.deepEqual(readBothWays('550-no\r\n554 never\r\n').replies, [{ code: 554, lines: ['no', 'never'] }]);
});

test('a reply without an end is none, whether it has lines or not', () => {
  for (const piece of ['250-and so on\r\n', '250-\n', 'x', '250 and so on ']) {
    const reader = new ReplyReader();
    reader.push(Buffer.from('250-'));
    let bytes = 0;
    assert.throws(() => {
      for (; bytes < 1e6; bytes += piece.length) {
        reader.push(Buffer.from(piece));
        assert.equal(reader.next(), undefined);
      }
    }, NotAReply);
    assert.ok(bytes < 20_000, piece);
  }
});

test('any replies are read as they were said, in pieces of any size', () => {
  const line = fc.string({ maxLength: 80 }).map((text) =>
    Buffer.from(text)
      .toString('latin1')
      .replace(/[\r\n]/g, '.'),
  );
  const lines = fc.array(line, { minLength: 1, maxLength: 5 });
  const reply = fc.tuple(fc.integer({ min: 200, max: 599 }), lines).map(([code, said]) => ({ code, lines: said }));
  const cuts = fc.array(fc.nat(2_000), { maxLength: 10 });
  const run = (replies: readonly Reply[], at: readonly number[], lineEnd: string) => {
    const said = replies.map(({ code, lines }) =>
      lines.map((text, number) => `${code}${number < lines.length - 1 ? '-' : ' '}${text}${lineEnd}`).join(''),
    );
    const stream = said.join('');
    const places = [0, ...at.filter((place) => place < stream.length).sort((a, b) => a - b), stream.length];
    const pieces = places.slice(1).map((place, number) => stream.slice(places[number], place));
    assert.deepEqual(read(pieces), { replies, trouble: undefined });
  };
  fc.assert(fc.property(fc.array(reply), cuts, fc.constantFrom('\r\n', '\n'), run), { numRuns: RUNS });
});

test('whatever is said, what is read is replies, and the same in pieces of any size', () => {
  const piece = fc.constantFrom('250', '550', '3', '-', ' ', '\r\n', '\n', '\r', 'text', '\0', '\xff', '220 hi\r\n');
  const run = (pieces: readonly string[]) => {
    const { replies } = readBothWays(pieces.join(''));
    for (const { code, lines } of replies) {
      assert.ok(code >= 200 && code <= 599 && lines.length > 0);
      assert.ok(lines.every((line) => !line.includes('\n')));
    }
  };
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), run), { numRuns: RUNS });
});
