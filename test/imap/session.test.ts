import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapOffice, PASSWORD } from './imap-office.ts';

test('a command unknown, malformed or out of place is BAD, and the session goes on', async (t) => {
  const client = await (await imapOffice(t)).connect();
  for (const bad of [
    'FROBNICATE',
    'UID',
    'NOOP x',
    'SELECT INBOX',
    'LOGIN',
    'FETCH 1 FLAGS',
    'EXPUNGE',
    '',
    '{3+}\r\nabc',
  ]) {
    assert.match((await client.command(bad)).tagged, /^BAD /, bad);
  }
  await client.ok('NOOP');
  await client.ok(`LOGIN anna@office.test "${PASSWORD}"`);
  assert.match((await client.command(`LOGIN anna@office.test "${PASSWORD}"`)).tagged, /^BAD /);
  assert.match((await client.command('CLOSE')).tagged, /^BAD /);
});

test('a line without a tag is answered without one', async (t) => {
  const client = await (await imapOffice(t)).connect();
  for (const bad of ['', ' ', '(x) NOOP', '+ NOOP', '"a" NOOP']) {
    client.send(`${bad}\r\n`);
    assert.match((await client.response())!, /^\* BAD /, bad);
  }
});

test('commands sent together are answered one after the other, in their order', async (t) => {
  const client = await (await imapOffice(t)).connect();
  client.send(`a LOGIN {16+}\r\nanna@office.test "${PASSWORD}"\r\nb SELECT INBOX\r\nc NOOP\r\nd BOGUS\r\ne LOGOUT\r\n`);
  const heard: string[] = [];
  for (let line = await client.response(); line !== null; line = await client.response()) heard.push(line);
  const tagged = heard.filter((line) => !line.startsWith('*'));
  assert.deepEqual(
    tagged.map((line) => line.slice(0, 4)),
    ['a OK', 'b OK', 'c OK', 'd BA', 'e OK'],
  );
  assert.match(heard.at(-2)!, /^\* BYE /);
});

test('whoever speaks no IMAP for too long is sent away', async (t) => {
  const client = await (await imapOffice(t, { badCommands: 5 })).connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\nmore\r\nand more\r\nand more\r\n');
  for (let i = 0; i < 5; i++) assert.match((await client.response())!, / BAD /);
  assert.match((await client.response())!, /^\* BYE /);
  assert.equal(await client.response(), null);
});

test('a command beyond the limit is BAD with TOOBIG, and its bytes are never taken for commands', async (t) => {
  const client = await (await imapOffice(t, { commandBytesBeforeSignIn: 100 })).connect();
  const inner = 'x LOGOUT\r\n'.repeat(50);
  const { tagged } = await client.command(`LOGIN {${inner.length}+}\r\n${inner} {${inner.length}+}\r\n${inner}`);
  assert.match(tagged, /^BAD \[TOOBIG\] /);
  assert.match((await client.command('LOGIN {1000}')).tagged, /^BAD \[TOOBIG\] /);
  assert.match(
    (await client.command(`LOGIN ${'x'.repeat(200)} {${inner.length}+}\r\n${inner}`)).tagged,
    /^BAD \[TOOBIG\] /,
  );
  await client.ok('NOOP');
});

test('a fault of ours is answered NO, is counted, and the session goes on', async (t) => {
  const office = await imapOffice(t);
  const client = await office.signIn();
  const { mailboxes } = office.store;
  const { danglingSubscriptions } = mailboxes;
  mailboxes.danglingSubscriptions = () => Promise.reject(new Error('made to fail'));
  assert.match((await client.command('LIST "" *')).tagged, /^NO \[SERVERBUG\] /);
  assert.equal(office.faults.splice(0).length, 1);
  mailboxes.danglingSubscriptions = danglingSubscriptions;
  await client.ok('LIST "" *');
});

test('ID tells names, and is kind to clients that tell nothing', async (t) => {
  const client = await (await imapOffice(t)).connect();
  assert.deepEqual(await client.ok('ID ("name" "test" "version" NIL)'), ['* ID ("name" "Rainmail")']);
  await client.ok('ID NIL');
});

test('a client that goes away in the middle of anything leaves nothing behind', async (t) => {
  const office = await imapOffice(t);
  for (const last of ['a1 LOGIN {50+}\r\nann', 'a1 AUTHENTICATE PLAIN\r\n', 'a1 NO']) {
    const client = await office.connect();
    client.send(last);
    client.destroy();
  }
  const client = await office.signIn();
  client.send('a2 APPEND INBOX {1000+}\r\nhalf of it');
  client.destroy();
  assert.match((await (await office.signIn()).ok('STATUS INBOX (MESSAGES)'))[0]!, /MESSAGES 0/);
});
