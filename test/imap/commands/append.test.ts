import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { imapOffice, message } from '../imap-office.ts';

/** The bytes of a message of the selected mailbox. */
const bodyOf = (responses: readonly string[]) => responses[0]!.replace(/^.*?\{\d+\}\r\n/s, '').slice(0, -1);

test('what was appended comes back byte for byte, whatever its line ends and bytes', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const every = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
  const messages = [
    message({ Subject: 'x' }),
    'a\nb\rc\r\n\r\n\n',
    every,
    `Subject: x\r\n\r\n${every.repeat(3000)}`,
    '\r\n',
    'x',
  ];
  for (const [index, text] of messages.entries()) {
    await client.append(text);
    assert.equal(bodyOf(await client.ok(`FETCH ${index + 1} BODY.PEEK[]`)), text);
  }
});

test('flags and date are kept, and the new UID is told', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const { tagged } = await client.command('APPEND INBOX (\\Seen $Junk work) "17-Jul-1996 02:44:25 -0700" {1+}\r\nx');
  assert.match(tagged, /^OK \[APPENDUID \d+ 1\] /);
  const [fetched] = await client.ok('FETCH 1 (FLAGS INTERNALDATE)');
  assert.match(fetched!, /FLAGS \(\\Seen \$Junk work( \\Recent)?\) INTERNALDATE "17-Jul-1996 09:44:25 \+0000"/);
});

test('a message in the selected mailbox is told before APPEND is done', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const untagged = await client.ok('APPEND INBOX {1+}\r\nx');
  assert.ok(untagged.includes('* 1 EXISTS'), untagged.join());
});

test('a literal that waits is asked for, and one for no mailbox is not', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  const tag = client.start('APPEND INBOX {3}');
  assert.match((await client.response())!, /^\+ /);
  client.send('abc\r\n');
  assert.match((await client.answer(tag)).tagged, /^OK \[APPENDUID \d+ 1\] /);
  assert.match((await client.command('APPEND Nowhere {3}')).tagged, /^NO \[TRYCREATE\] /);
  assert.match((await client.command('APPEND Nowhere {3+}\r\nabc')).tagged, /^NO \[TRYCREATE\] /);
  await client.ok('NOOP');
});

test('a message that is too large is refused before it is sent, or thrown away when it comes at once', async (t) => {
  const client = await (await imapOffice(t, { appendBytes: 1000 })).signIn();
  assert.match((await client.command('APPEND INBOX {1001}')).tagged, /^NO \[TOOBIG\] /);
  assert.match(
    (await client.command(`APPEND INBOX {5000+}\r\n${'a LOGOUT\r\n'.repeat(500)}`)).tagged,
    /^NO \[TOOBIG\] /,
  );
  await client.ok(`APPEND INBOX {1000+}\r\n${'x'.repeat(1000)}`);
});

test('several messages in one APPEND are filed together, in their order', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const { tagged } = await client.command('APPEND INBOX (\\Seen) {1+}\r\na {2+}\r\nbb (\\Flagged) {3+}\r\nccc');
  assert.match(tagged, /^OK \[APPENDUID \d+ 1:3\] /);
  assert.deepEqual(
    (await client.ok('FETCH 1:3 (RFC822.SIZE)')).map((line) => line.replace(/.*SIZE (\d+).*/, '$1')),
    ['1', '2', '3'],
  );
});

test('several messages are all filed or none', async (t) => {
  const client = await (await imapOffice(t, { appendBytes: 100, appendMessages: 3 })).inbox();
  const big = 'x'.repeat(101);
  assert.match((await client.command(`APPEND INBOX {1+}\r\na {101+}\r\n${big} {1+}\r\nb`)).tagged, /^NO \[TOOBIG\] /);
  assert.match((await client.command('APPEND INBOX {1+}\r\na (\\Bogus) {1+}\r\nb {1+}\r\nc')).tagged, /^BAD /);
  assert.match((await client.command('APPEND INBOX {1+}\r\na {1+}\r\nb nonsense')).tagged, /^BAD /);
  assert.match((await client.command(`APPEND INBOX${' {1+}\r\na'.repeat(4)}`)).tagged, /^NO \[LIMIT\] /);
  assert.match((await client.command('APPEND INBOX {1+}\r\na {0+}\r\n')).tagged, /^NO /);
  assert.match((await client.ok('STATUS INBOX (MESSAGES)'))[0]!, /MESSAGES 0/);
});

test('NUL comes only in a literal8', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  assert.match((await client.command('APPEND INBOX {3+}\r\na\0b')).tagged, /^BAD /);
  assert.match((await client.command('APPEND INBOX {6+}\r\n\0\r\na X')).tagged, /^BAD /);
  await client.ok('APPEND INBOX ~{3+}\r\na\0b');
  assert.match((await client.ok('FETCH 1 RFC822.SIZE'))[0]!, /RFC822\.SIZE 3\)/);
});

test('a mailbox is named by a literal as well', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.ok('APPEND {5+}\r\ninbox (\\Seen) {1+}\r\nx');
  const tag = client.start('APPEND {5}');
  await client.response();
  client.send('inbox {1}\r\n');
  await client.response();
  client.send('y\r\n');
  assert.match((await client.answer(tag)).tagged, /^OK /);
});

test('a message byte by byte is the message at once', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  const text = message({ Subject: 'slow' }, randomBytes(60).toString('base64'));
  const tag = client.start(`APPEND INBOX {${text.length}}`);
  assert.match((await client.response())!, /^\+ /);
  for (const byte of `${text}\r\n`) client.send(byte);
  assert.match((await client.answer(tag)).tagged, /^OK /);
  assert.equal(bodyOf(await client.ok('FETCH 1 BODY[]')), text);
});
