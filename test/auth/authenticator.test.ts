import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PasswordAuthenticator, type SignInReport } from '../../src/auth/authenticator.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Peer, SaslStep } from '../../src/auth/types.ts';
import type { SignInDirectory } from '../../src/directory/types.ts';
import { BadCommand, type RefusalCode, Refused } from '../../src/errors.ts';
import { openOffice, PASSWORD } from '../directory/office.ts';
import { ScramClient } from './scram-client.ts';

const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };
const ELSEWHERE: Peer = { ...PEER, address: '198.51.100.7' };

/** An office with people, whose throttle never really sleeps. */
async function signInOffice(t: TestContext, people: readonly string[] = ['anna@office.test']) {
  const { directory } = await openOffice(t, { people });
  const reports: SignInReport[] = [];
  const slept: number[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async (time) => slept.push(time) });
  const authenticator = new PasswordAuthenticator({ directory, throttle, report: (report) => reports.push(report) });
  return { directory, authenticator, reports, slept };
}

const refused = (code: RefusalCode) => (error: unknown) => error instanceof Refused && error.code === code;

async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  const [{ reason }] = (await Promise.allSettled([promise])) as [PromiseRejectedResult];
  assert.ok(reason instanceof Error);
  return { ...reason, message: reason.message };
}

async function sasl(
  authenticator: PasswordAuthenticator,
  mechanism: string,
  ...responses: (string | null)[]
): Promise<SaslStep> {
  const exchange = authenticator.sasl(mechanism, PEER);
  let step: SaslStep | undefined;
  for (const response of responses) step = await exchange.respond(response === null ? null : Buffer.from(response));
  return step!;
}

async function scram(authenticator: PasswordAuthenticator, name: string, password: string, gs2Header = 'n,,') {
  const client = new ScramClient({ name, password, gs2Header });
  const exchange = authenticator.sasl('SCRAM-SHA-256', PEER);
  const first = await exchange.respond(client.first());
  assert.ok(!first.done);
  const end = await exchange.respond(client.final(first.challenge));
  assert.ok(end.done);
  assert.equal(end.data?.toString(), client.serverFinal);
  return end.signedIn;
}

test('every mechanism signs in who knows the password', async (t) => {
  const { authenticator, reports } = await signInOffice(t);
  const names = [(await authenticator.password('anna@office.test', PASSWORD, PEER)).account.name];
  names.push((await scram(authenticator, 'anna@office.test', PASSWORD)).account.name);
  for (const [mechanism, ...responses] of [
    ['PLAIN', `\0anna@office.test\0${PASSWORD}`],
    ['plain', null, `\0ANNA\0${PASSWORD}`],
    ['PLAIN', `anna@office.test\0anna\0${PASSWORD}`],
    ['LOGIN', null, 'anna@office.test', PASSWORD],
    ['LOGIN', 'anna@office.test', PASSWORD],
  ] as const) {
    const step = await sasl(authenticator, mechanism, ...responses);
    assert.ok(step.done);
    names.push(step.signedIn.account.name);
  }
  assert.deepEqual(new Set(names), new Set(['anna@office.test']));
  assert.deepEqual(new Set(reports.map(({ result }) => result)), new Set(['ok']));
  assert.deepEqual(
    reports.map(({ mechanism }) => mechanism),
    ['password', 'SCRAM-SHA-256', 'PLAIN', 'PLAIN', 'PLAIN', 'LOGIN', 'LOGIN'],
  );
});

test('LOGIN asks for name and password in the words that old programs wait for', async (t) => {
  const { authenticator } = await signInOffice(t);
  const exchange = authenticator.sasl('LOGIN', PEER);
  assert.deepEqual(await exchange.respond(null), { done: false, challenge: Buffer.from('Username:') });
  assert.deepEqual(await exchange.respond(Buffer.from('anna')), { done: false, challenge: Buffer.from('Password:') });
  assert.ok((await exchange.respond(Buffer.from(PASSWORD))).done);
  await assert.rejects(exchange.respond(Buffer.from(PASSWORD)), BadCommand);

  for (const answer of [Buffer.from(''), Buffer.from([0xff]), Buffer.from('a\0b'), Buffer.alloc(2_000, 'a')]) {
    await assert.rejects(authenticator.sasl('LOGIN', PEER).respond(answer), BadCommand);
  }
});

test('nobody acts as somebody else', async (t) => {
  const { authenticator } = await signInOffice(t, ['anna@office.test', 'ben@office.test']);
  for (const authzid of ['ben@office.test', 'ben', 'nobody']) {
    await assert.rejects(sasl(authenticator, 'PLAIN', `${authzid}\0anna\0${PASSWORD}`), refused('auth.failed'));
    await assert.rejects(scram(authenticator, 'anna@office.test', PASSWORD, `n,a=${authzid},`), refused('auth.failed'));
  }
  assert.equal(
    (await scram(authenticator, 'anna', PASSWORD, 'n,a=anna@office.test,')).account.name,
    'anna@office.test',
  );
});

test('a name nobody has, a suspended account and a wrong password get the same answer by the same way', async (t) => {
  const { authenticator, directory, reports } = await signInOffice(t, ['anna@office.test', 'carl@office.test']);
  await directory.by('the test').accounts.setState('carl@office.test', 'suspended');

  const answers = [
    await refusalOf(authenticator.password('anna@office.test', 'wrong', PEER)),
    await refusalOf(authenticator.password('nobody@office.test', PASSWORD, PEER)),
    await refusalOf(authenticator.password('nobody@elsewhere.test', PASSWORD, PEER)),
    await refusalOf(authenticator.password('', PASSWORD, PEER)),
    await refusalOf(authenticator.password('carl@office.test', PASSWORD, PEER)),
    await refusalOf(authenticator.password('anna@office.test', '', PEER)),
    await refusalOf(authenticator.password('anna@office.test', 'x'.repeat(100_000), PEER)),
    await refusalOf(scram(authenticator, 'anna@office.test', 'wrong')),
    await refusalOf(scram(authenticator, 'nobody@office.test', PASSWORD)),
    await refusalOf(scram(authenticator, 'carl@office.test', PASSWORD)),
  ];
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal((answers[0] as Refused).code, 'auth.failed');

  // The second time both are remembered, as names that exist and names that don't.
  await refusalOf(authenticator.password('anna@office.test', 'wrong', PEER));
  await refusalOf(authenticator.password('nobody@office.test', PASSWORD, PEER));
  const told = ({ address: _address, protocol: _protocol, delay: _delay, ...rest }: SignInReport) => rest;
  const password = { mechanism: 'password', remembered: false };
  const scramSha256 = { mechanism: 'SCRAM-SHA-256', remembered: false };
  assert.deepEqual(reports.map(told), [
    { ...password, result: 'wrong', account: 'anna@office.test' },
    { ...password, result: 'wrong' }, // the names of strangers are not told: they may be passwords
    { ...password, result: 'wrong' },
    { ...password, result: 'wrong' },
    { ...password, result: 'suspended', account: 'carl@office.test' },
    { ...password, result: 'wrong', account: 'anna@office.test' },
    { ...password, result: 'wrong', account: 'anna@office.test' },
    { ...scramSha256, result: 'wrong', account: 'anna@office.test' },
    { ...scramSha256, result: 'wrong' },
    { ...scramSha256, result: 'suspended', account: 'carl@office.test' },
    { ...password, result: 'wrong', account: 'anna@office.test', remembered: true },
    { ...password, result: 'wrong', remembered: true },
  ]);
});

test('SCRAM tells an unknown name as much as a known one, and always the same', async (t) => {
  const { authenticator } = await signInOffice(t);
  const told = async (name: string) => {
    const step = await sasl(authenticator, 'SCRAM-SHA-256', `n,,n=${name},r=abc`);
    assert.ok(!step.done);
    return /^r=abc[^,]{24},(s=[^,]{24},i=\d+)$/.exec(step.challenge.toString())?.[1];
  };
  const [known, unknown] = [await told('anna@office.test'), await told('nobody@office.test')];
  assert.ok(known !== undefined && unknown !== undefined && known !== unknown);
  assert.equal(known.split(',')[1], unknown.split(',')[1]);
  assert.equal(await told('anna@office.test'), known);
  assert.equal(await told('Nobody@OFFICE.test'), unknown);
});

test('a device that signs in again costs no hash, a changed password is void at once', async (t) => {
  const { authenticator, directory, reports } = await signInOffice(t);
  const signIn = (password: string) => authenticator.password('anna@office.test', password, PEER);
  const remembered = () => reports.map((report) => report.remembered);

  await signIn(PASSWORD);
  await signIn(PASSWORD);
  assert.deepEqual(remembered(), [false, true]);

  await directory.by('the test').aliases.add('info@office.test', 'anna@office.test'); // a change that is not hers
  await signIn(PASSWORD);
  assert.deepEqual(remembered(), [false, true, true]);

  await directory.by('the test').accounts.setPassword('anna@office.test', 'new one');
  await assert.rejects(signIn(PASSWORD), refused('auth.failed'));
  await signIn('new one');
  await assert.rejects(scram(authenticator, 'anna', PASSWORD), refused('auth.failed'));
  await scram(authenticator, 'anna', 'new one');

  await directory.by('the test').accounts.setPassword('anna@office.test', PASSWORD); // what was wrong a moment ago is right now
  await signIn(PASSWORD);
  await assert.rejects(signIn('new one'), refused('auth.failed'));
});

test('a suspended account is shut at once and opens again as it was', async (t) => {
  const { authenticator, directory } = await signInOffice(t);
  const signIn = () => authenticator.password('anna@office.test', PASSWORD, PEER);
  await signIn();
  await directory.by('the test').accounts.setState('anna@office.test', 'suspended');
  await assert.rejects(signIn(), refused('auth.failed'));
  await directory.by('the test').accounts.setState('anna@office.test', 'active');
  await signIn();
  await directory.by('the test').accounts.remove('anna@office.test');
  await assert.rejects(signIn(), refused('auth.failed'));
});

test('a password changed between the two messages of SCRAM ends the exchange', async (t) => {
  const { authenticator, directory } = await signInOffice(t);
  const client = new ScramClient({ name: 'anna', password: PASSWORD });
  const exchange = authenticator.sasl('SCRAM-SHA-256', PEER);
  const first = await exchange.respond(client.first());
  assert.ok(!first.done);
  await directory.by('the test').accounts.setPassword('anna@office.test', 'new one');
  await assert.rejects(exchange.respond(client.final(first.challenge)), refused('auth.failed'));
});

test('a mail program that opens five connections at once has its password checked once', async (t) => {
  const { authenticator, slept, reports } = await signInOffice(t);
  const signIn = () => authenticator.password('anna@office.test', PASSWORD, PEER);
  await Promise.all(Array.from({ length: 20 }, signIn));
  assert.deepEqual(slept, []);
  assert.deepEqual(
    reports.map(({ result }) => result),
    Array<string>(20).fill('ok'),
  );
});

test('guessing is slowed for names that exist and names that do not alike, the owner is not', async (t) => {
  const { authenticator, reports, slept } = await signInOffice(t);
  await authenticator.password('anna@office.test', PASSWORD, PEER);
  for (const name of ['anna@office.test', 'nobody@office.test']) {
    for (let guess = 0; guess < 8; guess++) {
      await assert.rejects(authenticator.password(name, `guess ${guess}`, ELSEWHERE), refused('auth.failed'));
    }
  }
  const delays = reports.slice(1).map(({ delay }) => delay);
  assert.deepEqual(delays.slice(0, 8), [0, 0, 0, 0, 0, 500, 1_000, 2_000]);
  assert.deepEqual(delays.slice(8), delays.slice(0, 8));
  assert.equal(slept.length, 6);

  await authenticator.password('anna@office.test', PASSWORD, PEER);
  assert.equal(reports.at(-1)!.delay, 0);
});

test('a device that repeats an old password is no guesser', async (t) => {
  const { authenticator, slept } = await signInOffice(t);
  for (let minute = 0; minute < 50; minute++) {
    await assert.rejects(authenticator.password('anna@office.test', 'old one', PEER), refused('auth.failed'));
  }
  assert.deepEqual(slept, []);
});

test('while an attempt waits nothing is checked, and what changed meanwhile counts', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const waiting: (() => void)[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: () => new Promise<void>((resolve) => waiting.push(resolve)) });
  const authenticator = new PasswordAuthenticator({ directory, throttle });
  for (let time = 0; time < 6; time++) throttle.attempt('anna@office.test', PEER.address).failed();

  const signIn = authenticator.password('anna@office.test', 'new one', PEER);
  while (waiting.length === 0) await new Promise(setImmediate);
  await directory.by('the test').accounts.setPassword('anna@office.test', 'new one');
  waiting[0]!();
  assert.equal((await signIn).account.name, 'anna@office.test');
});

test('before TLS nothing is offered and nothing is taken', async (t) => {
  const { authenticator } = await signInOffice(t);
  const plain: Peer = { ...PEER, mayUsePassword: false };
  assert.deepEqual(authenticator.mechanisms(plain), []);
  assert.throws(() => authenticator.sasl('PLAIN', plain), refused('auth.tls-required'));
  assert.throws(() => authenticator.sasl('GSSAPI', plain), refused('auth.mechanism'));
  await assert.rejects(authenticator.password('anna', PASSWORD, plain), refused('auth.tls-required'));
  assert.deepEqual(authenticator.mechanisms(PEER), ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
  assert.throws(() => authenticator.sasl('SCRAM-SHA-256-PLUS', PEER), refused('auth.mechanism'));
});

test('what was changed while the password was being checked is seen before the session begins', async (t) => {
  const { directory, authenticator, reports } = await signInOffice(t);
  const ANNA = 'anna@office.test';
  const office = directory.by('a test');
  const phone = await office.appPasswords.add(ANNA, { label: 'phone', protocols: null });

  const [byPassword, byPhone] = [
    await authenticator.password(ANNA, PASSWORD, PEER),
    await authenticator.password(ANNA, phone.password, PEER),
  ];
  await byPassword.confirm();
  await office.accounts.setDisplayName(ANNA, 'Anna'); // what does not concern signing in
  await byPassword.confirm();
  await office.appPasswords.revoke(ANNA, 'phone');
  await byPassword.confirm();
  await assert.rejects(async () => byPhone.confirm(), refused('auth.failed'));
  await office.accounts.setState(ANNA, 'suspended');
  await assert.rejects(async () => byPassword.confirm(), refused('auth.failed'));
  assert.deepEqual(
    reports.map(({ result }) => result),
    ['ok', 'ok', 'wrong', 'suspended'],
  );
});

test('a fault of the directory is ours, not a wrong password', async (t) => {
  const { directory } = await openOffice(t);
  const broken: SignInDirectory = {
    secret: directory.secret,
    generation: 0,
    signInRecord: () => Promise.reject(new Error('broken')),
    ownerRecord: () => Promise.reject(new Error('broken')),
    used: () => assert.fail('nobody signed in'),
    renewPassword: () => assert.fail('nobody signed in'),
  };
  const authenticator = new PasswordAuthenticator({ directory: broken });
  await assert.rejects(authenticator.password('anna', PASSWORD, PEER), /broken/);
});
