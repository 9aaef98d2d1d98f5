import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Directory } from '../../src/directory/directory.ts';
import { type DkimKey, recordFault, recordName, recordText } from '../../src/signing/key.ts';
import { needsTool } from '../helpers/tools.ts';
import { inParts, LETTER, signingOffice } from './signing-office.ts';

const DOMAIN = 'office.test';

/** `rsa waiting`, in order. */
const states = (keys: readonly DkimKey[]) => keys.map(({ algorithm, state }) => `${algorithm} ${state}`).sort();
const audited = async (directory: Directory) =>
  (await Array.fromAsync(directory.audit(DOMAIN))).map(({ actor, action }) => `${actor}: ${action}`);

test('a domain has a key of each kind, made once, which waits for the DNS', async (t) => {
  const { signing, directory, dns } = await signingOffice(t);
  const [keys, again] = await Promise.all([signing.keyring.keys(DOMAIN), signing.keyring.keys(DOMAIN)]);
  assert.deepEqual(states(keys), ['ed25519 waiting', 'rsa waiting']);
  assert.deepEqual(again, keys);
  assert.deepEqual(await signing.keyring.signing(DOMAIN), []);
  assert.deepEqual((await audited(directory)).slice(0, 2), ['the server: dkim.key', 'the server: dkim.key']);
  const rsa = keys.find(({ algorithm }) => algorithm === 'rsa')!;
  assert.match(rsa.selector, /^rsa-\d{8}$/);

  // One of them is shown: it signs alone.
  dns.say('TXT', recordName(rsa), inParts(recordText(rsa)));
  const seen = await signing.keyring.look(DOMAIN);
  assert.deepEqual(states(seen.map(({ key }) => key)), ['ed25519 waiting', 'rsa signing']);
  assert.deepEqual(seen.map(({ key, shown, fault }) => [key.algorithm, shown, fault]).sort(), [
    ['ed25519', false, 'there is no such record'],
    ['rsa', true, ''],
  ]);
  assert.deepEqual(
    (await signing.keyring.signing(DOMAIN)).map(({ algorithm }) => algorithm),
    ['rsa'],
  );
  await assert.rejects(signing.keyring.keys('example.org'), { code: 'directory.missing' });
});

test('a key begins to sign once, however many look', async (t) => {
  const { signing, directory, dns } = await signingOffice(t);
  for (const key of await signing.keyring.keys(DOMAIN)) dns.say('TXT', recordName(key), inParts(recordText(key)));
  const looks = await Promise.all([1, 2, 3].map(() => signing.keyring.look(DOMAIN)));
  for (const seen of looks) {
    assert.deepEqual(states(seen.map(({ key }) => key)), ['ed25519 signing', 'rsa signing']);
  }
  const begun = (await audited(directory)).filter((entry) => entry === 'the server: dkim.sign');
  assert.equal(begun.length, 2);
});

test('OpenSSL takes the keys for what they say they are', async (t) => {
  const openssl = needsTool(t, 'openssl');
  if (!openssl) return;
  const { signing } = await signingOffice(t);
  for (const { algorithm, publicKey } of await signing.keyring.keys(DOMAIN)) {
    const bytes = Buffer.from(publicKey, 'base64');
    // What stands before the 32 bytes of an Ed25519 key.
    const der = algorithm === 'rsa' ? bytes : Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes]);
    const told = execFileSync(openssl, ['pkey', '-pubin', '-inform', 'DER', '-noout', '-text'], {
      input: der,
    }).toString();
    assert.match(told, algorithm === 'rsa' ? /Public-Key: \(2048 bit\)/ : /ED25519 Public-Key/);
  }
});

test('new keys sign only once the DNS shows them, and the old ones stay known until mail signed with them has been read', async (t) => {
  const clock = { now: 1_790_000_000 };
  const office = await signingOffice(t, [], () => clock.now);
  const { signing, directory, dns } = office;
  const { keyring } = signing;
  await office.publish(DOMAIN);
  const before = await keyring.signing(DOMAIN);

  const keys = await keyring.rotate(DOMAIN, { force: false }, 'mary');
  assert.deepEqual(states(keys), ['ed25519 signing', 'ed25519 waiting', 'rsa signing', 'rsa waiting']);
  assert.equal(new Set(keys.map(({ selector }) => selector)).size, 4);
  assert.equal((await audited(directory))[0], 'mary: dkim.rotate');
  await keyring.look(DOMAIN);
  assert.deepEqual(await keyring.signing(DOMAIN), before);
  await assert.rejects(keyring.rotate(DOMAIN, { force: false }, 'mary'), { code: 'directory.exists' });

  await office.publish(DOMAIN);
  const retired = (await keyring.keys(DOMAIN)).filter(({ state }) => state === 'retired');
  assert.deepEqual(retired.map(({ selector }) => selector).sort(), before.map(({ selector }) => selector).sort());
  assert.deepEqual(await office.checked(await office.leaves(LETTER)), ['ed25519-sha256 pass', 'rsa-sha256 pass']);

  // Their records go; they are forgotten when that is allowed, not before.
  for (const key of retired) dns.zone.delete(`TXT ${recordName(key)}`);
  await keyring.look(DOMAIN);
  assert.equal((await keyring.keys(DOMAIN)).length, 4);
  clock.now += 7 * 86_400;
  await keyring.look(DOMAIN);
  assert.deepEqual(states(await keyring.keys(DOMAIN)), ['ed25519 signing', 'rsa signing']);
});

test('keys that somebody else has got hold of are replaced at once', async (t) => {
  const office = await signingOffice(t);
  const { keyring } = office.signing;
  await office.publish(DOMAIN);
  await keyring.rotate(DOMAIN, { force: false }, 'mary');
  const keys = await keyring.rotate(DOMAIN, { force: true }, 'mary');
  assert.deepEqual(states(keys), ['ed25519 retired', 'ed25519 signing', 'rsa retired', 'rsa signing']);
  assert.deepEqual((await audited(office.directory)).slice(0, 2), ['mary: dkim.sign', 'mary: dkim.sign']);
});

test('a private key is nowhere once it is retired, and never in the audit', async (t) => {
  const office = await signingOffice(t);
  await office.publish(DOMAIN);
  const secrets = (await office.signing.keyring.signing(DOMAIN)).map(({ key }) =>
    key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  await office.signing.keyring.rotate(DOMAIN, { force: true }, 'mary');
  const kept = await office.everyPrivateKey();
  for (const secret of secrets) assert.ok(!kept.includes(secret));
  assert.equal(kept.filter((text) => text !== '').length, 2);
  assert.doesNotMatch(JSON.stringify(await Array.fromAsync(office.directory.audit())), /PRIVATE/);
});

test('nobody who can not be asked changes a key, and a domain that goes takes its keys along', async (t) => {
  const office = await signingOffice(t);
  const { keyring } = office.signing;
  for (const key of await keyring.keys(DOMAIN)) office.dns.zone.set(`TXT ${recordName(key)}`, 'SERVFAIL');
  assert.deepEqual(
    (await keyring.look(DOMAIN)).map(({ shown }) => shown),
    [null, null],
  );
  await office.directory.by('mary').domains.add('branch.test');
  await keyring.keys('branch.test');
  await office.directory.by('mary').domains.remove('branch.test');
  await keyring.lookAfterAll();
  assert.equal((await office.everyPrivateKey()).length, 2);
});

test('a record that goes while its key signs is noticed', async (t) => {
  const office = await signingOffice(t);
  const { keyring } = office.signing;
  await office.publish(DOMAIN);
  await keyring.lookAfterAll();
  assert.deepEqual(keyring.missingRecords, []);
  const [key] = await keyring.keys(DOMAIN);
  office.dns.zone.delete(`TXT ${recordName(key!)}`);
  await keyring.lookAfterAll();
  assert.deepEqual(keyring.missingRecords, [recordName(key!)]);
  // It may be back soon: it goes on to sign, beside the other.
  assert.equal((await keyring.signing(DOMAIN)).length, 2);
  await office.publish(DOMAIN);
  await keyring.lookAfterAll();
  assert.deepEqual(keyring.missingRecords, []);
});

test('a record that does not show the key is told by its fault', async (t) => {
  const { signing } = await signingOffice(t);
  const key = (await signing.keyring.keys(DOMAIN)).find(({ algorithm }) => algorithm === 'rsa')!;
  const good = recordText(key);
  const { publicKey } = key;
  for (const right of [
    good,
    `p=${publicKey}`,
    ` k = rsa ;p= ${publicKey.slice(0, 9)} ${publicKey.slice(9)} ; h=sha1:sha256; s=email; t=s`,
  ])
    assert.equal(recordFault(key, [right]), null, right);
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/no such record/],
    [/no key/, 'v=spf1 -all'],
    [/several/, good, good],
    [/version is DKIM2/, good.replace('DKIM1', 'DKIM2')],
    [/k=ed25519/, good.replace('rsa', 'ed25519')],
    [/revoked/, 'v=DKIM1; p='],
    [/cut off/, good.slice(0, 255)],
    [/another key/, 'v=DKIM1; p=AAAA'],
    [/sha256/, `${good}; h=sha1`],
    [/email/, `${good}; s=web`],
    [/tried out/, `${good}; t=s:y`],
  ];
  for (const [fault, ...records] of wrong) assert.match(recordFault(key, records) ?? 'none', fault);
});
