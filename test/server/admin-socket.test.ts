import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';

/** What the admin socket answers to these bytes, given in pieces. */
async function ask(office: TrialOffice, ...pieces: string[]): Promise<unknown[]> {
  const socket = connect(join(office.data, 'admin.sock')).setEncoding('utf8');
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (text: string) => {
    heard += text;
  });
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
  await once(socket, 'close');
  return heard
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('requests that are no requests are answered with an error, and the server goes on', async (t) => {
  const office = await trialOffice(t);
  const command = (text: RegExp) => (answers: unknown[]) => {
    const { error } = answers[0] as { error: { code: string; text: string } };
    assert.equal(error.code, 'command');
    assert.match(error.text, text);
  };
  command(/not JSON/)(await ask(office, 'EHLO\r\n'));
  command(/not JSON/)(await ask(office, '\u0000\u00ff\n'));
  command(/expected object/)(await ask(office, '[]\n'));
  command(/no such action: launch/)(await ask(office, '{"action":"launch","input":{},"actor":"anna"}\n'));
  command(/name/)(await ask(office, '{"action":"domain.add","input":{},"actor":"anna"}\n'));
  command(/extra/)(await ask(office, '{"action":"domain.add","input":{"name":"a.test","extra":1},"actor":"anna"}\n'));
  assert.equal(await office.metric('rainmail_internal_errors_total'), 0);
});

test('a request is understood byte by byte', async (t) => {
  const office = await trialOffice(t);
  const answers = await ask(office, ...'{"action":"domain.add","input":{"name":"bücher.example"},"actor":"anna"}\n');
  assert.deepEqual(answers, [{ result: { name: 'xn--bcher-kva.example' } }]);
});

test('a client that leaves without a request, or before the answer, does no harm', async (t) => {
  const office = await trialOffice(t);
  const silent = connect(join(office.data, 'admin.sock'));
  await once(silent, 'connect');
  silent.destroy();
  const hasty = connect(join(office.data, 'admin.sock'));
  await once(hasty, 'connect');
  hasty.write('{"action":"account.list","input":{},"actor":"anna"}\n', () => hasty.destroy());
  await once(hasty, 'close');
  assert.ok(Array.isArray(await office.command('account', 'list')));
});

test('clients that say nothing, or do not hang up, keep no server from stopping', async (t) => {
  const office = await trialOffice(t);
  const [silent, lingering] = [0, 1].map(() => connect({ path: join(office.data, 'admin.sock'), allowHalfOpen: true }));
  await Promise.all([once(silent!, 'connect'), once(lingering!, 'connect')]);
  lingering!.write('{"action":"account.list","input":{},"actor":"anna"}\n');
  await once(lingering!, 'data');
  assert.equal(await office.stop(), 0);
  for (const socket of [silent!, lingering!]) socket.destroy();
});
