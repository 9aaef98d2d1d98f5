import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { mailAccount } from '../../src/autoconfig/account.ts';
import { appleProfile, type ProfilePerson } from '../../src/autoconfig/apple-profile.ts';
import { signProfile } from '../../src/autoconfig/sign-profile.ts';
import { keepSelfSigned } from '../../src/net/self-signed.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { access, services } from './facts.ts';
import { readPlist } from './plist-reader.ts';

const anna = { address: 'anna@office.test', displayName: 'Anna & "Lee" <x>' };

interface Profile {
  readonly PayloadUUID: string;
  readonly PayloadIdentifier: string;
  readonly PayloadOrganization: string;
  readonly PayloadContent: readonly Readonly<Record<string, unknown>>[];
}

const profileFor = (person: ProfilePerson, rules: Parameters<typeof access>[0] = {}) =>
  readPlist(appleProfile(person, mailAccount(services, access(rules)))!) as Profile;

test('a profile sets up the protocol that is preferred, and sending', () => {
  const imap = profileFor(anna).PayloadContent[0]!;
  const expected = {
    PayloadType: 'com.apple.mail.managed',
    EmailAccountType: 'EmailTypeIMAP',
    EmailAccountName: anna.displayName,
    EmailAccountDescription: 'Fruit & Sons <Ltd>',
    EmailAddress: anna.address,
    IncomingMailServerAuthentication: 'EmailAuthPassword',
    IncomingMailServerHostName: 'mail.office.test',
    IncomingMailServerPortNumber: 993,
    IncomingMailServerUseSSL: true,
    IncomingMailServerUsername: anna.address,
    OutgoingMailServerHostName: 'mail.office.test',
    OutgoingMailServerPortNumber: 465,
    OutgoingMailServerUseSSL: true,
    OutgoingMailServerUsername: anna.address,
    OutgoingPasswordSameAsIncomingPassword: true,
  };
  for (const [key, value] of Object.entries(expected)) assert.equal(imap[key], value, key);
  assert.ok(!('IncomingPassword' in imap));
  for (const rules of [{ prefer: 'pop3' }, { imap: false }] as const) {
    const pop3 = profileFor(anna, rules).PayloadContent[0]!;
    assert.deepEqual([pop3['EmailAccountType'], pop3['IncomingMailServerPortNumber']], ['EmailTypePOP', 995]);
  }
});

test('nobody gets a profile for a mailbox that they may not fetch mail from', () => {
  assert.equal(appleProfile(anna, mailAccount(services, access({ imap: false, pop3: false }))), null);
});

test('an app password goes into the profile, for both servers', () => {
  const account = profileFor({ ...anna, password: 'abcd efgh' }).PayloadContent[0]!;
  assert.deepEqual([account['IncomingPassword'], account['OutgoingPassword']], ['abcd efgh', 'abcd efgh']);
});

test('a profile that is made again replaces the one before, and no other', () => {
  const ids = ({ PayloadUUID, PayloadIdentifier, PayloadContent }: Profile) => [
    PayloadUUID,
    PayloadIdentifier,
    PayloadContent[0]!['PayloadUUID'],
    PayloadContent[0]!['PayloadIdentifier'],
  ];
  const first = ids(profileFor(anna));
  assert.equal(new Set(first).size, 4);
  assert.deepEqual(ids(profileFor({ ...anna, displayName: 'Anna Novak', password: 'x' })), first);
  const others = [profileFor({ ...anna, address: 'ben@office.test' }), profileFor(anna, { prefer: 'pop3' })];
  for (const other of others) assert.equal(new Set([...first, ...ids(other)]).size, 8);
  assert.match(first[0] as string, /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
});

test('what XML can not hold does not break a profile', () => {
  const account = profileFor({ ...anna, displayName: 'An\u0000na\u0007 \ud800]]> \u{1f34f}' }).PayloadContent[0]!;
  assert.equal(account['EmailAccountName'], 'Anna ]]> \u{1f34f}');
});

test('OpenSSL finds the signature of every kind of key right, and that of a changed profile wrong', async (t) => {
  const openssl = needsTool(t, 'openssl');
  if (!openssl) return;
  const folder = await emptyFolder(t);
  const profile = appleProfile(anna, mailAccount(services, access()))!;
  const own = join(folder, 'self-signed.pem');
  await keepSelfSigned(own, ['mail.office.test']);
  const [rsa, p384] = await Promise.all([
    generate([{ name: 'commonName', value: 'mail.office.test' }], { keySize: 2048, algorithm: 'sha256' }),
    generate([{ name: 'commonName', value: 'mail.office.test' }], {
      keyType: 'ec',
      curve: 'P-384',
      algorithm: 'sha384',
    }),
  ]);
  const both = await readFile(own);
  const signers = [
    { chain: both, key: both },
    // A chain: only the first certificate signs, all are sent along.
    { chain: Buffer.concat([Buffer.from(`${rsa.cert}\n`), both]), key: Buffer.from(rsa.private) },
    { chain: Buffer.from(p384.cert), key: Buffer.from(p384.private) },
  ];
  for (const [index, signer] of signers.entries()) {
    const signed = (await signProfile(profile, signer))!;
    const file = join(folder, `${index}.mobileconfig`);
    const trusted = join(folder, `${index}.pem`);
    await writeFile(trusted, signer.chain);
    await writeFile(file, signed);
    const verify = ['-verify', '-inform', 'DER', '-in', file, '-CAfile', trusted, '-purpose', 'any'];
    assert.equal(await output(openssl, ['smime', ...verify]), profile);
    const inside = await output(openssl, ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', file]);
    assert.match(inside, /signingTime/);
    signed[signed.indexOf('anna@')] = 'b'.charCodeAt(0);
    await writeFile(file, signed);
    await assert.rejects(output(openssl, ['smime', ...verify]), /digest failure|verification failure/i);
  }
});

test('a key that can not sign a profile leaves it unsigned', async () => {
  const { generateKeyPairSync } = await import('node:crypto');
  const key = Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  assert.equal(await signProfile('<plist/>', { chain: Buffer.alloc(0), key }), null);
});
