import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScramClient } from '../auth/scram-client.ts';
import { type Client, mailRoom, PASSWORD, withoutTrace } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const challenge = (reply: string): Buffer => Buffer.from(reply.slice(4).trim(), 'base64');
const PLAIN = saslPlain('anna@office.test', PASSWORD);

async function signedIn(client: Client): Promise<Client> {
  await client.ask('EHLO laptop.test');
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 2\.7\.0 /);
  return client;
}

test('AUTH is offered on the submission port and not to other servers', async (t) => {
  const room = await mailRoom(t, { people: [] });
  assert.match(await (await room.connect('submission')).ask('EHLO x'), /250-AUTH (?:\S+ )*PLAIN/);
  assert.match(await (await room.connect('submissions')).ask('EHLO x'), /250-AUTH SCRAM-SHA-256-PLUS (?:\S+ )*PLAIN/);
  assert.doesNotMatch(await (await room.connect('smtp')).ask('EHLO x'), /AUTH/);
});

test('nobody sends without signing in', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await room.connect('submission');
  assert.match(await client.ask('MAIL FROM:<anna@office.test>'), /^503 5\.5\.1 /);
  await client.ask('EHLO x');
  assert.match(await client.ask('MAIL FROM:<anna@office.test>'), /^530 5\.7\.0 /);
  assert.match(await client.ask('RCPT TO:<anna@office.test>'), /^503 5\.5\.1 /);
});

test('AUTH PLAIN works with and without an initial response', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await signedIn(await room.connect('submission'));
  const client = await room.connect('submission');
  await client.ask('EHLO x');
  assert.equal(await client.ask('auth plain'), '334 \r\n');
  assert.match(await client.ask(PLAIN), /^235 2\.7\.0 /);
});

test('AUTH LOGIN asks for the name and the password', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await room.connect('submission');
  await client.ask('EHLO x');
  assert.match(await client.ask('AUTH LOGIN'), /^334 /);
  assert.match(await client.ask(base64('anna@office.test')), /^334 /);
  assert.match(await client.ask(base64(PASSWORD)), /^235 2\.7\.0 /);
});

test('AUTH SCRAM-SHA-256 proves both sides; the server’s proof comes as a last challenge', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await room.connect('submission');
  await client.ask('EHLO x');
  const scram = new ScramClient({ name: 'anna@office.test', password: PASSWORD });
  const first = await client.ask(`AUTH SCRAM-SHA-256 ${scram.first().toString('base64')}`);
  const final = await client.ask(scram.final(challenge(first)).toString('base64'));
  assert.equal(challenge(final).toString(), scram.serverFinal);
  assert.match(await client.ask(''), /^235 2\.7\.0 /);
  assert.match(await client.ask('MAIL FROM:<anna@office.test>'), /^250 /);
});

const REFUSED: readonly [about: string, dialogue: readonly string[], code: string][] = [
  ['a wrong password', [`AUTH PLAIN ${base64('\0anna@office.test\0wrong')}`], '535 5.7.8'],
  ['an unknown name', [`AUTH PLAIN ${saslPlain('nobody@office.test', PASSWORD)}`], '535 5.7.8'],
  ['an unknown mechanism', ['AUTH CRAM-MD5'], '504 5.5.4'],
  ['giving up', ['AUTH PLAIN', '*'], '501 5.5.4'],
  ['what is not Base64', ['AUTH PLAIN ???'], '501 5.5.4'],
  ['Base64 cut short', ['AUTH PLAIN', 'AAA'], '501 5.5.4'],
  ['no mechanism', ['AUTH'], '501 5.5.4'],
  ['too many words', ['AUTH PLAIN = ='], '501 5.5.4'],
  ['an empty initial response', ['AUTH PLAIN ='], '501 5.5.4'],
  ['a line that is far too long', [`AUTH PLAIN ${'A'.repeat(13_000)}`], '500 5.5.6'],
  ['a response that is far too long', ['AUTH PLAIN', 'A'.repeat(13_000)], '500 5.5.6'],
];

test('signing in: what is wrong is refused, and the right password is still taken', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  for (const [about, dialogue, code] of REFUSED) {
    await t.test(about, async () => {
      const client = await room.connect('submission');
      await client.ask('EHLO x');
      let reply = '';
      for (const line of dialogue) reply = await client.ask(line);
      assert.ok(reply.startsWith(code), reply);
      assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 /);
    });
  }
});

test('AUTH has its place: after EHLO, once, and not within a transaction', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await room.connect('submission');
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^503 5\.5\.1 /);
  await client.ask('HELO x');
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^503 5\.5\.1 /);
  await signedIn(client);
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^503 5\.5\.1 /);
});

test('from another machine there is no AUTH before TLS', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], fromAfar: true });
  const plain = await room.connect('submission');
  assert.doesNotMatch(await plain.ask('EHLO x'), /AUTH/);
  assert.match(await plain.ask(`AUTH PLAIN ${PLAIN}`), /^538 5\.7\.11 /);
  assert.match(await plain.ask('STARTTLS'), /^220 /);
  const client = await plain.startTls();
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^503 /);
  await signedIn(client);
});

test('an account has only so many connections', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], connectionsByAccount: 1 });
  await signedIn(await room.connect('submission'));
  const second = await room.connect('submission');
  await second.ask('EHLO x');
  assert.match(await second.ask(`AUTH PLAIN ${PLAIN}`), /^452 4\.5\.3 /);
});

test('mail to another server is refused with a word on why', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await signedIn(await room.connect('submission'));
  await client.ask('MAIL FROM:<anna@office.test>');
  assert.match(await client.ask('RCPT TO:<friend@elsewhere.test>'), /^550 5\.7\.1 .*isn't set up/);
  assert.match(await client.ask('RCPT TO:<anna@office.test>'), /^250 /);
});

test('Date, Message-ID and From are added where they are missing, Bcc and Return-Path are taken out, and nothing else is touched', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const client = await signedIn(await room.connect('submissions'));
  const send = async (message: string): Promise<string> => {
    client.send('MAIL FROM:<anna@office.test>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n');
    await client.until('354');
    await client.reply();
    client.send(`${message}.\r\n`);
    assert.match(await client.reply(), /^250 /);
    const received = (await room.inbox('anna')).at(-1)!;
    assert.match(received, / with ESMTPSA id /);
    return withoutTrace(received);
  };
  const date = String.raw`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n`;
  const id = String.raw`Message-ID: <[0-9a-f-]{36}@mail\.office\.test>\r\n`;
  const from = String.raw`From: <anna@office\.test>\r\n`;
  assert.match(await send('Subject: x\r\n\r\nbody\r\n'), new RegExp(`^Subject: x\r\n${date}${id}${from}\r\nbody\r\n$`));
  assert.match(await send('Date: today\r\n\r\nbody\r\n'), new RegExp(`^Date: today\r\n${id}${from}\r\nbody\r\n$`));
  assert.match(await send('Message-ID: <a>\r\n\r\n'), new RegExp(`^Message-ID: <a>\r\n${date}${from}\r\n$`));
  assert.match(await send('Subject: header only\r\n'), new RegExp(`^Subject: header only\r\n${date}${id}${from}$`));
  const complete = 'From: anna@office.test\r\nDate: today\r\nCc: ben\r\nMessage-ID: <a>\r\n\r\nbody\r\n';
  assert.equal(await send(complete), complete);
  assert.equal(await send(complete.replace('Cc:', 'Bcc: ben,\r\n carl\r\nCc:')), complete);
  assert.equal(await send(`Return-Path: <carl@example.net>\r\n${complete}`), complete);
});
