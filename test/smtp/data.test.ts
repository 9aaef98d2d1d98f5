/** What comes with DATA and BDAT. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { mailRoom, withoutTrace } from '../helpers/mail-room.ts';
import { addressed, codes, MESSAGE } from './sender.ts';

const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\n.\r',
  '\n\n.\r\n',
  '\r\n.\r\r\n',
  '\r',
  '\n',
];

test('smuggling: a false end of data is part of a message that is refused, and the true end is still the end', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  for (const falseEnd of FALSE_ENDS) {
    const smtp = await addressed(room);
    assert.match(await smtp.ask('DATA'), /^354 /);
    const smuggled = 'MAIL FROM:<boss@office.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\nSubject: smuggled\r\n';
    assert.deepEqual(await codes(smtp, `${MESSAGE}x${falseEnd}${smuggled}\r\n.\r\nNOOP\r\n`), [
      '554 5.6.0',
      '250 2.0.0',
      '221 2.0.0',
    ]);
  }
  assert.deepEqual(await room.inbox('anna'), []);
});

test('a dot at the start of a line is taken off, and only there', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  await smtp.ask('DATA');
  smtp.send('..\r\n...\r\n. \r\n..a.\r\n a.\r\n.\r\n');
  assert.match(await smtp.reply(), /^250 /);
  assert.equal(withoutTrace((await room.inbox('anna'))[0]!), '.\r\n..\r\n \r\n.a.\r\n a.\r\n');
});

test('an empty message is a message', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  await smtp.ask('DATA');
  smtp.send('.\r\n');
  assert.match(await smtp.reply(), /^250 /);
  assert.equal(withoutTrace((await room.inbox('anna'))[0]!), '');
});

test('BDAT takes exactly the bytes it announces, whatever they look like', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  const chunk = 'Subject: x\r\n\r\n.\r\nQUIT\r\n..\r\n';
  smtp.send(`BDAT ${chunk.length}\r\n${chunk}BDAT 0\r\nBDAT 3\r\nend`);
  smtp.send('BDAT 0 last\r\n');
  for (let i = 0; i < 4; i += 1) assert.match(await smtp.reply(), /^250 2\.0\.0 /);
  assert.equal(withoutTrace((await room.inbox('anna'))[0]!), `${chunk}end`);
});

test('a CRLF may be cut by two chunks of BDAT, a CR may not end the last', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  smtp.send('BDAT 2\r\na\rBDAT 2 LAST\r\n\nbMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nBDAT 2 LAST\r\na\r');
  const replies = [];
  for (let i = 0; i < 5; i += 1) replies.push((await smtp.reply()).slice(0, 9));
  assert.deepEqual(replies, ['250 2.0.0', '250 2.0.0', '250 2.1.0', '250 2.1.5', '554 5.6.0']);
  assert.deepEqual((await room.inbox('anna')).map(withoutTrace), ['a\r\nb']);
});

test('nothing stays on the disk of a large message that is wrong at its very end', async (t) => {
  const room = await mailRoom(t);
  const line = `${'x'.repeat(998)}\r\n`;
  const smtp = await addressed(room);
  smtp.send(`BDAT ${2_000 * line.length + 1} LAST\r\n${line.repeat(2_000)}\r`);
  assert.match(await smtp.reply(), /^554 5\.6\.0 /);
  assert.match(await smtp.ask('NOOP'), /^250 /);
  const unfinished = async () =>
    (await readdir(room.folder, { recursive: true })).filter((name) => name.endsWith('.part'));
  for (let looks = 0; looks < 1_000 && (await unfinished()).length > 0; looks++); // it is removed in the background
  assert.deepEqual(await unfinished(), []);
});

test('BDAT that is refused stays in step', async (t) => {
  const room = await mailRoom(t);
  const smtp = await room.connect('smtp');
  const early = 'BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n';
  assert.deepEqual(await codes(smtp, `${early}EHLO x\r\n${early}MAIL FROM:<a@b.test>\r\n${early}RSET\r\n`), [
    ...['503 5.5.1', '503 5.5.1', '250', '503 5.5.1', '503 5.5.1', '250 2.1.0', '503 5.5.1', '503 5.5.1'],
    ...['250 2.0.0', '221 2.0.0'],
  ]);
});

test('a bad chunk in the middle spoils the message and not the session', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  assert.deepEqual(await codes(smtp, 'BDAT 4\r\nok\r\nBDAT 3\r\na\nbBDAT 4 LAST\r\nok\r\nBDAT 2 LAST\r\nabRSET\r\n'), [
    ...['250 2.0.0', '250 2.0.0', '554 5.6.0', '503 5.5.1', '250 2.0.0', '221 2.0.0'],
  ]);
  assert.deepEqual(await room.inbox('anna'), []);
});

test('BDAT without a size that can be read ends the connection: nobody knows what follows it', async (t) => {
  const room = await mailRoom(t);
  for (const args of ['', 'x', '-1', '1.5', '1 FIRST', '1 LAST now', '9999999999999999', '0x10']) {
    const smtp = await addressed(room);
    smtp.send(`BDAT ${args}\r\nMAIL FROM:<smuggled@elsewhere.test>\r\n`);
    assert.match(await smtp.untilEnd(), /^501 5\.5\.4 [^\r]*\r\n$/, args);
  }
});

test('DATA and BDAT do not mix, nor recipients and a message begun', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  assert.deepEqual(await codes(smtp, 'BDAT 3\r\na\r\nDATA\r\nRCPT TO:<ben@office.test>\r\nBDAT 3 LAST\r\nb\r\n'), [
    ...['250 2.0.0', '503 5.5.1', '503 5.5.1', '250 2.0.0', '221 2.0.0'],
  ]);
});

test('a message up to the limit is taken, one byte more is swallowed and refused, by DATA and by BDAT', async (t) => {
  const room = await mailRoom(t, { smtp: { messageBytes: 1_000 } });
  const full = `${'x'.repeat(998)}\r\n`;
  const open = 'MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\n';
  const smtp = await room.connect('smtp');
  assert.deepEqual(
    await codes(
      smtp,
      `EHLO x\r\n${open}DATA\r\n${full}.\r\n${open}DATA\r\nx${full}.\r\n${open}BDAT 1000 LAST\r\n${full}${open}BDAT 1001 LAST\r\nx${full}`,
    ),
    [
      '250',
      ...['250 2.1.0', '250 2.1.5', '354', '250 2.0.0'],
      ...['250 2.1.0', '250 2.1.5', '354', '552 5.3.4'],
      ...['250 2.1.0', '250 2.1.5', '250 2.0.0'],
      ...['250 2.1.0', '250 2.1.5', '552 5.3.4'],
      '221 2.0.0',
    ],
  );
  assert.deepEqual((await room.inbox('anna')).map(withoutTrace), [full, full]);
});

test('who goes on and on beyond the limit is cut off, also where nothing was to be taken', async (t) => {
  const room = await mailRoom(t, { smtp: { messageBytes: 1_000 } });
  for (const begin of ['DATA', 'BDAT 1000000', 'RSET\r\nBDAT 1000000']) {
    const smtp = await addressed(room);
    smtp.send(`${begin}\r\n${'x'.repeat(20_000)}`);
    assert.match(await smtp.untilEnd(), /^(?:354 [^\r]*\r\n|250 2\.0\.0 [^\r]*\r\n)?421 4\.3\.4 [^\r]*\r\n$/);
  }
});

test('who sends a byte now and then is cut off', async (t) => {
  const room = await mailRoom(t, { smtp: { patience: 0, leastBytesASecond: Number.POSITIVE_INFINITY } });
  for (const begin of ['DATA', 'BDAT 1000000']) {
    const smtp = await addressed(room);
    smtp.send(`${begin}\r\nx`);
    assert.match(await smtp.untilEnd(), /^(?:354 [^\r]*\r\n)?421 4\.4\.2 The message comes too slowly/);
  }
});

test('a large message streams in and comes back as it was', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  await smtp.ask('DATA');
  const body = Array.from(
    { length: 60_000 },
    (_, i) => `${i % 7 === 0 ? '.' : ''}line ${i} ${'y'.repeat(i % 60)}\r\n`,
  ).join('');
  smtp.send(`Subject: large\r\n\r\n${body.replace(/^\./gm, '..')}.\r\n`);
  assert.match(await smtp.reply(), /^250 /);
  assert.equal(withoutTrace((await room.inbox('anna'))[0]!), `Subject: large\r\n\r\n${body}`);
});

test('a connection that breaks within the data leaves nothing', async (t) => {
  const room = await mailRoom(t);
  for (const begun of ['DATA\r\nSubject: x\r\n\r\nhalf a', 'BDAT 100 LAST\r\nSubject: x\r\n', 'BDAT 4\r\na\r\nb']) {
    const smtp = await addressed(room);
    smtp.send(begun);
    smtp.socket.end();
    await smtp.untilEnd();
  }
  assert.deepEqual(await room.inbox('anna'), []);
});
