import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { appPasswordLetters, generateAppPassword } from '../../src/auth/app-password.ts';
import { PasswordAuthenticator, type SignInReport } from '../../src/auth/authenticator.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Peer } from '../../src/auth/types.ts';
import type { SignInProtocol } from '../../src/directory/types.ts';
import { Refused } from '../../src/errors.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { openOffice, PASSWORD } from '../directory/office.ts';
import fc from '../helpers/properties.ts';
import { ScramClient } from './scram-client.ts';

const ANNA = 'anna@office.test';
const peer = (protocol: SignInProtocol): Peer => ({
  protocol,
  address: '192.0.2.1',
  mayUsePassword: true,
  tls: undefined,
});
const IMAP = peer('imap');

async function deviceOffice(t: TestContext) {
  const { directory } = await openOffice(t, { people: [ANNA, 'ben@office.test'] });
  const reports: SignInReport[] = [];
  const slept: number[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async (time) => slept.push(time) });
  const authenticator = new PasswordAuthenticator({ directory, throttle, report: (report) => reports.push(report) });
  const made = async (label: string, protocols: readonly SignInProtocol[] | null = null) =>
    (await directory.by('the test').appPasswords.add(ANNA, { label, protocols })).password;
  const scram = async (password: string, from = IMAP) => {
    const client = new ScramClient({ name: ANNA, password, gs2Header: 'n,,' });
    const exchange = authenticator.sasl('SCRAM-SHA-256', from);
    const first = await exchange.respond(client.first());
    assert.ok(!first.done);
    const end = await exchange.respond(client.final(first.challenge));
    assert.ok(end.done);
    assert.equal(end.data?.toString(), client.serverFinal);
    return end.signedIn;
  };
  return { directory, authenticator, reports, slept, made, scram };
}

const code = (wanted: string) => (error: unknown) => error instanceof Refused && error.code === wanted;

test('an app password is twenty letters that nobody mistakes, whatever stands between them', () => {
  fc.assert(
    fc.property(
      fc.noShrink(fc.constant(0).map(generateAppPassword)),
      fc.infiniteStream(fc.nat(5)),
      (shown, choices) => {
        assert.match(shown, /^([a-hjkmnp-z]{4} ){4}[a-hjkmnp-z]{4}$/);
        const letters = shown.replaceAll(' ', '');
        const between = ['', ' ', '-', '\u00a0', '  ', '\t'];
        const typed = [...letters].map((letter) => {
          const choice = choices.next().value!;
          return between[choice] + (choice % 2 === 0 ? letter : letter.toUpperCase());
        });
        assert.equal(appPasswordLetters(typed.join('')), letters);
        assert.equal(appPasswordLetters(letters.slice(1)), null);
        assert.equal(appPasswordLetters(`${letters}a`), null);
      },
    ),
  );
});

test('each device signs in with its own password, and is told apart', async (t) => {
  const { authenticator, made, scram, reports } = await deviceOffice(t);
  const [phone, laptop] = [await made("Anna's phone"), await made('Laptop')];
  const labels = [];
  for (const typed of [phone, phone.replaceAll(' ', ''), phone.toUpperCase(), ` ${phone.replaceAll(' ', '-')} `]) {
    labels.push((await authenticator.password(ANNA, typed, IMAP)).credential.label);
  }
  labels.push((await authenticator.password('anna', laptop, peer('pop3'))).credential.label);
  labels.push((await authenticator.password(ANNA, PASSWORD, IMAP)).credential.label);
  assert.deepEqual(labels, [...Array(4).fill("Anna's phone"), 'Laptop', '']);
  // A client hashes for SCRAM what was typed: as shown, or without the spaces.
  assert.equal((await scram(phone)).credential.label, "Anna's phone");
  assert.equal((await scram(laptop.replaceAll(' ', ''))).credential.label, 'Laptop');
  assert.equal((await scram(PASSWORD)).credential.kind, 'password');
  assert.deepEqual([...new Set(reports.map(({ credential }) => credential))], ["Anna's phone", 'Laptop', undefined]);
});

test('an app password is for its account alone', async (t) => {
  const { authenticator, made } = await deviceOffice(t);
  const phone = await made('phone');
  await assert.rejects(authenticator.password('ben@office.test', phone, IMAP), code('auth.failed'));
  await assert.rejects(authenticator.password('nobody@office.test', phone, IMAP), code('auth.failed'));
});

test('the right app password for another protocol is told so, and is no guess', async (t) => {
  const { authenticator, made, scram, reports, slept } = await deviceOffice(t);
  const printer = await made('Printer', ['submission']);
  for (let time = 0; time < 30; time++) {
    await assert.rejects(authenticator.password(ANNA, printer, IMAP), (error) => {
      assert.ok(error instanceof Refused && error.code === 'auth.not-allowed');
      assert.equal(
        error.message,
        'This app password is for sending mail only, not for IMAP. Ask your administrator for another one.',
      );
      return true;
    });
  }
  await assert.rejects(scram(printer), code('auth.not-allowed'));
  assert.deepEqual(slept, []);
  assert.deepEqual([...new Set(reports.map(({ result }) => result))], ['not-allowed']);
  assert.equal((await authenticator.password(ANNA, printer, peer('submission'))).credential.label, 'Printer');
  assert.equal((await scram(printer, peer('submission'))).credential.label, 'Printer');
});

test('a suspended account says no more for an app password than for a guess', async (t) => {
  const { directory, authenticator, made } = await deviceOffice(t);
  const printer = await made('Printer', ['submission']);
  await directory.by('the test').accounts.setState(ANNA, 'suspended');
  await assert.rejects(authenticator.password(ANNA, printer, IMAP), code('auth.failed'));
  await assert.rejects(authenticator.password(ANNA, printer, peer('submission')), code('auth.failed'));
});

test('a revoked app password is void at once, the others and the password stay', async (t) => {
  const { directory, authenticator, made, scram } = await deviceOffice(t);
  const [phone, laptop] = [await made('Phone'), await made('Laptop')];
  await authenticator.password(ANNA, phone, IMAP);
  await directory.by('the test').appPasswords.revoke(ANNA, 'phone');
  await assert.rejects(authenticator.password(ANNA, phone, IMAP), code('auth.failed'));
  await assert.rejects(scram(phone), code('auth.failed'));
  await authenticator.password(ANNA, laptop, IMAP);
  await scram(PASSWORD);
  await assert.rejects(directory.by('the test').appPasswords.revoke(ANNA, 'phone'), code('directory.missing'));
  const again = await made('Phone');
  assert.notEqual(again, phone);
  const ids = (await directory.credentials(ANNA)).map(({ id }) => id);
  assert.equal(new Set(ids).size, 3);
  assert.ok(Math.max(...ids) > 3, 'the id of the revoked one is not used again');
});

test('a new password leaves the app passwords as they are', async (t) => {
  const { directory, authenticator, made, scram } = await deviceOffice(t);
  const phone = await made('Phone');
  await directory.by('the test').accounts.setPassword(ANNA, 'another one');
  await authenticator.password(ANNA, phone, IMAP);
  await scram(phone);
  await scram('another one');
});

test('when and from where each was last used is kept, the newest of each', async (t) => {
  const { directory, authenticator, made } = await deviceOffice(t);
  const [phone] = [await made('Phone', ['imap', 'pop3']), await made('Drawer')];
  const before = nowSeconds();
  await authenticator.password(ANNA, phone, IMAP);
  await authenticator.password(ANNA, phone, { ...peer('pop3'), address: '2001:db8::7' });
  await authenticator.password(ANNA, PASSWORD, IMAP);
  const uses = (await directory.credentials(ANNA)).map(({ label, lastUse }) => [label, lastUse]);
  assert.deepEqual(
    uses.map(([label, use]) => [label, typeof use === 'object' && use !== null && { ...use, at: use.at >= before }]),
    [
      ['', { at: true, protocol: 'imap', address: '192.0.2.1' }],
      ['Phone', { at: true, protocol: 'pop3', address: '2001:db8::7' }],
      ['Drawer', false],
    ],
  );
});

test('an account has so many app passwords and no more, each with a name of its own', async (t) => {
  const { made } = await deviceOffice(t);
  for (let device = 1; device <= 25; device++) await made(`Device ${device}`);
  await assert.rejects(made('device 7'), code('directory.exists'));
  await assert.rejects(made('Device 26'), code('directory.invalid'));
  await assert.rejects(made('  '), code('directory.invalid'));
  await assert.rejects(made('Nothing', []), code('directory.invalid'));
});

test('what is changed about app passwords is in the audit, without them', async (t) => {
  const { directory, made } = await deviceOffice(t);
  const phone = await made('Phone', ['imap']);
  await directory.by('Carl').appPasswords.revoke(ANNA, 'Phone');
  const entries = [];
  for await (const { actor, action, detail } of directory.audit(ANNA)) entries.push({ actor, action, detail });
  assert.deepEqual(entries.slice(0, 2), [
    { actor: 'Carl', action: 'app-password.revoke', detail: { id: 2, label: 'Phone' } },
    { actor: 'the test', action: 'app-password.add', detail: { id: 2, label: 'Phone', protocols: ['imap'] } },
  ]);
  assert.doesNotMatch(JSON.stringify(entries), new RegExp(phone.slice(0, 4)));
});
