/** Who may send as whom, over real sockets. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';
const FORBIDDEN = /^550 5\.7\.1 /;
const TAKEN = /^250 2\.0\.0 /;

interface Letter {
  /** Reverse path. */
  readonly path?: string;
  readonly header?: string;
}

/** A desk from which anna sends to ben. */
async function desk(t: TestContext): Promise<{ room: MailRoom; send: (letter: Letter) => Promise<string> }> {
  const room = await mailRoom(t, { people: ['anna', 'ben'] });
  const client = await room.connect('submissions');
  await client.ask('EHLO laptop.test');
  await client.ask(`AUTH PLAIN ${saslPlain(ANNA, PASSWORD)}`);
  const send = async ({ path = ANNA, header = `From: ${ANNA}` }: Letter): Promise<string> => {
    for (const command of [`MAIL FROM:<${path}> SMTPUTF8`, `RCPT TO:<${BEN}>`, 'DATA']) {
      client.send(Buffer.from(`${command}\r\n`));
      const reply = await client.reply();
      if (!/^[23]/.test(reply)) return `${command.split(' ')[0]} ${reply}`;
    }
    client.send(Buffer.from(`${header}\r\nSubject: x\r\n\r\nbody\r\n.\r\n`));
    return client.reply();
  };
  return { room, send };
}

test('people send as themselves, their aliases and their groups, with any detail', async (t) => {
  const { room, send } = await desk(t);
  const changes = room.directory.by('the test');
  await changes.aliases.add('info@office.test', ANNA, BEN);
  await changes.groups.add('Sales', { address: 'sales@office.test' });
  await changes.groups.join('Sales', ANNA);
  await changes.aliases.add('büro@office.test', ANNA);
  for (const own of [
    ANNA,
    'ANNA@Office.Test',
    'anna+lists@office.test',
    'info@office.test',
    'sales@office.test',
    'büro@office.test',
  ]) {
    assert.match(await send({ path: own, header: `From: Anna <${own}>` }), TAKEN, own);
  }
  assert.match(await send({ header: 'From: anna@office.test, info@office.test\r\nSender: sales@office.test' }), TAKEN);
  assert.match(await send({ header: 'From: Us: anna@office.test, info@office.test;' }), TAKEN);
  await changes.groups.leave('Sales', ANNA);
  assert.match(await send({ path: 'sales@office.test' }), /^MAIL 550 5\.7\.1 /); // at once, for a session that is open
});

test('nobody sends as somebody else: not on the envelope, not in any From, not as Sender', async (t) => {
  const { room, send } = await desk(t);
  const changes = room.directory.by('the test');
  await changes.domains.setCatchAll('office.test', ANNA);
  // What she gets because nobody has it is not hers, postmaster's neither.
  for (const other of [
    BEN,
    'nobody@office.test',
    'postmaster@office.test',
    'someone@example.org',
    'ben+anna@office.test',
  ]) {
    assert.match(await send({ path: other }), /^MAIL 550 5\.7\.1 /, other);
    assert.match(await send({ header: `From: ${other}` }), FORBIDDEN, other);
  }
  for (const header of [
    `From: ${ANNA}, ${BEN}`,
    `From: ${ANNA}\r\nFrom: ${BEN}`,
    `From: ${ANNA}\r\nfrom : ${BEN}`,
    `From: ${ANNA}\r\nSender: ${BEN}`,
    `From: Boss: ${BEN};`,
    `From: "${ANNA}" <${BEN}>`,
    `From: <${ANNA}> <${BEN}>`,
    `From: ${ANNA}@ben.test`,
    `From: <${ANNA}@ben.test>`,
    `From: Boss:;`,
    'From: ',
    'From: Boss <>',
    'From: anna',
  ]) {
    assert.match(await send({ header }), FORBIDDEN, header);
  }
  assert.deepEqual(await room.inbox('ben'), []);
});

test('without a sender there are read receipts, and nothing else', async (t) => {
  const { send } = await desk(t);
  const receipt = `From: ${ANNA}\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b`;
  assert.match(await send({ path: '', header: receipt }), TAKEN);
  assert.match(await send({ path: '' }), FORBIDDEN);
  assert.match(await send({ path: '', header: receipt.replace(ANNA, BEN) }), FORBIDDEN);
  assert.match(
    await send({ path: '', header: receipt.replace('disposition-notification', 'delivery-status') }),
    FORBIDDEN,
  );
});

test('the policy lets a scanner send as everybody of its domain, and a program as anybody', async (t) => {
  const { room, send } = await desk(t);
  const { policy } = room.directory.by('the test');
  const mayBe = (rule: string) => policy.set({ scope: 'account', name: ANNA }, [`submission.senders=${rule}`]);
  await room.directory.by('the test').domains.add('shop.test');
  const as = (address: string) => send({ path: address, header: `From: ${address}` });
  await mayBe('domain');
  assert.match(await as(BEN), TAKEN);
  assert.match(await as('scanner@office.test'), TAKEN);
  assert.match(await as('ben@shop.test'), /^MAIL 550 /);
  assert.match(await as('someone@example.org'), /^MAIL 550 /);
  await mayBe('any');
  assert.match(await as('ben@shop.test'), TAKEN);
  assert.match(await as('someone@example.org'), TAKEN);
  assert.match(await send({ path: 'not an address' }), /^MAIL 501 /);
  await mayBe('own');
  assert.match(await as(BEN), /^MAIL 550 /);
});
