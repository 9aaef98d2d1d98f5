import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../../src/auth/network.ts';
import fc from '../helpers/properties.ts';

test('an IPv4 address stands for itself, also within IPv6', () => {
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('::FFFF:192.0.2.1'), '192.0.2.1');
});

test('an IPv6 address stands for its /64, however it is written', () => {
  for (const address of ['2001:db8::1', '2001:DB8:0:0::2', '2001:0db8:0000:0000:1:2:3:4', '2001:db8:0:0:ffff::%eth0']) {
    assert.equal(networkOf(address), '2001:db8:0:0::/64', address);
  }
  assert.equal(networkOf('2001:db8:0:1::1'), '2001:db8:0:1::/64');
  assert.equal(networkOf('::1'), '0:0:0:0::/64');
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
});

test('addresses of one /64 are one network and others are not', () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((number) => number.toString(16));
  const groups = (length: number) => fc.array(group, { minLength: length, maxLength: length });
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), groups(4), (network, host, otherHost, otherNetwork) => {
      const of = (front: string[], back: string[]) => networkOf([...front, ...back].join(':'));
      assert.equal(of(network, host), of(network, otherHost));
      assert.equal(of(network, host) === of(otherNetwork, host), network.join() === otherNetwork.join());
    }),
  );
});
