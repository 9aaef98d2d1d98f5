import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrlfLines, LfLines, LineEnds } from '../../src/transfer/line-ends.ts';
import { fromLine, mboxFields, toldFields } from '../../src/transfer/mbox-fields.ts';
import { isMboxBoundary, type MboxEvent, MboxReader } from '../../src/transfer/mbox-reader.ts';
import fc from '../helpers/properties.ts';

interface Read {
  received: number | null;
  text: string;
}

/** The messages of an mbox fed in pieces of `step` bytes. */
function read(mbox: string, step = mbox.length || 1): Read[] {
  const reader = new MboxReader();
  const messages: Read[] = [];
  const bytes = Buffer.from(mbox, 'latin1');
  const take = (events: MboxEvent[]) => {
    for (const event of events) {
      if (event.kind === 'message') {
        messages.push({ received: event.received, text: event.header.toString('latin1') });
      } else if (event.kind === 'data') messages.at(-1)!.text += event.bytes.toString('latin1');
      else take(reader.believe(event.end <= bytes.length && isMboxBoundary(bytes.subarray(event.end), true)));
    }
  };
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
    'Content-Length: 5\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
      const mbox = pieces.join('');
      assert.deepEqual(read(mbox, step), read(mbox));
    }),
    { numRuns: 2_000 },
  );
});

test('a line without end after an empty one binds no memory', () => {
  const reader = new MboxReader();
  reader.push(Buffer.from(`${FROM}\n\n\n`));
  let passed = 0;
  for (let chunk = 0; chunk < 20; chunk++) {
    for (const event of reader.push(Buffer.alloc(100_000, 'x')))
      if (event.kind === 'data') passed += event.bytes.length;
  }
  assert.ok(passed > 1_800_000, `${passed}`);
});

test('a line longer than any buffer goes through in parts', () => {
  const long = 'x'.repeat(300_000);
  assert.equal(read(`${FROM}\n${long}\nFrom here\n${long}\n\n`, 10_000)[0]!.text, `${long}\nFrom here\n${long}\n`);
});

test('a body is as long as a true Content-Length says, whatever is in it', () => {
  const body = `one\n\n${FROM}\n>From here\n`;
  const first = `${FROM}\nSubject: a\nContent-Length: ${body.length}\n\n${body}\n${FROM}\nSubject: b\n\nBye\n\n`;
  const texts = read(first).map((message) => message.text);
  assert.deepEqual(texts, [`Subject: a\nContent-Length: ${body.length}\n\n${body}`, 'Subject: b\n\nBye\n']);
});

test('a Content-Length that is not true is not believed', () => {
  for (const length of [0, 3, 4_000, 999_999]) {
    const texts = read(`${FROM}\nContent-Length: ${length}\n\nHello\n\n${FROM}\n\nBye\n`).map(({ text }) => text);
    assert.deepEqual(texts, [`Content-Length: ${length}\n\nHello\n`, '\nBye\n'], String(length));
  }
});

test('what programs note in the header comes out of it', () => {
  const header = 'From: a\r\nStatus: RO\r\nX-Status: AF\r\nX-Keywords: $Junk work\r\n  "bad"\r\nSubject: b\r\n';
  const fields = mboxFields(Buffer.from(header));
  assert.deepEqual(fields.flags, ['\\Seen', '\\Answered', '\\Flagged', '$Junk', 'work']);
  assert.equal(fields.header.toString(), 'From: a\r\nSubject: b\r\n');
  assert.deepEqual(mboxFields(Buffer.from('Subject: Status: RO\n')).flags, []);
});

test('Thunderbird’s notes and Evolution’s are understood', () => {
  const marked = mboxFields(
    Buffer.from('X-Mozilla-Status: 1003\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1 todo \nTo: a\n'),
  );
  assert.deepEqual(marked.flags, ['\\Seen', '\\Answered', '$Forwarded', '$label1', 'todo']);
  assert.equal(marked.header.toString(), 'To: a\n');
  assert.equal(mboxFields(Buffer.from('X-Mozilla-Status: 0009\n')).noMessage, 'removed');
  assert.deepEqual(mboxFields(Buffer.from('X-Evolution: 000001b6-0018\n')).flags, ['\\Flagged', '\\Seen']);
});

test('a message that has such fields of its own gets them back from our files', () => {
  const own = 'Status: mine\r\nX-UID: 1\r\nSubject: a\r\n';
  const told = toldFields({ flags: ['\\Seen', 'work'], uid: 7, uidl: 'x', exact: true, open: false });
  const fields = mboxFields(Buffer.from(told + own));
  assert.equal(fields.header.toString(), own);
  assert.deepEqual(
    { flags: fields.flags, uid: fields.uid, uidl: fields.uidl, exact: fields.exact, open: fields.open },
    { flags: ['\\Seen', 'work'], uid: 7, uidl: 'x', exact: true, open: false },
  );
});

test('a From line that we write is read as it was meant', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), (received) => {
      assert.equal(read(`${fromLine('a@b.test', received)}Subject: a\n\n`)[0]!.received, received);
    }),
  );
});

/** Fed in pieces. */
function streamed(text: string, step: number, lines: { push(chunk: Buffer): Buffer; end?(): Buffer }): string {
  let out = '';
  for (let at = 0; at < text.length; at += step)
    out += lines.push(Buffer.from(text.slice(at, at + step))).toString('latin1');
  return out + (lines.end?.().toString('latin1') ?? '');
}

const endings = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'a', 'bc'));

test('a LF without CR gets one, and a CR alone stays, however the text is cut', () => {
  fc.assert(
    fc.property(endings, fc.integer({ min: 1, max: 5 }), (pieces, step) => {
      const text = pieces.join('');
      assert.equal(streamed(text, step, new CrlfLines()), text.replace(/\r?\n/g, '\r\n'));
    }),
    { numRuns: 2_000 },
  );
});

test('a text comes back from LF, unless its line ends are odd, and that is known before', () => {
  fc.assert(
    fc.property(endings, fc.integer({ min: 1, max: 5 }), (pieces, step) => {
      const text = pieces.join('');
      const ends = new LineEnds();
      for (let at = 0; at < text.length; at += step) ends.push(Buffer.from(text.slice(at, at + step)));
      const file = streamed(text, step, new LfLines());
      assert.equal(streamed(file, step, new CrlfLines()) === text, !ends.odd(false));
      assert.equal(streamed(text, step, new CrlfLines()) === text, !ends.odd(true));
      assert.equal(ends.bytes, text.length);
      assert.equal(file.length, text.length - ends.crlfs);
      assert.equal(ends.closed, text === '' || text.endsWith('\n'));
    }),
    { numRuns: 2_000 },
  );
});
