import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { PasswordAuthenticator } from '../../src/auth/authenticator.ts';
import { channelBinding } from '../../src/auth/channel-binding.ts';
import type { Peer } from '../../src/auth/types.ts';
import { BadCommand, Refused } from '../../src/errors.ts';
import { openOffice, PASSWORD } from '../directory/office.ts';
import { ScramClient } from './scram-client.ts';

const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  curve: 'P-384',
  algorithm: 'sha384',
});
const server = createServer({ key, cert });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

/** Both ends of one TLS connection. */
async function connection(t: TestContext, version: SecureVersion, session?: Buffer) {
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ...(session !== undefined && { session }),
  });
  const [[socket]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')])) as [
    [TLSSocket],
    unknown,
  ];
  t.after(() => {
    client.destroy();
    socket.destroy();
  });
  return { client, server: socket };
}

test('TLS 1.3: both ends export the same, and each connection something else', async (t) => {
  const one = await connection(t, 'TLSv1.3');
  const two = await connection(t, 'TLSv1.3');
  const exported = channelBinding(one.server, 'tls-exporter');
  assert.deepEqual(exported, one.client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
  assert.notDeepEqual(exported, channelBinding(two.server, 'tls-exporter'));
  assert.equal(channelBinding(one.server, 'tls-unique'), null);
});

test('TLS 1.2: the first Finished of a full handshake, never of a resumed one', async (t) => {
  const one = await connection(t, 'TLSv1.2');
  assert.deepEqual(channelBinding(one.server, 'tls-unique'), one.client.getFinished());
  assert.equal(channelBinding(one.server, 'tls-exporter'), null);

  const resumed = await connection(t, 'TLSv1.2', one.client.getSession());
  assert.equal(resumed.server.isSessionReused(), true);
  assert.equal(channelBinding(resumed.server, 'tls-unique'), null);
});

test('the hash of our certificate is as long as that of its signature', async (t) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { client, server: socket } = await connection(t, version);
    const certificate = client.getPeerX509Certificate()!;
    assert.deepEqual(channelBinding(socket, 'tls-server-end-point'), hash('sha384', certificate.raw, 'buffer'));
    assert.equal(channelBinding(socket, 'tls-something'), null);
  }
});

test('SCRAM-SHA-256-PLUS signs in over this connection and over no other', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const authenticator = new PasswordAuthenticator({ directory });
  const { client, server: socket } = await connection(t, 'TLSv1.3');
  const peer: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: socket };
  assert.equal(authenticator.mechanisms(peer)[0], 'SCRAM-SHA-256-PLUS');
  const bindingData = client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  const signIn = async (gs2Header: string, data: Buffer | undefined, mechanism = 'SCRAM-SHA-256-PLUS') => {
    const scram = new ScramClient({
      name: 'anna@office.test',
      password: PASSWORD,
      gs2Header,
      ...(data !== undefined && { bindingData: data }),
    });
    const exchange = authenticator.sasl(mechanism, peer);
    const first = await exchange.respond(scram.first());
    assert.ok(!first.done);
    const end = await exchange.respond(scram.final(first.challenge));
    assert.ok(end.done);
    assert.equal(end.data?.toString(), scram.serverFinal);
    return end.signedIn.mechanism;
  };

  assert.equal(await signIn('p=tls-exporter,,', bindingData), 'SCRAM-SHA-256-PLUS');
  await assert.rejects(signIn('p=tls-exporter,,', Buffer.alloc(32)), Refused); // somebody between has another connection
  await assert.rejects(signIn('p=tls-exporter,,', undefined), Refused);
  await assert.rejects(signIn('p=tls-unique,,', bindingData), BadCommand);
  await assert.rejects(signIn('n,,', undefined), BadCommand);
  await assert.rejects(signIn('y,,', undefined), BadCommand);
  // Without binding it goes, but not for who could bind and was kept from seeing the offer.
  assert.equal(await signIn('n,,', undefined, 'SCRAM-SHA-256'), 'SCRAM-SHA-256');
  await assert.rejects(signIn('y,,', undefined, 'SCRAM-SHA-256'), BadCommand);
  await assert.rejects(signIn('p=tls-exporter,,', bindingData, 'SCRAM-SHA-256'), BadCommand);
});
