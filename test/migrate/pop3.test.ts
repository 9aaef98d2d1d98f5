/** Moving in over POP3: what comes, what is followed, and what a bad server costs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { defer } from '../helpers/defer.ts';
import { dotStuffed, trialOffice } from '../helpers/office.ts';
import { corpus } from '../message/corpus.ts';
import { contentsHere, contentsOf } from './contents.ts';
import { oldDovecot } from './dovecot.ts';
import { moveAllIn, moveIn } from './moving.ts';
import { plain } from './old-mail.ts';

const hashes = (messages: readonly string[] | undefined) => messages!.map((line) => line.split(' ')[0]!);

test('every byte comes over POP3, and what is deleted there is removed here', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  const there = await old.client(t, 'anna');
  // POP3 knows lines only: a message that does not end with one gets a line end (RFC 1939 3). And IMAP, with which we compare, knows no NUL.
  const lined = corpus().filter(({ bytes }) => bytes.toString('latin1').endsWith('\r\n') && !bytes.includes(0));
  for (const { bytes } of lined) await there.append('INBOX', bytes);
  const office = await trialOffice(t);
  const from = `pop3://anna@127.0.0.1:${old.pop3}`;
  await moveIn(office, from);
  assert.deepEqual(hashes((await contentsHere(office)).get('INBOX')), hashes((await contentsOf(there)).get('INBOX')));

  await there.mailboxOpen('INBOX');
  await there.messageDelete('3:5', { uid: true });
  await there.append('INBOX', plain('new'));
  const report = await moveIn(office, from);
  assert.deepEqual([report.brought.messages, report.removed], [1, 3]);
  assert.deepEqual(hashes((await contentsHere(office)).get('INBOX')), hashes((await contentsOf(there)).get('INBOX')));
});

test('a POP3 server that breaks off, says no and gives one id twice costs what it does not give', async (t) => {
  const messages = ['one', 'two', 'three', 'four'].map((subject) => plain(subject, `.\r\n..two\r\n${subject}`));
  let breaks = 2;
  const port = await scriptedPop3(t, (command, number, socket) => {
    if (command === 'UIDL') return '+OK\r\n1 a\r\n2 b\r\n3 b\r\n4 c\r\n.\r\n';
    if (command === 'LIST')
      return `+OK\r\n${messages.map(({ length }, index) => `${index + 1} ${length}\r\n`).join('')}.\r\n`;
    if (command !== 'RETR') return '+OK\r\n';
    if (number === 3) return '-ERR [SYS/PERM] can not be read\r\n';
    const content = dotStuffed(messages[number - 1]!);
    if (number !== 2 || breaks === 0) return Buffer.concat([Buffer.from('+OK\r\n'), content]);
    breaks -= 1;
    socket.end(Buffer.concat([Buffer.from('+OK\r\n'), content.subarray(0, 40)]));
    return '';
  });
  const office = await trialOffice(t);
  const anna = office.address('anna');
  const [report] = await moveAllIn(office, 1, anna, '--from', `pop3://anna@127.0.0.1:${port}`, '--insecure');
  assert.equal(report!.brought.messages, 3);
  assert.equal(breaks, 0, 'it was asked again after each break');
  assert.deepEqual(report!.skipped, [{ folder: 'INBOX', message: 'b (2)', reason: 'can not be read' }]);
  assert.equal(report!.brought.bytes, messages[0]!.length + messages[1]!.length + messages[3]!.length);
});

test('a server without UIDL is refused: its mail would come twice', async (t) => {
  const port = await scriptedPop3(t, (command) => (command === 'UIDL' ? '-ERR unknown\r\n' : '+OK\r\n'));
  const office = await trialOffice(t);
  const from = ['--from', `pop3://anna@127.0.0.1:${port}`, '--insecure'];
  const [report] = await moveAllIn(office, 1, office.address('anna'), ...from);
  assert.equal(report!.error!.code, 'source.unusable');
});

/** A POP3 server that answers as told; without CAPA. @returns its port */
async function scriptedPop3(
  t: TestContext,
  answer: (command: string, number: number, socket: Socket) => string | Buffer,
): Promise<number> {
  const server = createServer((socket) => {
    defer(t, () => socket.destroy());
    socket.on('error', () => {});
    socket.write('+OK ready\r\n');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const [command = '', number = ''] = text.slice(0, end).split(' ');
        text = text.slice(end + 2);
        const said = command === 'CAPA' ? '-ERR unknown\r\n' : answer(command, Number(number), socket);
        if (said.length > 0) socket.write(said);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  defer(t, () => server.close());
  return (server.address() as { port: number }).port;
}
