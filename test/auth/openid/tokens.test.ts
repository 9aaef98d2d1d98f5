/** Tokens checked against a real provider. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { exportSPKI, UnsecuredJWT } from 'jose';
import { isSafe } from '../../../src/auth/openid/request.ts';
import type { OpenIdSettings } from '../../../src/auth/openid/settings.ts';
import { OpenIdTokens } from '../../../src/auth/openid/tokens.ts';
import type { TokenVerdict } from '../../../src/auth/token.ts';
import { Refused } from '../../../src/errors.ts';
import { nowSeconds } from '../../../src/store/ids.ts';
import { AUDIENCE, type Forgery, TrialProvider } from '../../helpers/openid-provider.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A provider, and what checks its tokens, with a clock that goes on when it is told to. */
async function trial(t: TestContext, more: Partial<OpenIdSettings> = {}) {
  const provider = await TrialProvider.start(t);
  const clock = { now: 0 };
  const troubles: unknown[] = [];
  const settings: OpenIdSettings = {
    issuer: provider.issuer,
    audience: ['something else', AUDIENCE],
    claim: 'email',
    scope: '',
    client: { id: 'mail-server', secret: 'the secret of the mail server' },
    keysFor: 24 * HOUR,
    authority: await readFile(join(provider.folder, 'provider.pem'), 'utf8'),
    ...more,
  };
  const tokens = new OpenIdTokens({
    settings,
    onTrouble: (error) => troubles.push(error),
    clock: () => clock.now,
  });
  return { provider, tokens, troubles, clock };
}

const valid: TokenVerdict = { kind: 'valid', name: 'anna@office.test', client: 'thunderbird' };
const unavailable = (error: unknown) => error instanceof Refused && error.code === 'auth.unavailable';

async function reason(tokens: OpenIdTokens, token: string): Promise<string> {
  const verdict = await tokens.verify(token);
  assert.equal(verdict.kind, 'wrong', JSON.stringify(verdict));
  return verdict.kind === 'wrong' ? verdict.reason : '';
}

test('tokens of every algorithm, and those that only the provider can read, say whose they are', async (t) => {
  const { provider, tokens } = await trial(t);
  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    assert.deepEqual(await tokens.verify(await provider.token({ algorithm })), valid);
  }
  assert.deepEqual(await tokens.verify(await provider.forge()), valid);
  assert.deepEqual(await tokens.verify(await provider.forge({ claims: { aud: ['other', AUDIENCE] } })), valid);
  assert.deepEqual(await tokens.verify(await provider.forge({ header: { typ: 'JWT' } })), valid);
  assert.deepEqual(await tokens.verify(await provider.forge({ expires: -10 })), valid, 'clocks differ a little');
  assert.equal(provider.asked.get('/jwks'), 1);
});

test('what is not right of a token is refused, with a reason for the log', async (t) => {
  const { provider, tokens } = await trial(t);
  const wrong: readonly (readonly [what: string, forgery: Forgery, reason: RegExp])[] = [
    ['for another service', { claims: { aud: 'photos' } }, /"aud"/],
    ['for nobody', { claims: { aud: undefined } }, /"aud"/],
    ['of another provider', { claims: { iss: 'https://evil.example' } }, /another provider/],
    ['without an end', { claims: { exp: undefined } }, /"exp"/],
    ['not valid yet', { claims: { nbf: nowSeconds() + 600 } }, /"nbf"/],
    ['without the claim', { claims: { email: undefined } }, /no claim "email"/],
    ['with an address that nobody checked', { claims: { email_verified: false } }, /not verified/],
    ['the same in quotes', { claims: { email_verified: 'false' } }, /not verified/],
    ['bound to a key', { claims: { cnf: { jkt: 'x' } } }, /bound to a key/],
    ['for signing out', { header: { typ: 'logout+jwt' } }, /no access token/],
    ['signed by a stranger', { key: (await TrialProvider.stranger()).privateKey }, /signature/],
    ['HS256 by the public key', { header: { alg: 'HS256' }, key: await publicText(provider) }, /"alg"/],
  ];
  for (const [what, forgery, expected] of wrong) {
    assert.match(await reason(tokens, await provider.forge(forgery)), expected, what);
  }
  const unsigned = new UnsecuredJWT({ iss: provider.issuer, aud: AUDIENCE, email: 'anna@office.test' });
  assert.match(await reason(tokens, unsigned.setExpirationTime('1h').encode()), /"alg"/);
  const good = await provider.token();
  for (const broken of [
    `${good}x`,
    good.slice(0, -20),
    good.replace(/\.[^.]*\./, `.${btoa('{}')}.`),
    '..',
    'a.b.c',
    'x',
  ]) {
    await reason(tokens, broken);
  }
});

async function publicText(provider: TrialProvider): Promise<Uint8Array> {
  return new TextEncoder().encode(await exportSPKI(provider.key().publicKey));
}

test('a token whose time is over tells whose it was, so that an old phone is no guesser', async (t) => {
  const { provider, tokens } = await trial(t);
  const old = await provider.forge({ expires: -3_600 });
  assert.deepEqual(await tokens.verify(old), { ...valid, kind: 'expired' });
  assert.match(await reason(tokens, await provider.forge({ expires: -3_600, claims: { aud: 'photos' } })), /"aud"/);
});

test('the same wrong token again is no new guess', async (t) => {
  const { provider, tokens, clock } = await trial(t);
  const token = await provider.forge({ claims: { aud: 'photos' } });
  const remembered: unknown[] = [];
  for (const now of [0, MINUTE, 11 * MINUTE]) {
    clock.now = now;
    const verdict = await tokens.verify(token);
    remembered.push(verdict.kind === 'wrong' && verdict.remembered);
  }
  assert.deepEqual(remembered, [false, true, false]);
});

test('a scope that is asked for must be there', async (t) => {
  const { provider, tokens } = await trial(t, { scope: 'mail' });
  assert.deepEqual(await tokens.verify(await provider.token()), valid);
  assert.deepEqual(await tokens.verify(await provider.forge({ claims: { scp: ['photos', 'mail'] } })), valid);
  assert.deepEqual(await tokens.verify(await provider.forge({ claims: { scope: 'mail.not' } })), {
    kind: 'wrong',
    status: 'insufficient_scope',
    reason: 'it lacks the scope "mail"',
    remembered: false,
  });
});

test('a token that only the provider can read is asked about, once for the connections of a moment', async (t) => {
  const { provider, tokens, clock } = await trial(t, { scope: 'mail' });
  const token = await provider.token({ opaque: true });
  assert.deepEqual(await tokens.verify(token), valid);
  assert.deepEqual(await tokens.verify(token), valid);
  assert.equal(provider.asked.get('/token/introspection'), 1);
  await provider.revoke(token);
  clock.now += MINUTE;
  assert.match(await reason(tokens, token), /does not know it/);
  assert.match(await reason(tokens, 'never-heard-of'), /does not know it/);
});

test('a token that does not say whom it is for is not taken without a scope, nor any without a client to ask', async (t) => {
  const { provider, tokens } = await trial(t);
  assert.match(await reason(tokens, await provider.token({ opaque: true })), /for another service/);
  const { provider: other, tokens: without } = await trial(t, { client: null });
  assert.match(await reason(without, await other.token({ opaque: true })), /openid.clientId/);
});

test('another claim may say whose a token is', async (t) => {
  const { provider, tokens } = await trial(t, { claim: 'preferred_username' });
  const claims = { preferred_username: 'anna', email_verified: false };
  assert.deepEqual(await tokens.verify(await provider.forge({ claims })), { ...valid, name: 'anna' });
});

test('a new key is found when a token is signed with it, and asked for at most every ten seconds', async (t) => {
  const { provider, tokens, clock } = await trial(t);
  const before = await provider.token();
  assert.deepEqual(await tokens.verify(before), valid);
  await provider.stop();
  await provider.start();
  const after = await provider.token();
  await assert.rejects(tokens.verify(after), unavailable); // it was asked a moment ago
  clock.now += MINUTE;
  assert.deepEqual(await tokens.verify(after), valid);
  clock.now += MINUTE;
  assert.match(await reason(tokens, before), /no applicable key/);
  for (let again = 0; again < 20; again++) {
    const invented = await provider.forge({ header: { kid: `invented ${again}` } });
    await assert.rejects(tokens.verify(invented), unavailable);
  }
  assert.equal(provider.asked.get('/jwks'), 3);
});

test('keys are used for a while when the provider is down, and then nobody is told that a token is wrong', async (t) => {
  const { provider, tokens, clock, troubles } = await trial(t);
  const token = await provider.forge({ expires: 30 * 24 * 3_600 });
  assert.deepEqual(await tokens.verify(token), valid);
  const opaque = await provider.token({ opaque: true });
  await provider.stop();
  for (const now of [MINUTE, HOUR, 23 * HOUR]) {
    clock.now = now;
    assert.deepEqual(await tokens.verify(token), valid);
  }
  await assert.rejects(tokens.verify(opaque), unavailable);
  clock.now = 25 * HOUR;
  await assert.rejects(tokens.verify(token), unavailable);
  assert.ok(troubles.length > 0);
});

test('a provider that comes up later than we do is found then', async (t) => {
  const { provider, tokens, clock, troubles } = await trial(t);
  await provider.stop();
  await tokens.prepare();
  assert.equal(troubles.length, 1);
  await provider.start();
  const token = await provider.token();
  await assert.rejects(tokens.verify(token), unavailable);
  clock.now = MINUTE;
  assert.deepEqual(await tokens.verify(token), valid);
});

test('a key that was taken back is not used for longer than ten minutes while the provider answers', async (t) => {
  const { provider, tokens, clock } = await trial(t);
  const token = await provider.token();
  assert.deepEqual(await tokens.verify(token), valid);
  await provider.stop();
  await provider.start();
  clock.now = 11 * MINUTE;
  assert.deepEqual(await tokens.verify(token), valid); // and it is asked for new ones
  await tokens.prepare();
  clock.now = 12 * MINUTE;
  assert.match(await reason(tokens, token), /no applicable key/);
});

test('nothing crosses a network in the clear', async (t) => {
  for (const [url, expected] of [
    ['https://id.example.org/', true],
    ['http://id.example.org/', false],
    ['http://localhost:8080/', true],
    ['http://127.0.0.1/', true],
    ['http://[::1]:8080/', true],
    ['http://localhost.example.org/', false],
    ['ftp://localhost/', false],
  ] as const) {
    assert.equal(isSafe(new URL(url)), expected, url);
  }
  const { tokens, troubles } = await trial(t, { authority: null }); // a certificate that nobody trusts
  await assert.rejects(tokens.verify('a-token'), unavailable);
  assert.match(inspect(troubles[0]), /self-signed certificate|unable to verify/i);
});
