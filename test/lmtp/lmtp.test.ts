import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailRoom, withoutTrace } from '../helpers/mail-room.ts';

const MESSAGE = 'Subject: hello\r\n\r\nA line.\r\n';

test('a message comes to its recipient as it was, behind its trace lines', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  assert.match(await lmtp.ask('LHLO relay.test'), /^250-mail\.office\.test\r\n(?:250-.*\r\n)+250 HELP\r\n$/);
  assert.equal(await lmtp.ask('MAIL FROM:<sender@elsewhere.test>'), '250 2.1.0 Sender ok\r\n');
  assert.equal(await lmtp.ask('RCPT TO:<Anna@Office.test>'), '250 2.1.5 Recipient ok\r\n');
  assert.match(await lmtp.ask('DATA'), /^354 /);
  lmtp.send(`${MESSAGE}..dot\r\n.\r\n`);
  const [, id] = /^250 2\.0\.0 Delivered as (\S+)\r\n$/.exec(await lmtp.reply())!;

  const [message] = await room.inbox('anna');
  assert.equal(withoutTrace(message!), `${MESSAGE}.dot\r\n`);
  assert.match(
    message!,
    /^Return-Path: <sender@elsewhere\.test>\r\nDelivered-To: Anna@Office\.test\r\nReceived: from relay\.test \(\[127\.0\.0\.1\]\)\r\n\tby mail\.office\.test \(Rainmail\) with LMTP id \S+\r\n\tfor <Anna@Office\.test>;\r\n\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n/,
  );
  assert.ok(message!.includes(` id ${id}\r\n`));
});

test('each recipient that was accepted gets a reply of its own, in order', async (t) => {
  const room = await mailRoom(t, { people: ['anna', 'ben'], quotas: { ben: 1 } });
  await room.directory.by('the test').aliases.add('all@office.test', 'anna@office.test');
  const lmtp = await room.connect('lmtp');
  await lmtp.ask('LHLO relay.test');
  await lmtp.ask('MAIL FROM:<>');
  const recipients = ['anna', 'nobody', 'ben', 'all'];
  const codes = [];
  for (const name of recipients) codes.push((await lmtp.ask(`RCPT TO:<${name}@office.test>`)).slice(0, 9));
  assert.deepEqual(codes, ['250 2.1.5', '550 5.1.1', '250 2.1.5', '250 2.1.5']);
  await lmtp.ask('DATA');
  lmtp.send(`${MESSAGE}.\r\n`);
  assert.match(await lmtp.reply(), /^250 2\.0\.0 /);
  assert.match(await lmtp.reply(), /^452 4\.2\.2 /);
  assert.match(await lmtp.reply(), /^250 2\.0\.0 /);
  assert.equal((await room.inbox('anna')).length, 1, 'one copy, though two addresses lead to her');
  assert.equal((await room.inbox('ben')).length, 0);
});

test('bare CRs and LFs become CRLF, and end nothing', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n');
  await lmtp.until('354');
  await lmtp.reply();
  lmtp.send('Subject: x\n\none\rtwo\n.\nthree\n.\r\nfour\r\n.\n\r\n.\r\n');
  assert.match(await lmtp.reply(), /^250 /);
  const [message] = await room.inbox('anna');
  assert.equal(withoutTrace(message!), 'Subject: x\r\n\r\none\r\ntwo\r\n.\r\nthree\r\n.\r\nfour\r\n\r\n\r\n');
});

test('BDAT has a reply for each chunk, and for each recipient after the last', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<ben@office.test>\r\n');
  lmtp.send('BDAT 12\r\nSubject: x\r\nBDAT 8 LAST\r\n\r\nbody\r\nNOOP\r\nQUIT\r\n');
  const replies = (await lmtp.untilEnd()).split('\r\n').filter((line) => /^\d{3} /.test(line));
  assert.deepEqual(
    replies.slice(1).map((line) => line.slice(0, 3)),
    ['250', '250', '250', '250', '250', '250', '250', '221'],
  );
  for (const person of ['anna', 'ben'])
    assert.equal(withoutTrace((await room.inbox(person))[0]!), 'Subject: x\r\n\r\nbody\r\n');
});

test('what is wrong with a message is told to every recipient', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<ben@office.test>\r\nDATA\r\n');
  await lmtp.until('354');
  await lmtp.reply();
  lmtp.send('Subject: \0\r\n\r\n.\r\nNOOP\r\n');
  assert.match(await lmtp.reply(), /^554 5\.6\.0 /);
  assert.match(await lmtp.reply(), /^554 5\.6\.0 /);
  assert.match(await lmtp.reply(), /^250 /);
});

test('DATA without a recipient is refused once', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  lmtp.send('LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@office.test>\r\nDATA\r\nQUIT\r\n');
  assert.match(await lmtp.untilEnd(), /\r\n550 5\.1\.1 [^\r]*\r\n503 5\.5\.1 [^\r]*\r\n221 [^\r]*\r\n$/);
});

test('LMTP knows LHLO alone, and nobody signs in', async (t) => {
  const room = await mailRoom(t);
  const lmtp = await room.connect('lmtp');
  assert.match(await lmtp.ask('EHLO x'), /^500 5\.5\.1 /);
  assert.match(await lmtp.ask('HELO x'), /^500 5\.5\.1 /);
  assert.match(await lmtp.ask('AUTH PLAIN'), /^500 5\.5\.1 /);
  assert.doesNotMatch(await lmtp.ask('LHLO x'), /AUTH/);
  assert.match(await lmtp.ask('MAIL FROM:<a@b.test>'), /^250 /);
});
