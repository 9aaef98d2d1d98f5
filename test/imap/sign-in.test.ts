import assert from 'node:assert/strict';
import { once } from 'node:events';
import { BlockList, connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { saslPlain } from '../helpers/sasl-plain.ts';
import { certificate } from '../net/helpers.ts';
import { imapOffice, PASSWORD } from './imap-office.ts';

const plain = (password: string) => saslPlain('anna@office.test', password);

test('LOGIN takes words, quoted strings and literals, and tells what can be done now', async (t) => {
  const office = await imapOffice(t);
  for (const credentials of [
    `anna@office.test "${PASSWORD}"`,
    `"ANNA@office.test" {${PASSWORD.length}+}\r\n${PASSWORD}`,
  ]) {
    const client = await office.connect();
    const { tagged } = await client.command(`LOGIN ${credentials}`);
    assert.match(tagged, /^OK \[CAPABILITY IMAP4rev1 IMAP4rev2 .*\bIDLE\b.*\bAPPENDLIMIT=\d+\]/);
    assert.doesNotMatch(tagged, /AUTH=|SASL-IR/);
  }
});

test('a wrong password and an unknown name are refused alike', async (t) => {
  const client = await (await imapOffice(t)).connect();
  const wrong = await client.command('LOGIN anna@office.test wrong');
  const unknown = await client.command('LOGIN nobody@office.test wrong');
  assert.match(wrong.tagged, /^NO \[AUTHENTICATIONFAILED\] /);
  assert.equal(wrong.tagged, unknown.tagged);
});

test('a client that fails too often is sent away', async (t) => {
  const client = await (await imapOffice(t, { failedSignIns: 2 })).connect();
  await client.command('LOGIN anna@office.test wrong');
  await client.command('LOGIN anna@office.test wrong');
  assert.match((await client.response())!, /^\* BYE /);
  assert.equal(await client.response(), null);
});

test('AUTHENTICATE PLAIN works with an initial response and without', async (t) => {
  const office = await imapOffice(t);
  const first = await office.connect();
  await first.ok(`AUTHENTICATE PLAIN ${plain(PASSWORD)}`);

  const second = await office.connect();
  const tag = second.start('authenticate plain');
  assert.equal(await second.response(), '+ ');
  second.send(`${plain(PASSWORD)}\r\n`);
  assert.match((await second.answer(tag)).tagged, /^OK \[CAPABILITY /);
});

test('AUTHENTICATE can be cancelled, and refuses what is not Base64 or not offered', async (t) => {
  const client = await (await imapOffice(t)).connect();
  const tag = client.start('AUTHENTICATE PLAIN');
  await client.response();
  client.send('*\r\n');
  assert.match((await client.answer(tag)).tagged, /^BAD /);
  assert.match((await client.command('AUTHENTICATE PLAIN !!!')).tagged, /^BAD /);
  assert.match((await client.command('AUTHENTICATE X-MAGIC')).tagged, /^NO /);
  assert.match((await client.command(`AUTHENTICATE PLAIN ${plain('wrong')}`)).tagged, /^NO \[AUTHENTICATIONFAILED\] /);
  await client.ok(`AUTHENTICATE PLAIN ${plain(PASSWORD)}`);
});

test('an account has no more connections than it may', async (t) => {
  const office = await imapOffice(t, {}, { accountConnections: 2 });
  await office.signIn();
  await office.signIn();
  const third = await office.connect();
  assert.match((await third.command(`LOGIN anna@office.test "${PASSWORD}"`)).tagged, /^NO \[LIMIT\] /);
});

test('from elsewhere, passwords wait for TLS', async (t) => {
  const { context } = await certificate();
  const proxies = new BlockList();
  proxies.addAddress('127.0.0.1');
  const office = await imapOffice(t, {}, { certificates: { tlsOptions: () => ({ secureContext: context }) }, proxies });
  const socket = connect({ port: office.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  t.after(() => socket.destroy());
  let heard = '';
  const hear = (text: string) => (heard += text);
  const until = async (end: string) => {
    while (!heard.includes(end)) await once(socket, 'data');
  };
  socket.setEncoding('latin1').on('data', hear);
  socket.write(
    `PROXY TCP4 192.0.2.7 192.0.2.1 40000 143\r\na1 LOGIN anna@office.test "${PASSWORD}"\r\na2 STARTTLS\r\na3 NOOP\r\n`,
  );
  await until('a2 OK');
  assert.match(heard, /^\* OK \[CAPABILITY IMAP4rev1 .* STARTTLS LOGINDISABLED\]/);
  assert.match(heard, /\r\na1 NO \[PRIVACYREQUIRED\] /);

  socket.removeAllListeners('data');
  const tls = connectTls({ socket, rejectUnauthorized: false });
  await once(tls, 'secureConnect');
  heard = '';
  tls.setEncoding('latin1').on('data', hear);
  tls.write(`b1 CAPABILITY\r\nb2 STARTTLS\r\nb3 LOGIN anna@office.test "${PASSWORD}"\r\nb4 LOGOUT\r\n`);
  await once(tls, 'end');
  assert.match(heard, /^\* CAPABILITY IMAP4rev1 (?!.*(STARTTLS|LOGINDISABLED)).* AUTH=PLAIN/);
  assert.match(heard, /b2 BAD .*\r\nb3 OK /s);
  assert.doesNotMatch(heard, /a3/);
});
