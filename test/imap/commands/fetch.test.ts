import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapOffice, imapOffice, message } from '../imap-office.ts';

const MULTIPART = [
  'From: Anna <anna@office.test>',
  'Subject: Report',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b1',
  '',
  'preamble',
  '--b1',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe aus dem B=C3=BCro',
  '--b1',
  'Content-Type: application/octet-stream; name=data.bin',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment; filename=data.bin',
  '',
  'AAECAwQF',
  '--b1',
  'Content-Type: message/rfc822',
  '',
  'From: ben@office.test',
  'Subject: Inner',
  '',
  'inner text',
  '--b1',
  'Content-Type: application/x-odd',
  'Content-Transfer-Encoding: x-secret',
  '',
  'what?',
  '--b1--',
  '',
].join('\r\n');

/** One message in INBOX. */
async function withMessage(office: ImapOffice, text: string) {
  const client = await office.inbox();
  await client.append(text);
  await client.ok('NOOP');
  return client;
}

test('FETCH of a message tells its flags, size, date, envelope and structure', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const text = message({ From: 'Ben <ben@office.test>', Subject: 'Invoice', Date: 'Mon, 7 Feb 1994 21:52:25 -0800' });
  await client.append(text, 'INBOX', '(\\Flagged) "17-Jul-1996 02:44:25 +0000"');

  const [fetched] = await client.ok('FETCH 1 FULL');

  assert.match(fetched!, /^\* 1 FETCH \(/);
  assert.ok(fetched!.includes('FLAGS (\\Flagged \\Recent)'));
  assert.ok(fetched!.includes('INTERNALDATE "17-Jul-1996 02:44:25 +0000"'));
  assert.ok(fetched!.includes(`RFC822.SIZE ${text.length}`));
  assert.ok(
    fetched!.includes(
      'ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "Invoice" (("Ben" NIL "ben" "office.test")) (("Ben" NIL "ben" "office.test")) (("Ben" NIL "ben" "office.test")) NIL NIL NIL NIL NIL)',
    ),
  );
  assert.match(fetched!, /BODY \("TEXT" "PLAIN" \("CHARSET" "US-ASCII"\) NIL NIL "7BIT" 7 1\)\)$/i);
});

test('a message comes back byte for byte', async (t) => {
  const text = message({ Subject: 'Gr\xfc\xdfe' }, 'one\r\n\r\n..two\ttab\xff\xfe');
  const client = await withMessage(await imapOffice(t), text);

  assert.deepEqual(await client.ok('FETCH 1 BODY.PEEK[]'), [`* 1 FETCH (BODY[] {${text.length}}\r\n${text})`]);
});

test('the trace lines of the recipient stand before the message, in its size and in every section', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const stage = office.store.stage(1 << 20);
  await stage.write(Buffer.from('Subject: Hi\r\n\r\ntext\r\n'));
  const prefix = Buffer.from('Return-Path: <ben@office.test>\r\n');
  await office.store.deliver(await stage.finish(), [{ account: office.account, prefix }]);
  await client.ok('NOOP');

  const whole = 'Return-Path: <ben@office.test>\r\nSubject: Hi\r\n\r\ntext\r\n';
  const header = 'Return-Path: <ben@office.test>\r\nSubject: Hi\r\n\r\n';
  const cases: [item: string, value: string][] = [
    ['BODY[]', whole],
    ['BODY[HEADER]', header],
    ['BODY[TEXT]', 'text\r\n'],
    ['BODY[1]', 'text\r\n'],
    ['BODY[HEADER.FIELDS (return-path)]', 'Return-Path: <ben@office.test>\r\n\r\n'],
    ['BODY[HEADER.FIELDS.NOT (return-path)]', 'Subject: Hi\r\n\r\n'],
  ];
  for (const [item, value] of cases) {
    assert.deepEqual(await client.ok(`FETCH 1 ${item.replace('BODY', 'BODY.PEEK')}`), [
      `* 1 FETCH (${item} {${value.length}}\r\n${value})`,
    ]);
  }
  assert.deepEqual(await client.ok('FETCH 1 RFC822.SIZE'), [`* 1 FETCH (RFC822.SIZE ${whole.length})`]);
  for (let offset = 0; offset <= whole.length + 1; offset++) {
    const part = whole.slice(offset, offset + 7);
    assert.deepEqual(await client.ok(`FETCH 1 BODY.PEEK[]<${offset}.7>`), [
      `* 1 FETCH (BODY[]<${offset}> {${part.length}}\r\n${part})`,
    ]);
  }
});

test('sections of a multipart are the bytes that RFC 9051 6.4.5.1 names', async (t) => {
  const client = await withMessage(await imapOffice(t), MULTIPART);
  const cases: [item: string, value: string | null][] = [
    ['BODY[1]', 'Gr=C3=BC=C3=9Fe aus dem B=C3=BCro'],
    ['BODY[1]<2.6>', '=C3=BC'],
    ['BODY[1.MIME]', 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'],
    ['BODY[2]', 'AAECAwQF'],
    ['BODY[3]', 'From: ben@office.test\r\nSubject: Inner\r\n\r\ninner text'],
    ['BODY[3.HEADER]', 'From: ben@office.test\r\nSubject: Inner\r\n\r\n'],
    ['BODY[3.HEADER.FIELDS (SUBJECT)]', 'Subject: Inner\r\n\r\n'],
    ['BODY[3.TEXT]', 'inner text'],
    ['BODY[3.1]', 'inner text'],
    ['BODY[9]', null],
    ['BODY[1.HEADER]', null],
    ['BODY[HEADER.FIELDS (SUBJECT X-NONE)]', 'Subject: Report\r\n\r\n'],
  ];
  for (const [item, value] of cases) {
    const [name, partial = ''] = item.replace('BODY', 'BODY.PEEK').split('<', 2) as [string, string?];
    const label = partial === '' ? item : `${item.slice(0, item.indexOf('<'))}<${partial.split('.')[0]}>`;
    const expected = value === null ? 'NIL' : `{${value.length}}\r\n${value}`;
    assert.deepEqual(await client.ok(`FETCH 1 ${name}${partial === '' ? '' : `<${partial}`}`), [
      `* 1 FETCH (${label} ${expected})`,
    ]);
  }
});

test('BINARY gives parts decoded, with a literal8 when there is a NUL in them', async (t) => {
  const client = await withMessage(await imapOffice(t), MULTIPART);
  const text = Buffer.from('Grüße aus dem Büro').toString('latin1');

  assert.deepEqual(await client.ok('FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1] BINARY.PEEK[2] BINARY.SIZE[2])'), [
    `* 1 FETCH (BINARY[1] {${text.length}}\r\n${text} BINARY.SIZE[1] ${text.length} BINARY[2] ~{6}\r\n\0\x01\x02\x03\x04\x05 BINARY.SIZE[2] 6)`,
  ]);
  assert.deepEqual(await client.ok('FETCH 1 BINARY.PEEK[2]<2.3>'), ['* 1 FETCH (BINARY[2]<2> {3}\r\n\x02\x03\x04)']);
  assert.deepEqual(await client.ok('FETCH 1 BINARY.PEEK[7]'), ['* 1 FETCH (BINARY[7] NIL)']);
});

test('BINARY of an encoding nobody knows is refused, and the other messages are given', async (t) => {
  const client = await withMessage(await imapOffice(t), MULTIPART);
  await client.append(message({ Subject: 'plain' }, 'text'));

  const { untagged, tagged } = await client.command('FETCH 1:2 (UID BINARY.PEEK[4])');

  assert.match(tagged, /^NO \[UNKNOWN-CTE\] /);
  assert.deepEqual(untagged.slice(0, 2), ['* 1 FETCH (UID 1 BINARY[4] NIL)', '* 2 FETCH (UID 2 BINARY[4] NIL)']);
});

test('reading a body marks it as seen once, and peeking does not', async (t) => {
  const client = await withMessage(await imapOffice(t), message({ Subject: 'a' }));

  await client.ok('FETCH 1 (BODY.PEEK[] RFC822.HEADER BINARY.PEEK[1])');
  assert.deepEqual(await client.ok('FETCH 1 FLAGS'), ['* 1 FETCH (FLAGS (\\Recent))']);

  const untagged = await client.ok('FETCH 1 BODY[1]');
  assert.deepEqual(untagged, ['* 1 FETCH (BODY[1] {7}\r\nHello\r\n)', '* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))']);
  assert.deepEqual(await client.ok('FETCH 1 BODY[1]'), ['* 1 FETCH (BODY[1] {7}\r\nHello\r\n)']);
});

test('reading a body in a mailbox opened by EXAMINE changes nothing', async (t) => {
  const client = await withMessage(await imapOffice(t), message({ Subject: 'a' }));
  await client.ok('EXAMINE INBOX');

  assert.deepEqual(await client.ok('FETCH 1 BODY[1]'), ['* 1 FETCH (BODY[1] {7}\r\nHello\r\n)']);
  assert.deepEqual(await client.ok('UID FETCH 1 FLAGS'), ['* 1 FETCH (UID 1 FLAGS ())']);
});

test('UID FETCH tells the UID unasked and passes over UIDs that are not there', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  for (const subject of ['a', 'b', 'c']) await client.append(message({ Subject: subject }));
  await client.ok('STORE 2 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');

  assert.deepEqual(await client.ok('UID FETCH 1:* RFC822.SIZE'), [
    '* 1 FETCH (UID 1 RFC822.SIZE 21)',
    '* 2 FETCH (UID 3 RFC822.SIZE 21)',
  ]);
  assert.deepEqual(await client.ok('UID FETCH 2 FLAGS'), []);
  assert.deepEqual(
    await client.ok('UID FETCH 99:* UID'),
    ['* 2 FETCH (UID 3)'],
    '* is the last message (RFC 9051 6.4.9)',
  );
});

test('a sequence number beyond the last message is a BAD command', async (t) => {
  const client = await withMessage(await imapOffice(t), message({ Subject: 'a' }));

  assert.match((await client.command('FETCH 2 FLAGS')).tagged, /^BAD /);
  assert.match((await client.command('FETCH 1:2 FLAGS')).tagged, /^BAD /);
  assert.deepEqual(await client.ok('FETCH 1:* UID'), ['* 1 FETCH (UID 1)']);
});

test('object ids follow the content: copies share the EMAILID', async (t) => {
  const client = await withMessage(await imapOffice(t), message({ Subject: 'a', 'Message-ID': '<1@x>' }));
  await client.ok('COPY 1 INBOX');

  const ids = (await client.ok('FETCH 1:2 (EMAILID THREADID)')).map((line) => line.slice(line.indexOf('(')));
  assert.match(ids[0]!, /^\(EMAILID \(E\d+\) THREADID \(T\d+\)\)$/);
  assert.equal(ids[0], ids[1]);
});

test('CHANGEDSINCE gives only what changed, with its modseq', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  for (const subject of ['a', 'b', 'c']) await client.append(message({ Subject: subject }));
  const before = await client.ok('FETCH 1:* MODSEQ');
  assert.match(before[0]!, /^\* OK \[HIGHESTMODSEQ \d+\]/, 'the first CONDSTORE command says how far the mailbox is');
  const highest = Math.max(...before.slice(1).map((line) => Number(/MODSEQ \((\d+)\)/.exec(line)![1])));
  await client.ok('STORE 2 +FLAGS.SILENT (\\Answered)');

  const changed = await client.ok(`FETCH 1:* (FLAGS) (CHANGEDSINCE ${highest})`);

  assert.equal(changed.length, 1);
  assert.match(changed[0]!, /^\* 2 FETCH \(FLAGS \(\\Answered \\Recent\) MODSEQ \(\d+\)\)$/);
});

test('a large message streams whole, in parts and decoded', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const data = Buffer.alloc(3 << 20, 'The quick brown fox jumps over the lazy dog. ');
  const encoded = data.toString('base64').replace(/.{76}/g, '$&\r\n');
  const text = message(
    { Subject: 'large', 'Content-Type': 'text/plain', 'Content-Transfer-Encoding': 'base64' },
    encoded,
  );
  await client.append(text);

  const [whole] = await client.ok('FETCH 1 BODY.PEEK[]');
  assert.ok(whole === `* 1 FETCH (BODY[] {${text.length}}\r\n${text})`);
  const [part] = await client.ok('FETCH 1 BODY.PEEK[]<2000000.100>');
  assert.equal(part, `* 1 FETCH (BODY[]<2000000> {100}\r\n${text.slice(2_000_000, 2_000_100)})`);
  const [header] = await client.ok('FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]');
  assert.equal(header, '* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {18}\r\nSubject: large\r\n\r\n)');
  const [size] = await client.ok('FETCH 1 BINARY.SIZE[1]');
  assert.equal(size, `* 1 FETCH (BINARY.SIZE[1] ${data.length})`);
  const [decoded] = await client.ok('FETCH 1 BINARY.PEEK[1]<1000000.90>');
  assert.equal(decoded, `* 1 FETCH (BINARY[1]<1000000> ~{90}\r\n${data.toString('latin1', 1_000_000, 1_000_090)})`);
});

test('a message that another session removed can be read until the client hears that it is gone', async (t) => {
  const office = await imapOffice(t);
  const [phone, laptop] = [await office.inbox(), await office.inbox()];
  for (const subject of ['a', 'b', 'c']) await phone.append(message({ Subject: subject }));
  await laptop.ok('NOOP');
  await phone.ok('STORE 2 +FLAGS.SILENT (\\Deleted)');
  await phone.ok('EXPUNGE');

  const untagged = await laptop.ok('FETCH 1:3 BODY.PEEK[HEADER.FIELDS (SUBJECT)]');
  assert.deepEqual(
    untagged.map((line) => /^\* (\d) FETCH .*Subject: (\w)/s.exec(line)?.slice(1).join('')),
    ['1a', '2b', '3c'],
  );
  assert.deepEqual(await laptop.ok('NOOP'), ['* 2 EXPUNGE']);
});

test('10,000 messages are fetched in order, with a client that reads slowly', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const stage = office.store.stage(1 << 20);
  await stage.write(Buffer.from(message({ Subject: 'many' }, 'x'.repeat(2_000))));
  const staged = await stage.finish();
  const [inbox] = await office.store.mailboxes.list(office.account);
  const key = { account: office.account, mailbox: inbox!.id };
  for (let at = 0; at < 10; at++) {
    await office.store.append(
      key,
      Array.from({ length: 1_000 }, () => ({ staged, flags: { bits: 0, keywords: [] } })),
    );
  }
  await client.ok('NOOP');

  client.pause();
  const tag = client.start('FETCH 1:* (UID BODY.PEEK[TEXT])');
  client.resume();
  const { untagged, tagged } = await client.answer(tag);
  assert.match(tagged, /^OK /);
  assert.deepEqual(
    untagged.map((line) => line.slice(0, line.indexOf(' BODY'))),
    Array.from({ length: 10_000 }, (_, index) => `* ${index + 1} FETCH (UID ${index + 1}`),
  );
});

test('a client that leaves in the middle of a large message is no fault of ours', async (t) => {
  const client = await withMessage(await imapOffice(t), message({ Subject: 'large' }, 'x'.repeat(20 << 20)));

  client.pause();
  client.start('FETCH 1 BODY.PEEK[]');
  client.start('NOOP');
  client.destroy();
});

test('reading a body marks it as seen also when another client has just unmarked it', async (t) => {
  const office = await imapOffice(t);
  const reader = await withMessage(office, message({ Subject: 'a' }));
  await reader.ok('FETCH 1 BODY[1]');
  const other = await office.inbox();
  await other.ok('STORE 1 -FLAGS.SILENT (\\Seen)');

  await reader.ok('FETCH 1 BODY[1]');
  await other.ok('NOOP');
  assert.deepEqual(await other.ok('FETCH 1 FLAGS'), ['* 1 FETCH (FLAGS (\\Seen))']);
});
