/** Whom tokens of a real provider sign in, and whom they don't. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PasswordAuthenticator, type SignInReport } from '../../../src/auth/authenticator.ts';
import { OpenIdTokens } from '../../../src/auth/openid/tokens.ts';
import { Throttle } from '../../../src/auth/throttle.ts';
import { TokenRefused } from '../../../src/auth/token.ts';
import type { Peer, SignedIn } from '../../../src/auth/types.ts';
import { openOffice, PASSWORD } from '../../directory/office.ts';
import { AUDIENCE, TrialProvider } from '../../helpers/openid-provider.ts';

const [ANNA, BEN] = ['anna@office.test', 'ben@office.test'];
const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };

async function trial(t: TestContext) {
  const { directory } = await openOffice(t, { people: [ANNA, BEN] });
  const provider = await TrialProvider.start(t);
  const tokens = new OpenIdTokens({
    settings: {
      ...{ issuer: provider.issuer, audience: [AUDIENCE], claim: 'email', scope: '', client: null, keysFor: 3_600_000 },
      authority: await readFile(join(provider.folder, 'provider.pem'), 'utf8'),
    },
    onTrouble: (error) => assert.ifError(error),
  });
  const reports: SignInReport[] = [];
  const slept: number[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async (time) => slept.push(time) });
  const report = (one: SignInReport) => reports.push(one);
  const authenticator = new PasswordAuthenticator({ directory, tokens, throttle, report });
  /** @param name  of the account, as the client says it; empty: it doesn't */
  const signIn = async (token: string, name: string, peer = PEER): Promise<SignedIn> => {
    const exchange = authenticator.sasl('OAUTHBEARER', peer);
    const gs2 = name === '' ? 'n,,' : `n,a=${name},`;
    const step = await exchange.respond(Buffer.from(`${gs2}\x01auth=Bearer ${token}\x01\x01`));
    if (step.done) return step.signedIn;
    await exchange.respond(Buffer.from('\x01'));
    return assert.fail('a failed exchange went on');
  };
  const wrong = (token: string, name: string) => assert.rejects(signIn(token, name), TokenRefused);
  return { directory, provider, authenticator, reports, slept, signIn, wrong };
}

test('a token signs in whose it is, to the account that the program names', async (t) => {
  const { directory, provider, signIn, wrong, reports } = await trial(t);
  const office = directory.by('a test');
  await office.aliases.add('anna.lee@office.test', ANNA);
  await office.aliases.add('info@office.test', ANNA, BEN);
  await office.domains.setCatchAll('office.test', ANNA);
  const token = await provider.token({ email: ANNA });

  for (const name of ['', ANNA, 'ANNA@Office.test', 'anna', 'anna.lee@office.test']) {
    const { account, credential, mechanism } = await signIn(token, name);
    assert.equal(account.name, ANNA, name);
    assert.deepEqual(credential, { id: 0, kind: 'oauth', label: 'thunderbird', protocols: null });
    assert.equal(mechanism, 'OAUTHBEARER');
  }
  assert.equal((await signIn(await provider.token({ email: 'anna.lee@office.test' }), ANNA)).account.name, ANNA);
  assert.deepEqual(
    new Set(reports.map(({ result, credential }) => `${result} ${credential}`)),
    new Set(['ok thunderbird']),
  );

  for (const name of [BEN, 'info@office.test', 'nobody@office.test', 'ben', 'anna+lists@office.test'])
    await wrong(token, name);
  // An address that several have, or that only the catch-all takes, is nobody's own.
  for (const email of ['info@office.test', 'nobody@office.test', 'anna@elsewhere.test', 'anna+x@office.test']) {
    const other = await provider.token({ email });
    for (const name of [ANNA, email, '']) await wrong(other, name);
  }
});

test('a suspended account is shut to tokens, with the answer that a wrong one gets; so it is in the middle of a sign-in', async (t) => {
  const { directory, provider, signIn, wrong, reports } = await trial(t);
  const token = await provider.token();
  const early = await signIn(token, ANNA);
  await early.confirm();
  await directory.by('a test').accounts.setState(ANNA, 'suspended');
  await assert.rejects(async () => early.confirm(), /not valid|wrong/);
  await wrong(token, ANNA);
  assert.equal(reports.at(-1)?.result, 'suspended');
});

test('the log says why a token was not taken, and nothing of it', async (t) => {
  const { provider, wrong, reports } = await trial(t);
  const tokens = [
    await provider.forge({ claims: { aud: 'photos' } }),
    await provider.forge({ expires: -600 }),
    await provider.forge({ claims: { email: 'ben@office.test' } }),
    await provider.forge({ claims: { email: 'nobody@office.test' } }),
    'opaque',
    '',
  ];
  for (const token of tokens) await wrong(token, ANNA);
  assert.deepEqual(
    reports.map(({ result, reason, account }) => [result, account, reason]),
    [
      ['wrong', undefined, 'unexpected "aud" claim value'],
      ['wrong', ANNA, 'its time is over'],
      ['wrong', BEN, 'it is of somebody else than the account that was named'],
      ['wrong', undefined, 'nobody here has the name that it says'],
      ['wrong', undefined, 'it can not be read here, and no openid.clientId is set to ask'],
      ['wrong', undefined, 'none was given'],
    ],
  );
  const told = JSON.stringify(reports);
  for (const token of tokens.slice(0, 4)) assert.ok(!token.split('.').some((part) => told.includes(part)));
});

test('wrong tokens make their network wait, and never the person whose name they use', async (t) => {
  const { provider, authenticator, signIn, wrong, slept } = await trial(t);
  for (let each = 0; each < 30; each++) await wrong(await provider.forge({ claims: { aud: `photos ${each}` } }), ANNA);
  assert.ok(slept.length > 0, 'the network waits');
  slept.length = 0;
  const home = { ...PEER, address: '198.51.100.7' };
  await authenticator.password(ANNA, PASSWORD, home);
  await signIn(await provider.token(), ANNA, home);
  assert.deepEqual(slept, []);
});

test('a phone with an old token, or one that repeats itself, makes nobody wait', async (t) => {
  const { provider, authenticator, wrong, signIn, slept } = await trial(t);
  const old = await provider.forge({ expires: -600 });
  const photos = await provider.forge({ claims: { aud: 'photos' } });
  for (let each = 0; each < 50; each++) {
    await wrong(old, ANNA);
    await wrong(photos, ANNA);
    await wrong('', ANNA); // asks how to get one
  }
  await authenticator.password(BEN, PASSWORD, PEER);
  await signIn(await provider.token(), ANNA);
  assert.deepEqual(slept, []);
});

test('where somebody has signed in before, their right token does not wait for the guesses of others', async (t) => {
  const { provider, signIn, wrong, slept } = await trial(t);
  const token = await provider.token();
  await signIn(token, ANNA);
  for (let each = 0; each < 30; each++) await wrong(await provider.forge({ claims: { aud: `photos ${each}` } }), BEN);
  slept.length = 0;
  await signIn(token, ANNA);
  assert.deepEqual(slept, []);
});

test('mechanisms that take tokens are there only with a provider, and never in the clear', async (t) => {
  const { directory, authenticator } = await trial(t);
  assert.deepEqual(authenticator.mechanisms(PEER), ['SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2', 'PLAIN', 'LOGIN']);
  assert.deepEqual(authenticator.mechanisms({ ...PEER, mayUsePassword: false }), []);
  assert.throws(() => authenticator.sasl('XOAUTH2', { ...PEER, mayUsePassword: false }), /TLS/);
  const without = new PasswordAuthenticator({ directory });
  assert.deepEqual(without.mechanisms(PEER), ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
  assert.throws(() => without.sasl('OAUTHBEARER', PEER), /not offered/);
});
