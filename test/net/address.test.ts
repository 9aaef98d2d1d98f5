import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, peerOf, plainAddress } from '../../src/net/address.ts';

test('IPv4 within IPv6 is IPv4', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::ffff:1'), '::ffff:1');
});

test('loopback is 127/8 and ::1', () => {
  for (const address of ['127.0.0.1', '127.255.0.9', '::1']) assert.ok(isLoopback(address));
  for (const address of ['', '128.0.0.1', '192.0.2.127', '::', '::11', 'fe80::1']) assert.ok(!isLoopback(address));
});

test('a peer is an IPv4 address or the /64 of an IPv6 address, however it is written', () => {
  const peers: [address: string, peer: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::9:8:7:6:5', '2001:db8:0:9::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['::2:3:4:5:6:7', '0:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ];
  for (const [address, peer] of peers) assert.equal(peerOf(address), peer, address);
});
