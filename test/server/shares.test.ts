/** Connections that are kept for those who need them, in a whole server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { trialOffice } from '../helpers/office.ts';

test('however many strangers come to port 25, people read and send their mail; and the other way round', async (t) => {
  const office = await trialOffice(t, { people: ['anna'], config: '[limits]\nconnections = 10' });
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const greeting = async (service: 'smtp' | 'imap' | 'pop3' | 'submission'): Promise<string> => {
    const socket = connect(office.port(service), '127.0.0.1');
    sockets.push(socket);
    const [line] = (await once(socket, 'data')) as [Buffer];
    return line.toString().slice(0, 4);
  };
  assert.deepEqual([await greeting('smtp'), await greeting('smtp'), await greeting('smtp')], ['220 ', '220 ', '421 ']);
  for (let people = 0; people < 5; people++) assert.equal(await greeting('imap'), '* OK');
  assert.equal(await greeting('submission'), '220 ');
  assert.deepEqual([await greeting('pop3'), await greeting('pop3')], ['+OK ', '-ERR']);
  sockets[0]!.destroy();
  while ((await greeting('smtp')) !== '220 '); // when it is known that the first has gone
});
