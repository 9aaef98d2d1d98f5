import assert from 'node:assert/strict';
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { before, test } from 'node:test';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { LineConnection, Serve } from '../../src/net/connection-types.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { Listener } from '../../src/net/listener.ts';
import type { SessionCredential } from '../../src/net/sessions.ts';
import type { AccountId } from '../../src/store/ids.ts';
import { Clock, certificate, Peer, silent, trialListener } from './helpers.ts';

const PASSWORD: SessionCredential = { id: 1, kind: 'password', label: '' };

let context: SecureContext;
before(async () => {
  ({ context } = await certificate());
});

/** Greets, and answers each line; `account 7` signs in. */
const session: Serve = async (connection) => {
  connection.write('ready\r\n');
  for (let line = await connection.line(1000); line !== null; line = await connection.line(1000)) {
    const [word, value] = line.toString().split(' ');
    if (word === 'account') connection.write(`${connection.claimAccount(Number(value) as AccountId, PASSWORD)}\r\n`);
    else if (word === 'whoami') connection.write(`${ends(connection)}\r\n`);
    else connection.write('ok\r\n');
  }
};

function ends(connection: LineConnection): string {
  const { remoteAddress, remotePort, localAddress, localPort, local } = connection;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort} local=${local}`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');

test('one connection too many is told so and closed; when one ends, another may come', async (t) => {
  const limits = new ConnectionLimits({ connections: 2, byAddress: 10, byAccount: 10 });
  const { connect, listener } = await trialListener(t, { serve: session, limits });
  const first = await connect();
  const second = await connect();
  await first.until('ready\r\n');
  await second.until('ready\r\n');
  assert.equal(await (await connect()).untilEnd(), 'farewell: busy\r\n');
  assert.deepEqual([listener.totals.accepted, listener.totals.turnedAway, listener.open], [2, 1, 2]);

  first.socket.destroy();
  while (limits.open > 1) await new Promise(setImmediate);
  await (await connect()).until('ready\r\n');
});

test('connections count to their address before sign-in, and to their account after it', async (t) => {
  const limits = new ConnectionLimits({ connections: 100, byAddress: 2, byAccount: 3 });
  const { connect } = await trialListener(t, { serve: session, limits });
  const signIn = async (account: number) => {
    const peer = await connect();
    peer.send(`account ${account}\r\n`);
    await peer.until('ready\r\n');
    return { peer, signedIn: await peer.until('\r\n') };
  };
  const phones = [await signIn(7), await signIn(7), await signIn(7)];
  assert.deepEqual(
    phones.map(({ signedIn }) => signedIn),
    ['true\r\n', 'true\r\n', 'true\r\n'],
  );
  const refused = await signIn(7);
  assert.equal(refused.signedIn, 'false\r\n');
  assert.equal((await signIn(8)).signedIn, 'true\r\n');
  await (await connect()).until('ready\r\n'); // the second of the address that has not signed in
  assert.equal(await (await connect()).untilEnd(), 'farewell: busy\r\n');

  phones[0]!.peer.socket.destroy();
  while (limits.open > 5) await new Promise(setImmediate);
  refused.peer.send('account 7\r\n');
  assert.equal(await refused.peer.until('\r\n'), 'true\r\n');
});

test('only allowed networks may connect', async (t) => {
  const elsewhere = new BlockList();
  elsewhere.addSubnet('192.0.2.0', 24, 'ipv4');
  const closed = await trialListener(t, { serve: session, allowed: elsewhere });
  assert.equal(await (await closed.connect()).untilEnd(), '');
  const open = await trialListener(t, { serve: session, allowed: loopback });
  await (await open.connect()).until('ready\r\n');
});

test('a session that throws ends its own connection, and is counted', async (t) => {
  const { connect, faults } = await trialListener(t, {
    serve: async (connection) => {
      if ((await connection.line(100))?.toString() === 'break') throw new Error('broken inside');
      connection.write('fine\r\n');
    },
  });
  const bad = await connect();
  const good = await connect();
  bad.send('break\r\n');
  assert.equal(await bad.untilEnd(), '');
  good.send('work\r\n');
  assert.equal(await good.untilEnd(), 'fine\r\n');
  const fault = faults.pop()!;
  assert.deepEqual([fault.where, String(fault.error)], ['pop3', 'Error: broken inside']);
});

test('at shutdown who waits is told farewell, and who works may finish', async (t) => {
  const finish = Promise.withResolvers<void>();
  const { connect, listener } = await trialListener(t, {
    serve: async (connection) => {
      connection.write('ready\r\n');
      for (let line = await connection.line(100); line !== null; line = await connection.line(100)) {
        connection.write('working\r\n');
        await finish.promise;
        connection.write('done\r\n');
      }
    },
  });
  const waiting = await connect();
  const working = await connect();
  await waiting.until('ready\r\n');
  working.send('work\r\nmore work\r\n');
  await working.until('working\r\n');

  const stopped = listener.stop(60_000);
  assert.deepEqual(listener.addresses, []);
  waiting.socket.on('end', () => waiting.socket.end());
  assert.equal(await waiting.untilEnd(), 'farewell: shutdown\r\n');
  finish.resolve();
  working.socket.on('end', () => working.socket.end());
  assert.equal(await working.untilEnd(), 'done\r\nfarewell: shutdown\r\n');
  await stopped;
  assert.equal(listener.open, 0);
});

test('at shutdown who does not come to an end is cut off', async (t) => {
  let sessions = 0;
  const { connect, listener } = await trialListener(t, {
    serve: async (connection) => {
      sessions++;
      connection.write('ready\r\n');
      while ((await connection.chunk(100)) !== null); // a message that never ends
      sessions--;
    },
  });
  const peer = await connect();
  await peer.until('ready\r\n');
  await listener.stop(1);
  assert.equal(sessions, 0);
  assert.equal(await peer.untilEnd(), '');
});

test('a port that is taken is an error, and no other address stays open', async (t) => {
  const { port } = await trialListener(t, { serve: session });
  const options = {
    protocol: { name: 'pop3', strictLines: false, idleTimeout: 1000, serve: session, farewell: () => '' } as const,
    implicitTls: false,
    certificates: null,
    limits: new ConnectionLimits({ connections: 1, byAddress: 1, byAccount: 1 }),
    linesAWindow: 10,
    log: silent,
    onInternalError: assert.fail,
  };
  const addresses = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port },
  ];
  await assert.rejects(Listener.listen({ ...options, addresses }), { code: 'EADDRINUSE', port });
});

test('a trusted proxy says who the client is, and that it is not local', async (t) => {
  const limits = new ConnectionLimits({ connections: 100, byAddress: 2, byAccount: 10 });
  const { connect, port } = await trialListener(t, { serve: session, proxies: loopback, limits });
  const through = async (header: string) => {
    const peer = await connect();
    for (const byte of header) peer.send(byte);
    peer.send('whoami\r\n');
    return (await peer.until('local=')) + (await peer.until('\r\n'));
  };
  assert.equal(
    await through('PROXY TCP4 192.0.2.7 192.0.2.1 4000 995\r\n'),
    'ready\r\n192.0.2.7 4000 192.0.2.1 995 local=false\r\n',
  );
  assert.match(await through('PROXY TCP4 127.0.0.9 127.0.0.1 4000 995\r\n'), /127\.0\.0\.9 4000 .* local=true/);
  assert.match(
    await through('PROXY UNKNOWN\r\n'),
    new RegExp(`127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${port} local=false`),
  );

  await through('PROXY TCP4 192.0.2.7 192.0.2.1 4001 995\r\n');
  const third = await connect();
  third.send('PROXY TCP4 192.0.2.7 192.0.2.1 4002 995\r\n');
  assert.equal(await third.untilEnd(), 'farewell: busy\r\n');
});

test('a proxy that does not say who the client is gets nothing', async (t) => {
  const clock = new Clock();
  const { connect } = await trialListener(t, { serve: session, proxies: loopback, clock: clock.read });
  const wrong = await connect();
  wrong.send('USER anna\r\n');
  assert.equal(await wrong.untilEnd(), '');
  const long = await connect();
  long.send(`PROXY TCP4 ${'1'.repeat(200)}`);
  assert.equal(await long.untilEnd(), '');
  const silentProxy = await connect();
  silentProxy.send('PROXY');
  const time = setInterval(() => {
    clock.now += 5000;
  }, 10);
  assert.equal(await silentProxy.untilEnd(), 'farewell: timeout\r\n');
  clearInterval(time);
});

test('who is not a trusted proxy can not claim another address', async (t) => {
  const elsewhere = new BlockList();
  elsewhere.addAddress('192.0.2.1');
  const { connect } = await trialListener(t, { serve: session, proxies: elsewhere });
  const peer = await connect();
  peer.send('PROXY TCP4 192.0.2.7 192.0.2.1 4000 995\r\nwhoami\r\n');
  assert.match(await peer.until('local=true\r\n'), /ready\r\nok\r\n127\.0\.0\.1 /);
});

test('TLS begins behind the header of a proxy, even in the same packet', async (t) => {
  const { connect } = await trialListener(t, {
    serve: session,
    proxies: loopback,
    implicitTls: true,
    certificates: { tlsOptions: () => ({ secureContext: context }) },
  });
  const peer = await connect();
  peer.socket.removeAllListeners('data');
  peer.socket.cork();
  peer.send('PROXY TCP6 2001:db8::7 2001:db8::1 4000 995\r\n');
  const socket = connectTls({ socket: peer.socket, rejectUnauthorized: false });
  setImmediate(() => peer.socket.uncork());
  await once(socket, 'secureConnect');
  const tls = new Peer(socket);
  tls.send('whoami\r\n');
  assert.match(await tls.until('local=false\r\n'), /2001:db8::7 4000 2001:db8::1 995/);
});

test('bytes and connections are counted', async (t) => {
  const { connect, listener } = await trialListener(t, { serve: session });
  const peer = await connect();
  peer.send('hello\r\n');
  await peer.until('ok\r\n');
  assert.deepEqual(listener.traffic, { bytesIn: 7, bytesOut: 11 });
});
