import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { mailRoom, withoutTrace } from '../helpers/mail-room.ts';
import { addressed, codes, MESSAGE } from './sender.ts';

test('EHLO announces what there is', async (t) => {
  const room = await mailRoom(t, { people: [] });
  const smtp = await room.connect('smtp');
  assert.deepEqual((await smtp.ask('EHLO client.test')).trimEnd().split('\r\n'), [
    '250-mail.office.test',
    '250-PIPELINING',
    `250-SIZE ${50 * 1024 * 1024}`,
    '250-8BITMIME',
    '250-SMTPUTF8',
    '250-CHUNKING',
    '250-ENHANCEDSTATUSCODES',
    '250-STARTTLS',
    '250 HELP',
  ]);
  assert.equal(await smtp.ask('HELO client.test'), '250 mail.office.test\r\n');
});

const IN_ORDER: readonly [command: string, fresh: string, greeted: string, sender: string, recipient: string][] = [
  ['EHLO x', '250', '250', '250', '250'],
  ['HELO x', '250', '250', '250', '250'],
  ['MAIL FROM:<a@b.test>', '503 5.5.1', '250 2.1.0', '503 5.5.1', '503 5.5.1'],
  ['RCPT TO:<anna@office.test>', '503 5.5.1', '503 5.5.1', '250 2.1.5', '250 2.1.5'],
  ['DATA', '503 5.5.1', '503 5.5.1', '503 5.5.1', '354'],
  ['BDAT 0', '503 5.5.1', '503 5.5.1', '503 5.5.1', '250 2.0.0'],
  ['BDAT 0 LAST', '503 5.5.1', '503 5.5.1', '503 5.5.1', '250 2.0.0'],
  ['RSET', '250 2.0.0', '250 2.0.0', '250 2.0.0', '250 2.0.0'],
  ['NOOP with words', '250 2.0.0', '250 2.0.0', '250 2.0.0', '250 2.0.0'],
  ['VRFY anna', '252 2.1.5', '252 2.1.5', '252 2.1.5', '252 2.1.5'],
  ['EXPN all', '502 5.5.1', '502 5.5.1', '502 5.5.1', '502 5.5.1'],
  ['HELP', '214 2.0.0', '214 2.0.0', '214 2.0.0', '214 2.0.0'],
  ['AUTH PLAIN', '500 5.5.1', '500 5.5.1', '500 5.5.1', '500 5.5.1'],
  ['LHLO x', '500 5.5.1', '500 5.5.1', '500 5.5.1', '500 5.5.1'],
  ['TURN', '500 5.5.1', '500 5.5.1', '500 5.5.1', '500 5.5.1'],
  ['', '500 5.5.1', '500 5.5.1', '500 5.5.1', '500 5.5.1'],
  ['QUIT', '221 2.0.0', '221 2.0.0', '221 2.0.0', '221 2.0.0'],
];

test('every command is answered rightly in every state', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const before = [
    '',
    'EHLO x\r\n',
    'EHLO x\r\nMAIL FROM:<a@b.test>\r\n',
    'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\n',
  ];
  for (const [command, ...wanted] of IN_ORDER) {
    for (const [state, opening] of before.entries()) {
      const smtp = await room.connect('smtp');
      smtp.send(opening);
      for (let i = 0; i < opening.split('\r\n').length - 1; i += 1) await smtp.reply();
      const reply = await smtp.ask(command);
      assert.ok(reply.split('\r\n').at(-2)!.startsWith(wanted[state]!), `${command} in state ${state}: ${reply}`);
      smtp.socket.destroy();
    }
  }
});

const MALFORMED: readonly [command: string, code: string][] = [
  ['EHLO', '501 5.5.4'],
  ['HELO ', '501 5.5.4'],
  ['MAIL', '501 5.5.4'],
  ['MAIL FROM', '501 5.5.4'],
  ['MAIL FROM:', '501 5.5.4'],
  ['MAIL TO:<a@b.test>', '501 5.5.4'],
  ['MAIL FROM:a@b.test', '501 5.5.4'],
  ['MAIL FROM:<a@b.test', '501 5.5.4'],
  ['MAIL FROM:<a b@b.test>', '501 5.5.4'],
  ['MAIL FROM:<a@b.test>SIZE=1', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> SIZE', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> SIZE=-1', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> SIZE=1 SIZE=1', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> BODY=BINARYMIME', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> SMTPUTF8=1', '501 5.5.4'],
  ['MAIL FROM:<a@b.test> RET=FULL', '555 5.5.4'],
  ['MAIL FROM:<a@b.test> SIZE=99999999999', '552 5.3.4'],
  ['MAIL FROM:<a@b.test> SIZE=99999999999999999999', '552 5.3.4'],
  ['MAIL FROM:<\xc5\xbeofie@b.test>', '553 5.6.7'],
  ['MAIL FROM:<\xff@b.test> SMTPUTF8', '501 5.5.4'],
  ['DATA now', '501 5.5.4'],
  ['RSET now', '501 5.5.4'],
  ['QUIT now', '501 5.5.4'],
  ['STARTTLS now', '501 5.5.4'],
  ['VRFY', '501 5.5.4'],
  ['MAIL\0FROM:<a@b.test>', '500 5.5.1'],
  ['A'.repeat(3_000), '500 5.5.2'],
  ['NOOP bare \r here', '500 5.5.2'],
  ['NOOP bare \n here', '500 5.5.2'],
];

test('what is malformed is refused, and the session goes on', async (t) => {
  const room = await mailRoom(t, { people: [] });
  for (const [command, code] of MALFORMED) {
    await t.test(JSON.stringify(command).slice(0, 60), async () => {
      const smtp = await room.connect('smtp');
      await smtp.ask('EHLO x');
      assert.ok((await smtp.ask(command)).startsWith(code));
      if (command.includes('\n')) await smtp.reply(); // two lines to us, each refused
      assert.match(await smtp.ask('MAIL FROM:<a@b.test>'), /^250 /);
    });
  }
});

test('known parameters of MAIL are taken, unknown ones of RCPT are not', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  assert.match(await smtp.ask('mail from: <a@b.test> size=1000 body=8bitmime SMTPUTF8 AUTH=<>'), /^250 /);
  assert.match(await smtp.ask('RCPT TO:<anna@office.test> NOTIFY=NEVER'), /^555 5\.5\.4 /);
  assert.match(await smtp.ask('RCPT TO:<>'), /^501 5\.5\.4 /);
  assert.match(await smtp.ask('RCPT TO:<postmaster>'), /^250 /);
});

const RELAYS: readonly [recipient: string, code: string][] = [
  ['<victim@elsewhere.test>', '550 5.7.1'],
  ['<@office.test:victim@elsewhere.test>', '550 5.7.1'],
  ['<@mail.office.test,@office.test:victim@elsewhere.test>', '550 5.7.1'],
  ['<victim%elsewhere.test@office.test>', '550 5.1.1'],
  ['<elsewhere.test!victim@office.test>', '550 5.1.1'],
  ['<"victim@elsewhere.test"@office.test>', '550 5.1.1'],
  ['<"victim%elsewhere.test"@office.test>', '550 5.1.1'],
  ['<"anna@office.test"@elsewhere.test>', '550 5.7.1'],
  ['<victim@elsewhere.test@office.test>', '501 5.5.4'],
  ['<victim@[127.0.0.1]>', '550 5.7.1'],
  ['<anna@[127.0.0.1]>', '550 5.7.1'],
  ['<victim@office.test.elsewhere.test>', '550 5.7.1'],
  ['<nobody@office.test>', '550 5.1.1'],
  ['<nobody>', '501 5.5.4'],
];

test('no way of writing an address makes it a relay', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO x');
  await smtp.ask('MAIL FROM:<anna@office.test>');
  for (const [recipient, code] of RELAYS) {
    const reply = await smtp.ask(`RCPT TO:${recipient}`);
    assert.ok(reply.startsWith(code), `${recipient}: ${reply}`);
  }
  assert.match(await smtp.ask('RCPT TO:<@elsewhere.test:"anna"@OFFICE.test>'), /^250 /);
});

test('a whole session in one write is answered in order', async (t) => {
  const room = await mailRoom(t);
  const smtp = await room.connect('smtp');
  const transaction = `MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nRCPT TO:<x@office.test>\r\nDATA\r\n${MESSAGE}.\r\n`;
  assert.deepEqual(await codes(smtp, `EHLO x\r\n${transaction}RSET\r\n${transaction}NOOP\r\n`), [
    '250',
    ...['250 2.1.0', '250 2.1.5', '550 5.1.1', '354', '250 2.0.0'],
    '250 2.0.0',
    ...['250 2.1.0', '250 2.1.5', '550 5.1.1', '354', '250 2.0.0'],
    '250 2.0.0',
    '221 2.0.0',
  ]);
  assert.deepEqual((await room.inbox('anna')).map(withoutTrace), [MESSAGE, MESSAGE]);
});

test('a whole session byte by byte is the same', async (t) => {
  const room = await mailRoom(t);
  const smtp = await room.connect('smtp');
  const text = `EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n${MESSAGE}..\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nBDAT 4\r\na\r\nbBDAT 2 LAST\r\n\r\nQUIT\r\n`;
  for (const byte of text) {
    smtp.send(byte);
    await new Promise((resolve) => setImmediate(resolve)); // lets the bytes go out one by one
  }
  assert.match(await smtp.untilEnd(), /\r\n221 [^\r]*\r\n$/);
  assert.deepEqual((await room.inbox('anna')).map(withoutTrace), [`${MESSAGE}.\r\n`, 'a\r\nb\r\n']);
});

test('there is a limit on recipients, and the message still reaches those before it', async (t) => {
  const room = await mailRoom(t, { smtp: { recipients: 1 } });
  const smtp = await addressed(room);
  assert.match(await smtp.ask('RCPT TO:<ben@office.test>'), /^452 4\.5\.3 /);
  await smtp.ask('DATA');
  smtp.send(`${MESSAGE}.\r\n`);
  assert.match(await smtp.reply(), /^250 /);
  assert.deepEqual([(await room.inbox('anna')).length, (await room.inbox('ben')).length], [1, 0]);
});

test('too many errors end the connection', async (t) => {
  const room = await mailRoom(t, { people: [] });
  const smtp = await room.connect('smtp');
  smtp.send('WHAT\r\n'.repeat(100));
  const lines = (await smtp.untilEnd()).trimEnd().split('\r\n');
  assert.equal(lines.filter((line) => line.startsWith('500 5.5.1 ')).length, 50);
  assert.match(lines.at(-1)!, /^421 4\.7\.0 /);
});

test('a message that has been through a hundred servers goes on, through a hundred and one it does not', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  const hops = (count: number) => `${'Received: from a by b; c\r\n'.repeat(count)}\r\nReceived: in the body\r\n.\r\n`;
  await smtp.ask('DATA');
  smtp.send(hops(101));
  assert.match(await smtp.reply(), /^554 5\.4\.6 /);
  smtp.send('MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n');
  await smtp.until('354');
  await smtp.reply();
  smtp.send(hops(100));
  assert.match(await smtp.reply(), /^250 /);
});

test('STARTTLS: nothing said before it counts, and nothing smuggled behind it is run', async (t) => {
  const room = await mailRoom(t);
  const plain = await room.connect('smtp');
  await plain.ask('EHLO plain.test');
  await plain.ask('MAIL FROM:<a@b.test>');
  plain.send('STARTTLS\r\nRCPT TO:<anna@office.test>\r\nQUIT\r\n');
  assert.match(await plain.reply(), /^220 2\.0\.0 /);
  const smtp = await plain.startTls();
  assert.match(await smtp.ask('RCPT TO:<anna@office.test>'), /^503 5\.5\.1 /);
  assert.match(await smtp.ask('MAIL FROM:<a@b.test>'), /^503 5\.5\.1 /);
  assert.doesNotMatch(await smtp.ask('EHLO secure.test'), /STARTTLS/);
  assert.match(await smtp.ask('STARTTLS'), /^503 5\.5\.1 /);
  smtp.send(`MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n${MESSAGE}.\r\nQUIT\r\n`);
  await smtp.untilEnd();
  assert.match((await room.inbox('anna'))[0]!, /from secure\.test \(.*\r\n.* with ESMTPS id /);
});

test('the Received line says how it came, and cannot be bent by the name a client gives itself', async (t) => {
  const room = await mailRoom(t);
  const ways: readonly [hello: string, from: string, wanted: RegExp][] = [
    [
      'HELO plain.test',
      '<a@b.test>',
      /^Received: from plain\.test \(\[127\.0\.0\.1\]\)\r\n\tby mail\.office\.test \(Rainmail\) with SMTP id /m,
    ],
    ['EHLO [IPv6:2001:db8::1]', '<a@b.test>', /^Received: from \[IPv6:2001:db8::1\] \(.*\r\n.* with ESMTP id /m],
    ['EHLO x', '<a@b.test> SMTPUTF8', /^Received: from x \(.*\r\n.* with UTF8SMTP id /m],
    [
      'EHLO evil (trusted [10.0.0.1]); by\tme\xff',
      '<a@b.test>',
      /^Received: from evil\?\?trusted\?\[10\.0\.0\.1\]\?\?\?by\?me\? \(\[127/m,
    ],
    [`EHLO ${'n'.repeat(1_000)}`, '<a@b.test>', /^Received: from n{255} \(/m],
  ];
  for (const [hello, from, wanted] of ways) {
    const smtp = await room.connect('smtp');
    smtp.send(`${hello}\r\nMAIL FROM:${from}\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n${MESSAGE}.\r\nQUIT\r\n`);
    await smtp.untilEnd();
    assert.match((await room.inbox('anna')).at(-1)!, wanted);
  }
});

test('one message for two people names neither in its Received line', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room, ['anna', 'ben']);
  await smtp.ask('DATA');
  smtp.send(`${MESSAGE}.\r\n`);
  assert.match(await smtp.reply(), /^250 /);
  for (const person of ['anna', 'ben']) {
    const [message] = await room.inbox(person);
    assert.doesNotMatch(message!, /\tfor </);
    assert.ok(message!.includes(`\r\nDelivered-To: ${person}@office.test\r\n`));
  }
});

test('addresses in UTF-8 are taken with SMTPUTF8', async (t) => {
  const room = await mailRoom(t, { people: ['žofie'] });
  const smtp = await room.connect('smtp');
  const name = Buffer.from('<žofie@office.test>').toString('latin1');
  await smtp.ask('EHLO x');
  await smtp.ask('MAIL FROM:<a@b.test>');
  assert.match(await smtp.ask(`RCPT TO:${name}`), /^553 5\.6\.7 /);
  await smtp.ask('RSET');
  await smtp.ask(`MAIL FROM:${name} SMTPUTF8`);
  assert.match(await smtp.ask(`RCPT TO:${name}`), /^250 /);
  await smtp.ask('DATA');
  smtp.send(`${MESSAGE}.\r\n`);
  assert.match(await smtp.reply(), /^250 /);
  const [message] = await room.inbox('žofie');
  assert.ok(message!.startsWith(`Return-Path: ${name}\r\nDelivered-To: ${name.slice(1, -1)}\r\n`));
});

test('a long random pipeline gets one reply a line, whatever it says', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  // A fixed generator: a failure can be repeated.
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const words = [
    'EHLO',
    'MAIL',
    'RCPT',
    'RSET',
    'NOOP',
    'VRFY',
    'EXPN',
    ' ',
    'FROM:',
    'TO:',
    '<',
    '>',
    '@',
    'anna',
    'office.test',
    'SIZE=',
    '9',
    '"',
    '\\',
    '\xff',
    '\0',
    '=',
  ];
  for (let round = 0; round < 40; round += 1) {
    const lines = Array.from({ length: 40 }, () =>
      Array.from({ length: random(10) }, () => words[random(words.length)]).join(''),
    );
    const smtp = await room.connect('smtp');
    smtp.send(`${lines.join('\r\n')}\r\nQUIT\r\n`);
    const replies = (await smtp.untilEnd()).split('\r\n').filter((line) => /^\d{3} /.test(line));
    assert.equal(replies.length, lines.length + 1, JSON.stringify(lines));
  }
});

test('no line of a message goes on from our Received line', async (t) => {
  const room = await mailRoom(t);
  const smtp = await addressed(room);
  for (const blank of [' ', '\t']) {
    await smtp.ask('MAIL FROM:<a@b.test>');
    await smtp.ask('RCPT TO:<anna@office.test>');
    await smtp.ask('DATA');
    smtp.send(`${blank}(really from bank.test)\r\nSubject: hello\r\n\r\nHello.\r\n.\r\n`);
    assert.match(await smtp.reply(), /^250 /);
    const message = (await room.inbox('anna')).at(-1)!;
    assert.equal(withoutTrace(message), `\r\n${blank}(really from bank.test)\r\nSubject: hello\r\n\r\nHello.\r\n`);
  }
});

test('hundreds of messages that are begun and not ended are not all in memory, and come whole when they are', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const line = `${'x'.repeat(998)}\r\n`;
  const half = line.repeat(500);
  const clients = await Promise.all(Array.from({ length: 160 }, () => addressed(room)));
  const begun = `BDAT ${half.length}\r\n${half}`;
  for (const client of clients) client.send(begun);
  for (const client of clients) assert.match(await client.reply(), /^250 /);
  const parts = async () =>
    (await readdir(room.folder, { recursive: true })).filter((name) => name.endsWith('.part')).length;
  // A reply to BDAT says that the bytes are taken: the file of the last may be made just after it.
  for (let looks = 0; (await parts()) < 160 - (64 << 20) / half.length - 1; looks++) {
    assert.ok(looks < 200, 'what is beyond 64 MB is in files');
    await wait(25);
  }
  for (const client of clients.slice(1)) client.socket.destroy();
  await clients[0]!.ask('RSET');
  const again = await addressed(room);
  assert.match(await again.ask(`BDAT 4\r\nok\r\nBDAT 0 LAST`), /^250 /);
  for (const [at, client] of [await addressed(room), await addressed(room)].entries()) {
    client.send(`${begun}BDAT 3 LAST\r\n${at}\r\n`);
    await client.reply();
    assert.match(await client.reply(), /^250 /);
  }
  const bodies = (await room.inbox('anna')).map(withoutTrace);
  assert.deepEqual(bodies, ['ok\r\n', `${half}0\r\n`, `${half}1\r\n`]);
});
