import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../../src/directory/address.ts';
import { Srs } from '../../src/signing/srs.ts';
import type { EpochSeconds } from '../../src/store/ids.ts';
import fc from '../helpers/properties.ts';

const DAY = 86_400;
const NOW = 1_790_000_000;
const ANNA = 'anna@office.test';

function srs(secret = 'a secret', at: { now: EpochSeconds } = { now: NOW }): Srs {
  return new Srs({ secret: Buffer.from(secret), isOurs: (domain) => domain === 'office.test', now: () => at.now });
}

/** Short enough to be held. */
const senders = fc
  .record({
    local: fc.string({ unit: fc.constantFrom(...'abzABZ019.=+-_!"\\ '), minLength: 1, maxLength: 20 }),
    domain: fc.constantFrom('example.org', 'mail.example.com', 'x.example'),
  })
  .map(formatAddress);

test('a forwarded sender stands in our own domain, and is found again behind it, with its case', async () => {
  const forwarded = await srs().forward('Carl.Jones@Example.ORG', ANNA);
  assert.match(forwarded, /^SRS0=[a-z2-7]{6}=[a-z2-7]{2}=example\.org=Carl\.Jones@office\.test$/);
  assert.equal(srs().reverse(forwarded), 'Carl.Jones@example.org');
});

test('every sender is found again, whatever its characters, and whatever servers did to the case of the address', async () => {
  await fc.assert(
    fc.asyncProperty(senders, async (sender) => {
      const forwarded = await srs().forward(sender, ANNA);
      assert.equal(srs().reverse(forwarded), sender);
      assert.equal(srs().reverse(forwarded.toLowerCase())?.toLowerCase(), sender.toLowerCase());
      assert.equal(srs().reverse(forwarded.toUpperCase())?.toLowerCase(), sender.toLowerCase());
    }),
  );
});

test('an address with any character changed leads nowhere, nor does one made with another secret', async () => {
  await fc.assert(
    fc.asyncProperty(senders, fc.nat(), fc.constantFrom(...'abcxyz234=.'), async (sender, place, character) => {
      const forwarded = await srs().forward(sender, ANNA);
      assert.equal(srs('another').reverse(forwarded), undefined);
      const from = 'SRS0='.length;
      const at = from + (place % (forwarded.lastIndexOf('@') - from));
      if (forwarded[at]!.toLowerCase() === character) return;
      const forged = `${forwarded.slice(0, at)}${character}${forwarded.slice(at + 1)}`;
      assert.equal(srs().reverse(forged), undefined, forged);
    }),
  );
});

test('a rewritten reverse path leads back for three weeks', async () => {
  const at = { now: NOW };
  const one = srs('a secret', at);
  const forwarded = await one.forward('carl@example.org', ANNA);
  at.now = NOW + 21 * DAY;
  assert.equal(one.reverse(forwarded), 'carl@example.org');
  at.now = NOW + 22 * DAY;
  assert.equal(one.reverse(forwarded), undefined);
  at.now = NOW - DAY;
  assert.equal(one.reverse(forwarded), undefined);
});

test('what another server forwarded before goes back to that server, however many have been in between', async () => {
  const first = new Srs({ secret: Buffer.from('first'), isOurs: () => false, now: () => NOW });
  const second = new Srs({ secret: Buffer.from('second'), isOurs: () => false, now: () => NOW });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('carl@x.example', 'C.D@x.example'), async (sender) => {
      const once = await first.forward(sender, 'a@one.test');
      const twice = await second.forward(once, 'b@two.test');
      const thrice = await srs().forward(twice, 'c@s.test');
      assert.match(thrice, /^SRS1=[a-z2-7]{6}=one\.test==[^@]+@s\.test$/);
      assert.equal(srs().reverse(thrice), once);
      assert.equal(second.reverse(twice), once);
      assert.equal(srs().reverse(twice), undefined);
      assert.equal(first.reverse(once), sender);
    }),
  );
});

test('the null sender and our own senders stay as they are', async () => {
  assert.equal(await srs().forward('', ANNA), '');
  assert.equal(await srs().forward('ben@office.test', ANNA), 'ben@office.test');
  const ours = await srs().forward('carl@example.org', ANNA);
  assert.equal(await srs().forward(ours, ANNA), ours);
});

test('where a sender is too long to be held, whoever forwards gets the reports', async () => {
  const long = `bounces+1234567-0000-${'a'.repeat(30)}@news.example.com`;
  assert.equal(await srs().forward(long, ANNA), ANNA);
});

test('other addresses are none of ours, whatever they look like', () => {
  for (const address of [
    '',
    'anna@office.test',
    'SRS0@office.test',
    'SRS0=@office.test',
    'SRS0=a=b@office.test',
    'SRS1=a=b=c@office.test',
    'SRS2=a=b=c=d@office.test',
    '"SRS0"@office.test',
  ])
    assert.equal(srs().reverse(address), undefined, address);
});
