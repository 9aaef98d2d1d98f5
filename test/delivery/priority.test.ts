/** What goes first of mail that waits for the same server, as people and their programs say it over real sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const ANNA = 'anna@office.test';
const PLAIN = saslPlain(ANNA, PASSWORD);
const FAR = 'carl@far.test';

test('what is important goes first, what goes to many or comes from a list goes last, and strangers decide nothing', async (t) => {
  const room = await mailRoom(t, {
    outgoing: {
      destinationOf: (address) => address.slice(address.indexOf('@') + 1),
      times: (from) => ({ warn: 0, expires: from + 86_400 }),
      wake() {},
    },
  });
  await room.directory.by('the test').forwarding.set('ben@office.test', ['ben@far.test'], { keeps: false });
  /** @returns the priority it has in the queue */
  const send = async (service: 'submission' | 'smtp', header: string, ...to: readonly string[]): Promise<string> => {
    const [from, auth] = service === 'smtp' ? ['sam@strange.test', []] : [ANNA, [`AUTH PLAIN ${PLAIN}`]];
    const client = await room.connect(service);
    for (const command of ['EHLO x.test', ...auth, `MAIL FROM:<${from}>`, ...to.map((one) => `RCPT TO:<${one}>`)]) {
      assert.match(await client.ask(command), /^2/, command);
    }
    assert.match(await client.ask('DATA'), /^354 /);
    const taken = await client.ask(
      `From: ${from}\r\nDate: Tue, 1 Dec 2026 10:00:00 +0000\r\n${header}\r\n\r\nHi.\r\n.`,
    );
    assert.match(taken, /^250 /);
    const entries = (await Array.fromAsync(room.store.queue.pages())).flat();
    await room.store.queue.change(entries, { kind: 'remove' }, async () => {});
    assert.equal(new Set(entries.map(({ priority }) => priority)).size, 1);
    return entries[0]!.priority;
  };
  assert.equal(await send('submission', 'Subject: x', FAR), 'normal');
  assert.equal(await send('submission', 'Importance: High', FAR), 'high');
  assert.equal(await send('submission', 'X-Priority: 5 (Lowest)', FAR), 'low');
  const many = Array.from({ length: 21 }, (_, at) => `person${at}@far.test`);
  assert.equal(await send('submission', 'X-Priority: 1', ...many.slice(1)), 'high');
  assert.equal(await send('submission', 'X-Priority: 1', ...many), 'low');
  assert.equal(await send('submission', 'Importance: high\r\nList-Id: <news.office.test>', FAR), 'low');
  assert.equal(await send('smtp', 'Importance: high', 'ben@office.test'), 'normal');
  assert.equal(await send('smtp', 'List-Id: <news.strange.test>', 'ben@office.test'), 'low');
});
