/** What is decided of TLS, from what the DNS, the domain, the sender and the route say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type HostFacts,
  isListed,
  kindOf,
  type Protection,
  protectionFor,
  protectionOfRoute,
} from '../../../src/outbound/tls/protection.ts';
import type { Tlsa } from '../../../src/outbound/tls/tlsa.ts';
import type { StsPolicy } from '../../../src/store/sts-policies.ts';

const NONE: Tlsa = { kind: 'none' };
const UNUSABLE: Tlsa = { kind: 'unusable' };
const USABLE: Tlsa = { kind: 'usable', base: 'mx.example.net', records: [] };
const UNKNOWN: Tlsa = { kind: 'unknown', why: 'no answer' };

function policy(mode: StsPolicy['mode'], ...mx: string[]): StsPolicy {
  return { id: '1', mode, mx, fetched: 0, expires: 1 };
}
const ENFORCE = policy('enforce', 'mx.example.net');
const ENFORCE_OTHERS = policy('enforce', 'mx.example.org');
const TESTING = policy('testing', 'mx.example.net');
const TESTING_OTHERS = policy('testing', 'mx.example.org');

/** In one word: how it goes, or with which code it doesn't. */
function word(protection: Protection): string {
  if (protection.kind === 'refused') return `${protection.said.reply} ${protection.said.status}`;
  return protection.kind === 'verified' ? `verified ${protection.because}` : protection.kind;
}

/** The same for mail without wishes, and for mail that wants TLS all the way. */
function decided(facts: Omit<HostFacts, 'host' | 'domain' | 'requireTls'> & { readonly authentic: boolean }): string[] {
  const host = { name: 'mx.example.net', authentic: facts.authentic };
  return [false, true].map((requireTls) => word(protectionFor({ ...facts, host, domain: 'example.net', requireTls })));
}

test('what is known of a host decides how mail goes there', () => {
  const rows: readonly (readonly [authentic: boolean, Tlsa, StsPolicy | undefined, usual: string, required: string])[] =
    [
      // Nothing signed, nothing said.
      [false, NONE, undefined, 'opportunistic', '550 5.7.10'],
      // MTA-STS alone.
      [false, NONE, ENFORCE, 'verified mta-sts', 'verified mta-sts'],
      [false, NONE, ENFORCE_OTHERS, '451 4.7.5', '550 5.7.10'],
      [false, NONE, TESTING, 'opportunistic', 'verified requiretls'],
      [false, NONE, TESTING_OTHERS, 'opportunistic', '550 5.7.10'],
      // DNSSEC without TLSA records.
      [true, NONE, undefined, 'opportunistic', 'verified requiretls'],
      [true, NONE, ENFORCE, 'verified mta-sts', 'verified mta-sts'],
      [true, NONE, ENFORCE_OTHERS, '451 4.7.5', '451 4.7.5'],
      // DANE, whatever MTA-STS says.
      [true, USABLE, undefined, 'dane', 'dane'],
      [true, USABLE, ENFORCE, 'dane', 'dane'],
      [true, USABLE, ENFORCE_OTHERS, 'dane', 'dane'],
      [true, USABLE, TESTING, 'dane', 'dane'],
      // TLSA records that say no more than that there is TLS.
      [true, UNUSABLE, undefined, 'encrypted', 'verified requiretls'],
      [true, UNUSABLE, TESTING, 'encrypted', 'verified requiretls'],
      [true, UNUSABLE, ENFORCE, 'verified mta-sts', 'verified mta-sts'],
      // Nobody could say: neither is it taken for none, nor does MTA-STS do instead.
      [true, UNKNOWN, undefined, '451 4.4.3', '451 4.4.3'],
      [true, UNKNOWN, ENFORCE, '451 4.4.3', '451 4.4.3'],
    ];
  for (const [authentic, tlsa, sts, usual, required] of rows) {
    const what = JSON.stringify({ authentic, tlsa: tlsa.kind, sts });
    assert.deepEqual(decided({ authentic, tlsa, sts }), [usual, required], what);
  }
});

test('a route says itself how it is protected, and a sender may want more', () => {
  const words = (requireTls: boolean) =>
    (['opportunistic', 'required', 'verified', 'implicit'] as const).map((tls) =>
      word(protectionOfRoute({ tls }, requireTls)),
    );
  assert.deepEqual(words(false), ['opportunistic', 'encrypted', 'verified route', 'verified route']);
  assert.deepEqual(words(true), Array(4).fill('verified route'));
});

test('a policy names hosts, and with a star those one label below', () => {
  const listed = (host: string, ...mx: string[]) => isListed(host, policy('enforce', ...mx));
  assert.equal(listed('mx.example.net', 'mx.example.org', 'mx.example.net'), true);
  assert.equal(listed('MX.example.net', 'mx.Example.net'), true);
  assert.equal(listed('mx1.example.net', '*.example.net'), true);
  assert.equal(listed('a.mx1.example.net', '*.example.net'), false);
  assert.equal(listed('example.net', '*.example.net'), false);
  assert.equal(listed('mxexample.net', '*.example.net'), false);
  assert.equal(listed('mx.example.net'), false);
  assert.equal(isListed('mx.example.net', policy('none', 'mx.example.net')), false);
});

test('how a connection was protected has one word', () => {
  const kind = (protection: Protection) => kindOf(protection, true);
  assert.equal(kindOf({ kind: 'opportunistic' }, false), 'none');
  assert.equal(kind({ kind: 'opportunistic' }), 'unverified');
  assert.equal(kind({ kind: 'encrypted' }), 'unverified');
  assert.equal(kind({ kind: 'verified', because: 'route' }), 'verified');
  assert.equal(kind({ kind: 'verified', because: 'requiretls' }), 'verified');
  assert.equal(kind({ kind: 'verified', because: 'mta-sts' }), 'mta-sts');
  assert.equal(kind({ kind: 'dane', tlsa: { kind: 'usable', base: 'x', records: [] }, domain: 'x' }), 'dane');
});
