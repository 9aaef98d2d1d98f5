import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotStuffer } from '../../src/message/dot-stuffer.ts';
import { DotReader } from '../../src/smtp/syntax/dots.ts';
import fc from '../helpers/properties.ts';

function frame(chunks: readonly string[]): string {
  const stuffer = new DotStuffer();
  const out = chunks.map((chunk) => stuffer.push(Buffer.from(chunk, 'latin1')));
  return Buffer.concat([...out, stuffer.finish()]).toString('latin1');
}

/** A client that takes LF for the end of a line, as most do. @returns the message, and what it takes for the next response */
function unframe(wire: string): { message: string; rest: string } {
  let message = '';
  for (let at = 0; at < wire.length; ) {
    const end = wire.indexOf('\n', at) + 1 || wire.length;
    const line = wire.slice(at, end);
    at = end;
    if (/^\.\r?\n$/.test(line)) return { message, rest: wire.slice(at) };
    message += line.startsWith('.') ? line.slice(1) : line;
  }
  return { message, rest: 'never ended' };
}

test('any message, in any chunks, is read as it was sent, and its end is where it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\r\n', '\n', '.', '..', '\r', 'a', '.\r\n', '\n.\n', ''), { maxLength: 40 }),
      (chunks) => {
        const message = chunks.join('');
        const whole = message.endsWith('\r\n') || message === '' ? message : `${message}\r\n`;
        assert.deepEqual(unframe(frame(chunks)), { message: whole, rest: '' });
        assert.deepEqual(unframe(frame([message])), { message: whole, rest: '' });
        assert.deepEqual(unframe(frame([...message])), { message: whole, rest: '' });
      },
    ),
    { numRuns: 1_000 },
  );
});

test('only lines that begin with a dot grow', () => {
  assert.equal(frame(['.a\r\nb.c\r\n..\r\n']), '..a\r\nb.c\r\n...\r\n.\r\n');
});

test('a last line without CRLF gets one, whatever it ends in', () => {
  assert.equal(frame(['a']), 'a\r\n.\r\n');
  assert.equal(frame(['a\r']), 'a\r\r\n.\r\n');
  assert.equal(frame(['a\n']), 'a\n\r\n.\r\n');
  assert.equal(frame(['a\r', '\n']), 'a\r\n.\r\n');
  assert.equal(frame([]), '.\r\n');
});

test('a chunk without dots at line starts is passed on without a copy', () => {
  const chunk = Buffer.from('no dots\r\nhere\r\n');
  assert.equal(new DotStuffer().push(chunk), chunk);
});

test('where some take a bare CR for the end of a line, a dot after it is doubled, too, however it is cut', () => {
  const stuffed = (chunks: readonly string[], alsoAfterCr: boolean) => {
    const stuffer = new DotStuffer(alsoAfterCr);
    return Buffer.concat(chunks.map((chunk) => stuffer.push(Buffer.from(chunk)))).toString();
  };
  for (const chunks of [['a\r.\rb\n.\r\n.c'], [...'a\r.\rb\n.\r\n.c']]) {
    assert.equal(stuffed(chunks, true), 'a\r..\rb\n..\r\n..c');
    assert.equal(stuffed(chunks, false), 'a\r.\rb\n..\r\n..c');
  }
});

test('our own server reads what we send as it was, and sees its end nowhere else', () => {
  const piece = fc.constantFrom('\r\n', '\n', '.', '..', '\r', 'a', '\r\n.\r\n', '\n.\r\n', '\r.\r\n', '');
  const run = (chunks: readonly string[]) => {
    const stuffer = new DotStuffer(true);
    const wire = Buffer.concat([...chunks.map((chunk) => stuffer.push(Buffer.from(chunk))), stuffer.finish()]);
    const reader = new DotReader();
    const read = reader.push(wire);
    assert.deepEqual([reader.ended, reader.consumed], [true, wire.length], 'the end is at the end');
    assert.doesNotMatch(wire.toString('latin1', 0, wire.length - 3), /(?:^|[\r\n])\.[\r\n]/, 'nobody sees another');
    const message = chunks.join('');
    if (/(?:^|[^\r])\n|\r(?!\n)/.test(message)) return; // what has a bare CR or LF is no message: it grows by dots
    assert.equal(read.toString(), message.endsWith('\r\n') || message === '' ? message : `${message}\r\n`);
  };
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), run), { numRuns: 1_000 });
});
