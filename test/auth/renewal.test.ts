/** Passwords that came as another server's hash: right at once in plain text, and like any other from the first sign-in on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { PasswordAuthenticator, type SignInReport } from '../../src/auth/authenticator.ts';
import { deriveScramKeys } from '../../src/auth/scram-keys.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Peer } from '../../src/auth/types.ts';
import { Directory } from '../../src/directory/directory.ts';
import { importAccounts } from '../../src/directory/import-accounts.ts';
import { Refused } from '../../src/errors.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { all, openOffice } from '../directory/office.ts';
import { ScramClient } from './scram-client.ts';

const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };
const ANNA = 'anna@office.test';
const SSHA = `{SSHA}${Buffer.concat([createHash('sha1').update('pencilsalt').digest(), Buffer.from('salt')]).toString('base64')}`;

async function importedOffice(t: TestContext, hash: string) {
  const { engine, directory } = await openOffice(t);
  const report = await importAccounts(directory.by('the test'), { text: `${ANNA}:${hash}` });
  assert.deepEqual([report.added, report.problems], [1, []]);
  return { engine, directory, ...signIns(directory) };
}

function signIns(directory: Directory) {
  const reports: SignInReport[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async () => {} });
  const authenticator = new PasswordAuthenticator({ directory, throttle, report: (report) => reports.push(report) });
  const plain = (password: string) => authenticator.password(ANNA, password, PEER);
  const challenge = async (name: string, client: ScramClient) => {
    const exchange = authenticator.sasl('SCRAM-SHA-256', PEER);
    const first = await exchange.respond(client.first());
    assert.ok(!first.done);
    return { exchange, first: first.challenge, parameters: first.challenge.toString().replace(/^r=[^,]*,/, ''), name };
  };
  const scram = async (password: string, name = ANNA) => {
    const client = new ScramClient({ name, password, gs2Header: 'n,,' });
    const { exchange, first } = await challenge(name, client);
    const end = await exchange.respond(client.final(first));
    assert.ok(end.done);
    return end.signedIn;
  };
  const parameters = async (name: string) =>
    (await challenge(name, new ScramClient({ name, password: '', gs2Header: 'n,,' }))).parameters;
  return { reports, plain, scram, parameters };
}

const failed = { code: 'auth.failed' };

test('the first sign-in in plain text makes a hash of ours and SCRAM keys, once', async (t) => {
  const { directory, plain, scram, reports } = await importedOffice(t, SSHA);
  await assert.rejects(plain('pen'), failed);
  await assert.rejects(scram('pencil'), failed); // its keys can't be known yet
  assert.equal(reports.at(-1)!.needsPlain, true);

  const signedIn = await plain('pencil');
  assert.equal(signedIn.account.name, ANNA);
  const record = await directory.signInRecord(ANNA);
  assert.match(record!.credentials[0]!.hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  await scram('pencil');
  await plain('pencil');
  await assert.rejects(plain('pen'), failed);
  const renewals = (await all(directory.audit(ANNA))).filter(({ action }) => action === 'password.rehash');
  assert.deepEqual(
    renewals.map(({ actor }) => actor),
    ['the server'],
  );
  assert.equal(reports.at(-1)!.needsPlain, undefined);
});

test('a hash of Argon2id with a cost of its own is replaced, too', async (t) => {
  const { hash } = await import('@node-rs/argon2');
  const { directory, plain } = await importedOffice(t, await hash('pencil', { memoryCost: 8_192, timeCost: 3 }));
  await plain('pencil');
  assert.match((await directory.signInRecord(ANNA))!.credentials[0]!.hash, /m=19456,t=2,p=1/);
});

test('what SCRAM tells is the same for nobody, for a hash that was imported, and after it was renewed', async (t) => {
  const { directory, plain, parameters } = await importedOffice(t, SSHA);
  const ben = await parameters('ben@office.test');
  await directory.by('the test').accounts.add({ address: 'ben@office.test', password: 'pencil' });
  assert.equal(await parameters('ben@office.test'), ben, 'that somebody came shows');
  const before = await parameters(ANNA);
  await plain('pencil');
  assert.equal(await parameters(ANNA), before, 'that keys were made shows');
  await directory.by('the test').accounts.setPassword(ANNA, 'another one');
  assert.equal(await parameters(ANNA), before, 'that the password was changed shows');
});

test('SCRAM keys are taken as they are when their salt and count are like ours', async (t) => {
  const keysOf = async (iterations: number) => {
    const salt = Buffer.from('sixteen byte sal');
    const { storedKey, serverKey } = await deriveScramKeys('pencil', { salt, iterations });
    const [salted, stored, server] = [salt, storedKey, serverKey].map((one) => Buffer.from(one).toString('base64'));
    return `{SCRAM-SHA-256}${iterations},${salted},${stored},${server}`;
  };
  const usual = await importedOffice(t, await keysOf(16_384));
  await usual.scram('pencil');
  await usual.plain('pencil');
  await usual.scram('pencil');
  const unusual = await importedOffice(t, await keysOf(4_096));
  await assert.rejects(unusual.scram('pencil'), failed);
  await unusual.plain('pencil');
  await unusual.scram('pencil');
});

test('five connections at once renew a password once', async (t) => {
  const { directory, plain } = await importedOffice(t, SSHA);
  await Promise.all(Array.from({ length: 5 }, () => plain('pencil')));
  const renewals = (await all(directory.audit(ANNA))).filter(({ action }) => action === 'password.rehash');
  assert.equal(renewals.length, 1);
});

test('a sign-in succeeds also when its password can not be renewed now', async (t) => {
  const { engine } = await importedOffice(t, SSHA);
  let full = false;
  const filling: Engine = {
    ...engine,
    read: (operation, account) => engine.read(operation, account),
    write: (operation) =>
      full ? Promise.reject(new Refused('store.full', 'The disk is full.')) : engine.write(operation),
    writeInWorker: () => assert.fail('not asked for'),
  };
  const troubles: string[] = [];
  const directory = await Directory.open(filling, (what) => troubles.push(what));
  full = true;
  const { plain, scram } = signIns(directory);
  await plain('pencil');
  assert.deepEqual(troubles, [`hashing the password of ${ANNA} anew`]);
  full = false;
  await plain('pencil');
  await scram('pencil');
});

test('a suspended account is not renewed, since nobody signed in to it', async (t) => {
  const { directory, plain } = await importedOffice(t, SSHA);
  await directory.by('the test').accounts.setState(ANNA, 'suspended');
  await assert.rejects(plain('pencil'), failed);
  assert.match((await directory.signInRecord(ANNA))!.credentials[0]!.hash, /^\{SSHA\}/);
});
