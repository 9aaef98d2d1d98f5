import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { before, test } from 'node:test';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { BadCommand } from '../../src/errors.ts';
import type { LineConnection, Serve } from '../../src/net/connection-types.ts';
import { certificate, Peer, trialListener } from './helpers.ts';

let context: SecureContext;
before(async () => {
  ({ context } = await certificate());
});
const certificates = { tlsOptions: () => ({ secureContext: context }) };

/** Echoes lines, and knows STARTTLS; keeps what it read. */
function session(read: string[] = [], handshakes: string[] = []): Serve {
  return async (connection) => {
    connection.write('ready\r\n');
    for (let line = await connection.line(1000); line !== null; line = await connection.line(1000)) {
      const text = line.toString('latin1');
      read.push(text);
      if (text !== 'STARTTLS') {
        connection.write(`[${text}] secure=${connection.secure}\r\n`);
        continue;
      }
      connection.write('go ahead\r\n');
      try {
        await connection.startTls();
      } catch (error) {
        assert.ok(error instanceof BadCommand);
        handshakes.push(`${error.message}, closed=${connection.closed}`);
      }
    }
  };
}

async function secured(peer: Peer, options = {}): Promise<Peer> {
  peer.socket.removeAllListeners('data');
  const socket = connectTls({ socket: peer.socket, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return new Peer(socket);
}

test('what comes in plain text after STARTTLS, in one packet with it, is never seen', async (t) => {
  const read: string[] = [];
  const { connect } = await trialListener(t, { serve: session(read), certificates });
  const peer = await connect();
  peer.send('one\r\nSTARTTLS\r\ninjected\r\nhalf a line');
  await peer.until('go ahead\r\n');
  const tls = await secured(peer);
  tls.send('two\r\n');
  assert.equal(await tls.until('\r\n'), '[two] secure=true\r\n');
  assert.deepEqual(read, ['one', 'STARTTLS', 'two']);
});

test('the go-ahead goes out before TLS even when much waits before it', async (t) => {
  const much = 'x'.repeat(8 << 20);
  const { connect } = await trialListener(t, {
    certificates,
    serve: async (connection) => {
      connection.write(`${much}go ahead\r\n`);
      await connection.startTls();
      connection.write('in secret\r\n');
    },
  });
  const peer = await connect();
  assert.equal((await peer.until('go ahead\r\n')).length, much.length + 10);
  assert.equal(await (await secured(peer)).untilEnd(), 'in secret\r\n');
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`TLS from the first byte and by STARTTLS, with ${version}`, async (t) => {
    const implicit = await trialListener(t, { serve: session(), certificates, implicitTls: true });
    const direct = await implicit.connectTls({ minVersion: version, maxVersion: version });
    direct.send('hello\r\n');
    assert.equal(await direct.until('hello] secure=true\r\n'), 'ready\r\n[hello] secure=true\r\n');

    const plain = await trialListener(t, { serve: session(), certificates });
    const peer = await plain.connect();
    peer.send('STARTTLS\r\n');
    await peer.until('go ahead\r\n');
    const tls = await secured(peer, { minVersion: version, maxVersion: version });
    tls.send('hello\r\n');
    assert.equal(await tls.until('\r\n'), '[hello] secure=true\r\n');
  });
}

test('a secure connection carries megabytes both ways and ends cleanly', async (t) => {
  const size = 8 << 20;
  const { connectTls } = await trialListener(t, {
    certificates,
    implicitTls: true,
    serve: async (connection) => {
      let missing = size;
      while (missing > 0) {
        const chunk = await connection.chunk(missing);
        if (chunk === null) return;
        missing -= chunk.length;
        connection.write(chunk);
        await connection.drained();
      }
    },
  });
  const peer = await connectTls();
  peer.send(Buffer.alloc(size, 'secret'));
  assert.ok((await peer.untilEnd()) === 'secret'.repeat(size).slice(0, size));
});

test('what is no handshake ends the connection, and is no fault of ours', async (t) => {
  const handshakes: string[] = [];
  const plain = await trialListener(t, { serve: session([], handshakes), certificates });
  const peer = await plain.connect();
  peer.send('STARTTLS\r\n');
  await peer.until('go ahead\r\n');
  peer.send('this is no ClientHello\r\n');
  await peer.untilEnd();
  assert.deepEqual(handshakes, ['the TLS handshake failed, closed=true']);

  const implicit = await trialListener(t, { serve: session(), certificates, implicitTls: true });
  for (const data of ['EHLO in plain text\r\n', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', '\0'.repeat(1000)]) {
    const stranger = await implicit.connect();
    stranger.send(data);
    assert.ok(!(await stranger.untilEnd()).includes('ready'));
  }
});

test('a peer that leaves in the middle of the handshake leaves nothing behind', async (t) => {
  const { connect, listener } = await trialListener(t, { serve: session(), certificates, implicitTls: true });
  const polite = await connect();
  polite.socket.end('\x16\x03\x01');
  await polite.untilEnd();
  const rude = await connect();
  rude.send('\x16\x03\x01');
  rude.socket.resetAndDestroy();
  while (listener.totals.accepted < 2 || listener.open > 0) await new Promise(setImmediate);
});

test('TLS 1.1 is refused', async (t) => {
  const { connectTls } = await trialListener(t, { serve: session(), certificates, implicitTls: true });
  await assert.rejects(
    connectTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    /protocol version|PROTOCOL/i,
  );
});

test('STARTTLS after the peer has ended fails for the session and nobody else', async (t) => {
  const outcome = Promise.withResolvers<unknown>();
  const { port } = await trialListener(t, {
    certificates,
    serve: async (connection: LineConnection) => {
      while ((await connection.line(100)) !== null);
      await connection.startTls().catch(outcome.resolve);
    },
  });
  const socket = connect({ port, host: '127.0.0.1' });
  socket.resume().end();
  await once(socket, 'close');
  assert.ok((await outcome.promise) instanceof BadCommand);
});
