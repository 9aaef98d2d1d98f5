/** Signing in under the access policy: what is told, to whom, and that it is no guess. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { PasswordAuthenticator, type SignInReport } from '../../src/auth/authenticator.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Peer } from '../../src/auth/types.ts';
import { VerifiedPasswords } from '../../src/auth/verified.ts';
import { Refused } from '../../src/errors.ts';
import { openOffice, PASSWORD } from '../directory/office.ts';
import { ScramClient } from './scram-client.ts';

const ANNA = 'anna@office.test';
const EVERYONE = { scope: 'everyone', name: '' } as const;
/** On the server's own machine, in plain text. */
const HERE: Peer = { protocol: 'imap', address: '127.0.0.1', mayUsePassword: true, tls: undefined };
/** From elsewhere, over TLS; nothing of the socket is looked at. */
const THERE: Peer = { ...HERE, address: '192.0.2.1', tls: {} as TLSSocket };

async function signInOffice(t: TestContext) {
  const { directory } = await openOffice(t, { people: [ANNA] });
  const reports: SignInReport[] = [];
  const slept: number[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async (time) => slept.push(time) });
  const verified = new VerifiedPasswords();
  const report = (told: SignInReport) => void reports.push(told);
  const authenticator = new PasswordAuthenticator({ directory, throttle, verified, report });
  return { directory, changes: directory.by('the test'), authenticator, reports, slept };
}

/** Code and text of a refusal; `in` for none. */
async function answer(attempt: Promise<unknown>): Promise<string> {
  const [end] = (await Promise.allSettled([attempt])) as [PromiseSettledResult<unknown>];
  if (end.status === 'fulfilled') return 'in';
  if (!(end.reason instanceof Refused)) throw end.reason;
  return `${end.reason.code}: ${end.reason.message}`;
}

async function scram(authenticator: PasswordAuthenticator, password: string, peer: Peer): Promise<unknown> {
  const client = new ScramClient({ name: ANNA, password, gs2Header: 'n,,' });
  const exchange = authenticator.sasl('SCRAM-SHA-256', peer);
  const first = await exchange.respond(client.first());
  assert.ok(!first.done);
  return exchange.respond(client.final(first.challenge));
}

test('why somebody may not come in is told to who knows the password, and to nobody else', async (t) => {
  const { authenticator, changes, reports } = await signInOffice(t);
  const WRONG = 'auth.failed: The name or the password is wrong.';
  const closed =
    'auth.not-allowed: IMAP is not open to you. Your mail is on POP3 at the same server: set your mail program up for POP3.';
  await changes.policy.set(EVERYONE, ['imap=off']);
  assert.equal(await answer(authenticator.password(ANNA, PASSWORD, THERE)), closed);
  assert.equal(await answer(scram(authenticator, PASSWORD, THERE)), closed);
  assert.equal(await answer(authenticator.password(ANNA, 'wrong', THERE)), WRONG);
  assert.equal(await answer(scram(authenticator, 'wrong', THERE)), WRONG);
  assert.equal(await answer(authenticator.password('nobody@office.test', PASSWORD, THERE)), WRONG);
  await changes.accounts.setState(ANNA, 'suspended');
  assert.equal(await answer(authenticator.password(ANNA, PASSWORD, THERE)), WRONG);
  assert.deepEqual(
    reports.map(({ result, reason }) => [result, reason !== undefined]),
    [
      ['not-allowed', true],
      ['not-allowed', true],
      ['wrong', false],
      ['wrong', false],
      ['wrong', false],
      ['suspended', false],
    ],
  );
});

test('each rule has its own words, which say what to do', async (t) => {
  const { authenticator, changes } = await signInOffice(t);
  const { password: app } = await changes.appPasswords.add(ANNA, { label: 'phone', protocols: ['imap'] });
  const told = async (settings: string[], password: string, peer: Peer) => {
    await changes.policy.set(EVERYONE, settings);
    const said = await answer(authenticator.password(ANNA, password, peer));
    await changes.policy.unset(
      EVERYONE,
      settings.map((one) => one.split('=')[0]!),
    );
    return said;
  };
  const submission: Peer = { ...THERE, protocol: 'submission' };
  assert.deepEqual(
    [
      await told(['imap=off', 'pop3=off'], PASSWORD, THERE),
      await told(['pop3=off'], PASSWORD, { ...THERE, protocol: 'pop3' }),
      await told(['submission=off'], PASSWORD, submission),
      await told(['imap.networks=198.51.100.0/24'], PASSWORD, THERE),
      await told(['imap.credentials=app'], PASSWORD, THERE),
      await told(['imap.credentials=password'], app, THERE),
      await told(['imap.credentials=oauth'], PASSWORD, THERE),
      await told(['imap.tls=required'], PASSWORD, HERE),
      await told(['imap.tls=required'], PASSWORD, THERE),
      await told(['submission=off'], app, submission), // no other app password would help
      await answer(authenticator.password(ANNA, app, submission)),
    ],
    [
      'auth.not-allowed: IMAP is not open to you. Ask your administrator.',
      'auth.not-allowed: POP3 is not open to you. Your mail is on IMAP at the same server: set your mail program up for IMAP.',
      'auth.not-allowed: Sending mail is not open to you. Ask your administrator.',
      'auth.not-allowed: IMAP is not open to you from where you are (192.0.2.1). Try it from your office, or ask your administrator.',
      'auth.not-allowed: IMAP is not open to you with your password. Use an app password: you make one on your settings page, or your administrator does.',
      'auth.not-allowed: IMAP is not open to you with an app password. Use your own password.',
      'auth.not-allowed: IMAP is not open to you with your password. Sign in through your organisation (OAuth), or ask your administrator.',
      'auth.tls-required: IMAP is open to you over TLS only. Turn on TLS (SSL or STARTTLS) in your mail program.',
      'in',
      'auth.not-allowed: Sending mail is not open to you. Ask your administrator.',
      'auth.not-allowed: This app password is for IMAP only, not for sending mail. Ask your administrator for another one.',
    ],
  );
});

test('a phone that may not come in is slowed down by nothing, however often it tries; and slows nobody down', async (t) => {
  const { authenticator, changes, slept, reports } = await signInOffice(t);
  await changes.policy.set(EVERYONE, ['imap=off']);
  for (let time = 0; time < 200; time++) {
    assert.match(await answer(authenticator.password(ANNA, PASSWORD, THERE)), /^auth\.not-allowed/);
  }
  await changes.policy.unset(EVERYONE, ['imap']);
  assert.equal(await answer(authenticator.password(ANNA, PASSWORD, { ...THERE, address: '198.51.100.7' })), 'in');
  assert.deepEqual(slept, []);
  assert.ok(reports.every(({ delay }) => delay === 0));
});

test('guesses are slowed down as ever where a service is closed', async (t) => {
  const { authenticator, changes, slept } = await signInOffice(t);
  await changes.policy.set(EVERYONE, ['imap=off']);
  for (let guess = 0; guess < 10; guess++) await answer(authenticator.password(ANNA, `guess ${guess}`, THERE));
  assert.ok(slept.length > 0);
});

test('two programs at once, one with TLS and one without, each get their own answer', async (t) => {
  const { authenticator, changes } = await signInOffice(t);
  await changes.policy.set(EVERYONE, ['imap.tls=required']);
  const [plain, secure] = await Promise.all([
    answer(authenticator.password(ANNA, PASSWORD, HERE)),
    answer(authenticator.password(ANNA, PASSWORD, { ...THERE, address: HERE.address })),
  ]);
  assert.match(plain, /^auth\.tls-required/);
  assert.equal(secure, 'in');
});

test('every app password may ask how its mail program is set up, unless the policy says otherwise', async (t) => {
  const { authenticator, changes } = await signInOffice(t);
  const { password } = await changes.appPasswords.add(ANNA, { label: 'scanner', protocols: ['submission'] });
  const settings: Peer = { ...THERE, protocol: 'settings' };
  assert.equal(await answer(authenticator.password(ANNA, password, settings)), 'in');
  await changes.policy.set(EVERYONE, ['settings.credentials=password']);
  assert.match(await answer(authenticator.password(ANNA, password, settings)), /^auth\.not-allowed: The settings page/);
});

test('what changed while a password was being checked counts when the session begins', async (t) => {
  const { authenticator, changes } = await signInOffice(t);
  const signedIn = await authenticator.password(ANNA, PASSWORD, THERE);
  await changes.policy.set(EVERYONE, ['imap=off']);
  assert.match(await answer(Promise.resolve(signedIn.confirm())), /^auth\.not-allowed: IMAP is not open to you\. /);
  await changes.policy.unset(EVERYONE, ['imap']);
  await signedIn.confirm();
});
