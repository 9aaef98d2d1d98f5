import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CrlfLines } from '../../src/transfer/crlf.ts';
import { MboxReader, mboxFlags } from '../../src/transfer/mbox.ts';

interface Read {
  received: number | null;
  text: string;
}

/** The messages of an mbox fed in pieces of `step` bytes. */
function read(mbox: string, step = mbox.length || 1): Read[] {
  const reader = new MboxReader();
  const messages: Read[] = [];
  const take = (events: ReturnType<MboxReader['push']>) => {
    for (const event of events) {
      if (event.kind === 'message') messages.push({ received: event.received, text: '' });
      else messages.at(-1)!.text += event.bytes.toString('latin1');
    }
  };
  const bytes = Buffer.from(mbox, 'latin1');
  for (let at = 0; at < bytes.length; at += step) take(reader.push(bytes.subarray(at, at + step)));
  take(reader.end());
  return messages;
}

const FROM = 'From anna@office.test Tue Mar  3 09:15:00 2026';

test('an mbox is cut at its From lines and the empty lines before them are its own', () => {
  const messages = read(`${FROM}\nSubject: a\n\nHello\n\n${FROM}\nSubject: b\n\n`);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['Subject: a\n\nHello\n', 'Subject: b\n'],
  );
  assert.equal(messages[0]!.received, Date.UTC(2026, 2, 3, 9, 15) / 1_000);
});

test('a line of text that begins with From is no new message', () => {
  const text = 'Subject: a\n\nFrom here on it rains.\n\nFrom then on, too.\nFrom anna Tue Mar  3 09:15:00 2026\n';
  assert.deepEqual(
    read(`${FROM}\n${text}\n`).map((message) => message.text),
    [text],
  );
});

test('a quoted From line loses one of its >', () => {
  assert.equal(read(`${FROM}\n\n>From a\n>>From b\n> From c\n\n`)[0]!.text, '\nFrom a\n>From b\n> From c\n');
});

test('an mbox with CRLF is read like one with LF', () => {
  const messages = read(`${FROM}\r\nSubject: a\r\n\r\nHello\r\n\r\n${FROM}\r\nSubject: b\r\n\r\nBye\r\n\r\n`);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['Subject: a\r\n\r\nHello\r\n', 'Subject: b\r\n\r\nBye\r\n'],
  );
});

test('what stands before the first From line is no message', () => {
  assert.deepEqual(read('Just text\n\nmore\n'), []);
  assert.deepEqual(read(''), []);
});

test('From lines of several makes are understood', () => {
  for (const line of [
    'From MAILER-DAEMON Fri Jul  8 12:08:34 2011',
    'From foo at example.org  Mon Jan 10 21:05:03 2005',
    'From - Sat Jan 01 00:00:00 2022',
    'From a@b.test Tue Mar  3 09:15:00 2026 +0100',
    'From a@b.test Tue Mar  3 09:15:00 CET 2026',
  ]) {
    const [message] = read(`${line}\nSubject: a\n\nb\n`);
    assert.equal(message?.text, 'Subject: a\n\nb\n', line);
    assert.ok(message.received !== null, line);
  }
});

test('an mbox read byte by byte is the same as read whole, whatever is in it', () => {
  const piece = fc.constantFrom(
    `${FROM}\n`,
    '\n',
    '\r\n',
    '>From x\n',
    '>>From\n',
    'From x\n',
    'text\n',
    'a',
    '\r',
    `${FROM}\r\n`,
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
      const mbox = pieces.join('');
      assert.deepEqual(read(mbox, step), read(mbox));
    }),
    { numRuns: 2_000 },
  );
});

test('a line longer than any buffer goes through in parts', () => {
  const long = 'x'.repeat(300_000);
  assert.equal(read(`${FROM}\n${long}\nFrom here\n${long}\n\n`, 10_000)[0]!.text, `${long}\nFrom here\n${long}\n`);
});

test('flags come from Status, X-Status and X-Keywords', () => {
  assert.deepEqual(mboxFlags('From: a\r\nStatus: RO\r\nX-Status: AF\r\nX-Keywords: $Junk work  "bad"\r\n'), [
    '\\Seen',
    '\\Answered',
    '\\Flagged',
    '$Junk',
    'work',
  ]);
  assert.deepEqual(mboxFlags('Subject: Status: RO\n'), []);
});

test('every line ends in CRLF, however the text is cut', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', 'a', 'bc');
  fc.assert(
    fc.property(fc.array(piece), fc.integer({ min: 1, max: 5 }), (pieces, step) => {
      const text = pieces.join('');
      const lines = new CrlfLines();
      let out = '';
      for (let at = 0; at < text.length; at += step)
        out += lines.push(Buffer.from(text.slice(at, at + step))).toString('latin1');
      out += lines.end().toString('latin1');
      assert.equal(out, text.replace(/\r\n|\r|\n/g, '\r\n'));
    }),
    { numRuns: 2_000 },
  );
});
