/** What senders ask beside the message: reports, waiting, TLS to the end. Over real sockets, to the queue. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const PLAIN = saslPlain('anna@office.test', PASSWORD);
const DAY = 86_400;
const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from + 60, expires: from + DAY }),
  wake: () => {},
};

async function signedIn(client: Client): Promise<string> {
  const offered = await client.ask('EHLO laptop.test');
  assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 /);
  return offered;
}

test('what people ask for their mail goes with it into the queue', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], outgoing });
  const client = await room.connect('submissions');
  assert.match(await signedIn(client), /^250-DSN\r\n(?:.*\r\n)*250-REQUIRETLS\r$/m);
  assert.match(await client.ask('MAIL FROM:<anna@office.test> RET=HDRS ENVID=Offer+20+2B17 REQUIRETLS'), /^250 /);
  assert.match(
    await client.ask('RCPT TO:<carl@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Carl@example.net'),
    /^250 /,
  );
  assert.match(await client.ask('RCPT TO:<dora@example.net> NOTIFY=NEVER'), /^250 /);
  assert.match(await client.ask('RCPT TO:<emil@example.net>'), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
  assert.match(await client.ask('Subject: Offer\r\n\r\nHello\r\n.'), /^250 /);
  const [[first] = []] = await Array.fromAsync(room.store.queue.pages());
  const { message, recipients } = (await room.store.queue.message(first!.id))!;
  assert.deepEqual(message.options, { requireTls: true, envelopeId: 'Offer +17', returns: 'headers', ours: true });
  assert.deepEqual(
    recipients.map(({ address, notify, original }) => ({ address, notify, original })),
    [
      { address: 'carl@example.net', notify: ['success', 'delay'], original: 'rfc822;Carl@example.net' },
      { address: 'dora@example.net', notify: ['never'], original: '' },
      { address: 'emil@example.net', notify: [], original: '' },
    ],
  );
});

test('a sender who waives TLS in the header says so to the queue, unless all the way is to be over TLS', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], outgoing });
  const client = await room.connect('submissions');
  await signedIn(client);
  for (const wish of ['', ' REQUIRETLS']) {
    assert.match(await client.ask(`MAIL FROM:<anna@office.test>${wish}`), /^250 /);
    assert.match(await client.ask('RCPT TO:<postmaster@example.net>'), /^250 /);
    assert.match(await client.ask('DATA'), /^354 /);
    assert.match(await client.ask('Subject: Your TLS\r\nTLS-Required: No\r\n\r\nis broken.\r\n.'), /^250 /);
  }
  const [page = []] = await Array.fromAsync(room.store.queue.pages());
  const options = await Promise.all(page.map(async ({ id }) => (await room.store.queue.message(id))!.message.options));
  assert.deepEqual(options, [
    { waiveTls: true, ours: true },
    { requireTls: true, ours: true },
  ]);
});

test('what can not be asked is refused, and the session goes on', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], outgoing });
  const client = await room.connect('submission');
  assert.doesNotMatch(await signedIn(client), /REQUIRETLS/);
  const from = 'MAIL FROM:<anna@office.test>';
  assert.match(await client.ask(`${from} REQUIRETLS`), /^530 5\.7\.10 /);
  for (const wrong of ['RET=HALF', 'RET', 'ENVID=a+zz', `ENVID=${'x'.repeat(101)}`]) {
    assert.match(await client.ask(`${from} ${wrong}`), /^501 5\.5\.4 /, wrong);
  }
  assert.match(await client.ask(`${from} HALF=1`), /^555 5\.5\.4 /);
  assert.match(await client.ask(from), /^250 /);
  for (const wrong of ['NOTIFY=NEVER,DELAY', 'NOTIFY', 'ORCPT=bob', 'ORCPT=rfc822;+0A', 'RET=FULL']) {
    assert.match(await client.ask(`RCPT TO:<carl@example.net> ${wrong}`), /^5(?:01|55) 5\.5\.4 /, wrong);
  }
  assert.match(await client.ask('RCPT TO:<carl@example.net> NOTIFY=FAILURE'), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
  assert.match(await client.ask('Subject: Offer\r\n\r\nHello\r\n.'), /^250 /);
});

test('servers of the Internet, and neighbours, ask for nothing but TLS to the end', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const plain = await room.connect('smtp');
  assert.doesNotMatch(await plain.ask('EHLO mx.test'), /DSN|FUTURERELEASE|REQUIRETLS/);
  assert.match(await plain.ask('MAIL FROM:<carl@example.net> RET=FULL'), /^555 /);
  assert.match(await plain.ask('STARTTLS'), /^220 /);
  const client = await plain.startTls();
  assert.match(await client.ask('EHLO mx.test'), /250-REQUIRETLS\r\n/);
  assert.match(await client.ask('MAIL FROM:<carl@example.net> REQUIRETLS=yes'), /^501 /);
  assert.match(await client.ask('MAIL FROM:<carl@example.net> REQUIRETLS'), /^250 /);
  assert.match(await client.ask('RCPT TO:<anna@office.test> NOTIFY=SUCCESS'), /^555 /);
  assert.match(await client.ask('RCPT TO:<anna@office.test>'), /^250 /);
  const neighbour = await room.connect('lmtp');
  assert.doesNotMatch(await neighbour.ask('LHLO mx.test'), /DSN|FUTURERELEASE|REQUIRETLS/);
});
