import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../../src/cli/perform.ts';
import { addAccount, removeAccount, setAccountState, setPassword } from '../../../src/server/admin/accounts.ts';
import { addAppPassword, listAppPasswords } from '../../../src/server/admin/app-passwords.ts';
import { listAudit } from '../../../src/server/admin/audit.ts';
import { setPolicy } from '../../../src/server/admin/policy.ts';
import { listSessions } from '../../../src/server/admin/sessions.ts';
import { emptyFolder } from '../../helpers/folder.ts';
import { ImapDevice, Pop3Device } from '../../helpers/line-client.ts';
import { output, PASSWORD } from '../../helpers/office.ts';
import fc from '../../helpers/properties.ts';
import { sharedOffice } from '../shared-office.ts';
import { Visitor } from './visitor.ts';

const FUZZ_RUNS = Number(process.env['RAINMAIL_SETTINGS_FUZZ'] ?? 80);

const shared = sharedOffice({ people: ['anna', 'ben'] });
const PAGES = ['set-up', 'phone', 'app-passwords', 'password', 'sessions', 'forwarding', 'trace', 'profile'];

let people = 0;

/** Somebody whom no other test knows. */
async function newcomer(): Promise<string> {
  const address = `person${++people}@office.test`;
  await perform(addAccount, { address, password: PASSWORD, name: '', quotaBytes: null }, shared.office);
  return address;
}

function visitor(): Visitor {
  return new Visitor(shared.office.port('https'));
}

async function signedIn(name: string, password = PASSWORD): Promise<Visitor> {
  const one = visitor();
  assert.equal((await one.signIn(name, password)).status, 303);
  return one;
}

async function isIn(one: Visitor): Promise<boolean> {
  return (await one.get('/settings/profile')).status === 200;
}

/** The link in the code that a page shows. */
function linkIn(body: string): string {
  return /\/settings\/start\?link=([\w-]+)/.exec(body)![1]!;
}

function imapSignIn(name: string, password: string): Promise<ImapDevice> {
  return ImapDevice.signIn(shared.office.port('imap'), name, password);
}

test('who is not signed in is asked to, and then led to the page that was wanted, and to no other place', async () => {
  const anna = visitor();
  assert.equal((await anna.get('/')).headers.location, '/settings');
  for (const page of PAGES) {
    const answer = await anna.get(`/settings/${page}`);
    assert.deepEqual([answer.status, answer.headers.location], [303, `/settings/sign-in?to=${page}`]);
  }
  const form = await anna.get('/settings/sign-in?to=password');
  assert.match(form.body, /name="to" value="password"/);
  for (const [to, led] of [
    ['password', 'password'],
    ['//elsewhere.example', 'set-up'],
    ['https://elsewhere.example/', 'set-up'],
  ]) {
    const answer = await anna.post('/settings/sign-in', { name: 'anna@office.test', password: PASSWORD, to: to! });
    assert.deepEqual([answer.status, answer.headers.location], [303, `/settings/${led}`]);
  }
});

test('every page is whole without scripts, holds none of its own, and is kept by nobody', async () => {
  const anna = await signedIn('anna@office.test');
  for (const page of [...PAGES, 'sign-in', 'start', 'nowhere']) {
    const { status, headers, body } = await anna.get(`/settings/${page}`);
    assert.equal(status, { start: 410, nowhere: 404 }[page] ?? 200, page);
    assert.equal(headers['cache-control'], 'no-store', page);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8', page);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'.*script-src 'self'.*form-action 'self'.*frame-ancestors 'none'/, page);
    assert.doesNotMatch(policy, /unsafe|data:|\*/, page);
    assert.doesNotMatch(body, /<style|\sstyle=|\son[a-z]+=|<script(?! src)|javascript:/i, page);
    assert.equal(body.match(/<h1/g)?.length, 1, page);
    assert.equal(body.match(/<main/g)?.length, 1, page);
    const ids = [...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    assert.deepEqual(ids, [...new Set(ids)], `${page}: an id stands there twice`);
    for (const [, target] of body.matchAll(/\s(?:for|aria-describedby|aria-labelledby)="([^"]+)"/g)) {
      assert.ok(ids.includes(target), `${page}: nothing has the id ${target}`);
    }
  }
});

test('the files beside the pages may be kept for good, under addresses that change with them', async () => {
  const { body } = await visitor().get('/settings/sign-in');
  const files = [...body.matchAll(/(?:href|src)="(\/settings\/assets\/[^"]+)"/g)].map(([, file]) => file!);
  assert.equal(files.length, 3);
  for (const file of files) {
    assert.match(file, /\?v=[\w-]{12}$/);
    const answer = await visitor().get(file);
    assert.deepEqual([answer.status, answer.headers['cache-control']], [200, 'public, max-age=31536000, immutable']);
  }
  for (const other of ['plugin.ts', '..%2fplugin.ts', '%2e%2e%2fplugin.ts', '__proto__']) {
    assert.equal((await visitor().get(`/settings/assets/${other}`)).status, 404, other);
  }
});

test('the cookie is for TLS, this host and this site alone, and a new sign-in has another', async () => {
  const anna = visitor();
  const first = await anna.post('/settings/sign-in', { name: 'anna@office.test', password: PASSWORD });
  const [cookie] = first.headers['set-cookie'] ?? [];
  assert.match(cookie!, /^__Host-rainmail=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  const old = anna.cookie;
  await anna.post('/settings/sign-in', { name: 'anna@office.test', password: PASSWORD });
  assert.notEqual(anna.cookie, old);
  assert.equal((await visitor().get('/settings/profile', { cookie: old })).status, 303, 'the session before is over');
});

test('a sign-in that fails tells nothing of whether there is such a person', async () => {
  await perform(setAccountState, { address: await newcomer(), state: 'suspended' }, shared.office);
  const answers = [];
  for (const [name, password] of [
    ['anna@office.test', 'wrong'],
    ['nobody@office.test', PASSWORD],
    ['nobody@elsewhere.example', PASSWORD],
    [`person${people}@office.test`, PASSWORD],
    ['@', ''],
  ]) {
    const { status, body, headers } = await visitor().post('/settings/sign-in', { name: name!, password: password! });
    answers.push({ status, body: body.replace(`value="${name}"`, 'NAME'), cookie: headers['set-cookie'] });
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal(answers[0]!.status, 403);
  assert.match(answers[0]!.body, /The name or the password is wrong/);
});

test('an app password opens mail programs and not this page, and says so', async () => {
  const name = await newcomer();
  const app = await perform(addAppPassword, { address: name, name: 'phone', protocols: null }, shared.office);
  const one = visitor();
  const { status, text } = await one.signIn(name, app.password);
  assert.equal(status, 403);
  assert.match(text, /This is an app password: it is for a mail program/);
  assert.equal(await isIn(one), false);
});

test('forms count only from our own pages and with the token of the session', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  const other = await signedIn(name);
  const own = one.csrf;
  const make = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    one.post('/settings/app-passwords/make', { label: 'forged', protocols: 'imap', ...fields }, headers);
  for (const origin of [
    'https://elsewhere.example',
    'null',
    one.origin.replace('https', 'http'),
    `${one.origin}.example`,
  ]) {
    assert.equal((await make({}, { origin })).status, 400, origin);
    assert.equal(
      (await visitor().post('/settings/sign-in', { name, password: PASSWORD }, { origin })).status,
      400,
      origin,
    );
  }
  for (const csrf of ['', other.csrf, own.slice(1), `${own}x`]) assert.equal((await make({ csrf })).status, 400, csrf);
  assert.equal((await one.get('/settings/app-passwords/make?label=forged&protocols=imap')).status, 405);
  assert.equal((await one.post('/settings/sign-out', { csrf: other.csrf })).status, 400);
  assert.deepEqual(await perform(listAppPasswords, { address: name }, shared.office), []);
  assert.equal(await isIn(one), true);
});

test('who signs out is out, with this browser alone', async () => {
  const name = await newcomer();
  const [one, other] = [await signedIn(name), await signedIn(name)];
  const cookie = one.cookie;
  assert.equal((await one.post('/settings/sign-out', {})).status, 303);
  assert.equal(one.cookie, '');
  assert.equal((await visitor().get('/settings/profile', { cookie })).status, 303);
  assert.equal(await isIn(other), true);
});

test('a changed password counts at once, ends the other sessions of the page, and leaves app passwords alone', async () => {
  const name = await newcomer();
  const [here, elsewhere] = [await signedIn(name), await signedIn(name)];
  const before = here.cookie;
  const app = await perform(addAppPassword, { address: name, name: 'phone', protocols: null }, shared.office);
  const change = (current: string, next: string, again = next) =>
    here.post('/settings/password/change', { current, next, again });

  for (const [current, next, again, why] of [
    ['wrong', 'a new one', 'a new one', /The current password is wrong/],
    [app.password, 'a new one', 'a new one', /This is an app password/],
    [PASSWORD, 'a new one', 'another one', /not the same/],
    [PASSWORD, PASSWORD, PASSWORD, /the one you have/],
    [PASSWORD, '', '', /empty/],
    [PASSWORD, 'x'.repeat(5_000), 'x'.repeat(5_000), /too long/],
  ] as const) {
    const { status, text } = await change(current, next, again);
    assert.ok(status >= 400 && status < 500, text);
    assert.match(text, why);
  }
  assert.equal(await isIn(elsewhere), true, 'what is refused changes nothing');

  assert.equal((await change(PASSWORD, 'a new one')).status, 303);
  assert.match((await here.get('/settings/password')).text, /Your password is changed/);
  assert.notEqual(here.cookie, before);
  assert.equal((await visitor().get('/settings/profile', { cookie: before })).status, 303);
  assert.match((await elsewhere.get('/settings/profile')).headers.location!, /sign-in\?to=profile&ended$/);
  await assert.rejects(imapSignIn(name, PASSWORD));
  for (const password of ['a new one', app.password]) (await imapSignIn(name, password)).close();
});

test('an app password made here is shown once, opens what it is for, and is void when it is taken back', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  const made = await one.post('/settings/app-passwords/make', {
    label: "Anna's phone",
    protocols: ['imap', 'submission'],
  });
  const password = /<span class="secret"[^>]*>([a-z ]{24})</.exec(made.body)![1]!;
  const phone = await imapSignIn(name, password);
  await assert.rejects(Pop3Device.signIn(shared.office.port('pop3'), name, password));

  const { text } = await one.get('/settings/app-passwords');
  assert.match(text, /Anna's phone IMAP and sending, made .* last used .*, imap, 127\.0\.0\.1/i);
  assert.doesNotMatch(text, new RegExp(password));
  const again = await one.post('/settings/app-passwords/make', { label: "anna's PHONE", protocols: 'imap' });
  assert.deepEqual([again.status, /There is an app password/.test(again.text)], [409, true]);
  assert.equal((await one.post('/settings/app-passwords/make', { label: 'x' })).status, 400, 'for nothing');
  assert.equal((await one.post('/settings/app-passwords/make', { label: 'x', protocols: 'settings' })).status, 400);

  const revoked = await one.post('/settings/app-passwords/revoke', { label: "Anna's phone" });
  assert.equal(revoked.status, 303);
  assert.match(await phone.line(), /BYE.*revoked/i);
  await assert.rejects(imapSignIn(name, password));
  assert.match((await one.get('/settings/app-passwords')).text, /is void.*You have no app passwords yet/);
});

test('whoever may not sign in any more is out at the next request', async () => {
  const end = {
    suspended: (address: string) => perform(setAccountState, { address, state: 'suspended' }, shared.office),
    removed: (address: string) => perform(removeAccount, { address }, shared.office),
    'given another password': (address: string) => perform(setPassword, { address, password: 'other' }, shared.office),
  };
  for (const [what, does] of Object.entries(end)) {
    const name = await newcomer();
    const one = await signedIn(name);
    await does(name);
    assert.equal(await isIn(one), false, what);
    const made = await one.post('/settings/app-passwords/make', { label: 'late', protocols: 'imap' });
    assert.match(made.headers.location!, /sign-in/, what);
  }
});

test('the values are those of the access policy, and what is not open is named with its reason', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  const shown = async (...settings: string[]) => {
    await perform(setPolicy, { scope: 'account', name, settings }, shared.office);
    return (await one.get('/settings/set-up')).text;
  };
  const port = (service: 'imaps' | 'pop3s' | 'submissions') => shared.office.port(service);
  const both = await shown('prefer=pop3');
  assert.match(
    both,
    new RegExp(`Fetching mail: POP3 .* Port ${port('pop3s')} .* SMTP .* Or with IMAP .* Port ${port('imaps')} `),
  );
  assert.match(both, /hidden from that one alone, and stays on the server.*Copies on the server leave them there/);

  const pop3 = await shown('imap=off', 'pop3.letGo=remove', 'submission.credentials=app');
  assert.match(
    pop3,
    new RegExp(
      `Fetching mail: POP3 .* Server mail.office.test Port ${port('pop3s')} Security SSL/TLS User name ${name} `,
    ),
  );
  assert.match(pop3, /leaves the server when you have deleted it in every one.*Copies on the server not needed/);
  assert.match(
    pop3,
    new RegExp(`Sending mail: SMTP .* Port ${port('submissions')} .* Password an app password Signing in`),
  );
  assert.match(pop3, /Not open to you IMAP is not open to you/);
  assert.doesNotMatch(pop3, new RegExp(`Or with|Reading mail: IMAP|imaps:|${port('imaps')}`));
  assert.match(pop3, /do not leave copies of messages on the server/);
  const choices = (await one.get('/settings/app-passwords')).text;
  assert.match(choices, /What may it do\? Fetch mail with POP3 Send mail Make/);

  const networks = await shown('pop3.networks=192.0.2.0/24');
  assert.match(networks, /POP3 is not open to you from where you are \(127\.0\.0\.1\)/);
  assert.match(networks, /Fetching mail: POP3/, 'it is open elsewhere');
  assert.match(
    await shown('pop3=off', 'submission=off'),
    /There is no way to read mail with a program that is open to you/,
  );
  assert.equal((await one.post('/settings/phone/code', { label: 'phone' })).status, 403);
});

test('a policy that shuts the page shuts it for who is in, who signs in, and phones', async () => {
  for (const setting of ['settings=off', 'settings.networks=192.0.2.0/24', 'settings.credentials=oauth']) {
    const name = await newcomer();
    const one = await signedIn(name);
    const link = linkIn((await one.post('/settings/phone/code', { label: 'phone' })).body);
    await perform(setPolicy, { scope: 'account', name, settings: [setting] }, shared.office);
    assert.equal(await isIn(one), false, setting);
    assert.equal((await visitor().post('/settings/start', { link, phone: 'other' })).status, 410, setting);
    const refused = await visitor().signIn(name, PASSWORD);
    assert.equal(refused.status, 403, setting);
    assert.match(refused.text, /The settings page is not open to you/, setting);
  }
});

test('one sees where one is signed in, and ends what one does not know', async () => {
  const name = await newcomer();
  const here = await signedIn(name);
  const other = await signedIn(name);
  const imap = await imapSignIn(name, PASSWORD);
  const pop3 = await Pop3Device.signIn(shared.office.port('pop3'), name, PASSWORD);
  const stranger = await signedIn('ben@office.test');
  const shown = await here.get('/settings/sessions', { 'user-agent': '<b>Mozilla' });
  assert.match(shown.text, / Settings this browser from 127\.0\.0\.1, since /);
  assert.match(shown.text, /Mail program \(IMAP\)/);
  assert.match(shown.text, /Mail program \(POP3\)/);
  const ids = [...shown.body.matchAll(/name="id" value="(\d+)"/g)].map(([, id]) => id!);
  assert.equal(ids.length, 3, 'this browser has no button');
  const listed = await perform(listSessions, { account: name, protocol: 'settings' }, shared.office);
  assert.deepEqual(
    listed.sessions.map(({ credential, address, tls }) => [credential, address, tls]),
    Array(2).fill(['password', '127.0.0.1', true]),
  );

  const imapId = /Mail program \(IMAP\).*?name="id" value="(\d+)"/s.exec(shown.body)![1]!;
  await stranger.post('/settings/sessions/end', { id: imapId });
  await imap.command('NOOP'); // nobody ends what is another's
  assert.equal((await here.post('/settings/sessions/end', { id: imapId })).status, 303);
  assert.match(await imap.line(), /BYE.*You have ended this session on your settings page/);
  assert.match((await here.get('/settings/sessions')).text, /One session was ended/);
  assert.equal((await here.post('/settings/sessions/end-others', {})).status, 303);
  assert.match((await here.get('/settings/sessions')).text, /2 sessions were ended/);
  assert.equal(await isIn(other), false);
  assert.equal(await isIn(here), true);
  const ends = (await perform(listAudit, { about: name, most: 100 }, shared.office)).filter(
    ({ action }) => action === 'sessions.end',
  );
  assert.deepEqual(
    ends.map(({ actor, detail }) => [actor, detail]),
    [
      [`${name} on the settings page`, { id: imapId }],
      [`${name} on the settings page`, { others: true }],
    ],
  );
  pop3.close();
});

test('a link for the phone may be looked at, is used once, and gives a password for mail alone', async () => {
  const name = await newcomer();
  const here = await signedIn(name);
  const phone = visitor();
  const taken = await perform(addAppPassword, { address: name, name: 'Phone', protocols: null }, shared.office);
  assert.match((await here.get('/settings/phone')).body, /name="label"[^>]*value="Phone 2"/);
  assert.equal((await here.post('/settings/phone/code', { label: 'PHONE' })).status, 409);
  const code = await here.post('/settings/phone/code', { label: 'Phone 2' });
  assert.match(code.body, /<svg class="qr"[^>]*role="img" aria-label="QR code/);
  const link = linkIn(code.body);
  assert.ok(link.length >= 22, '128 bits at least');
  for (let looks = 0; looks < 3; looks++) {
    assert.match((await phone.get(`/settings/start?link=${link}`)).text, new RegExp(`Set up this phone for ${name}`));
  }
  const use = () => phone.post('/settings/start', { link, phone: 'other' });
  const [first, second] = (await Promise.all([use(), use()])).sort((a, b) => a.status - b.status);
  assert.deepEqual([first!.status, second!.status], [200, 410]);
  const password = /<span class="secret"[^>]*>([a-z ]{24})</.exec(first!.body)![1]!;
  assert.notEqual(password, taken.password);
  (await imapSignIn(name, password)).close();
  await assert.rejects(Pop3Device.signIn(shared.office.port('pop3'), name, password));
  const listed = await perform(listAppPasswords, { address: name }, shared.office);
  assert.deepEqual(listed.at(-1)?.protocols, ['imap', 'submission']);
  assert.equal((await phone.get(`/settings/start?link=${link}`)).status, 410);
});

test('an iPhone gets a signed profile with a password of its own in it', async (t) => {
  const name = await newcomer();
  const here = await signedIn(name);
  const link = linkIn((await here.post('/settings/phone/code', { label: 'iPhone' })).body);
  const safari =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1';
  const offered = await visitor().get(`/settings/start?link=${link}`, { 'user-agent': safari });
  assert.match(offered.text, /This is an iPhone or iPad This is another phone/);
  const { status, headers, bytes } = await visitor().post('/settings/start', { link, phone: 'apple' });
  assert.deepEqual([status, headers['content-type']], [200, 'application/x-apple-aspen-config']);
  const file = join(await emptyFolder(t), 'mail.mobileconfig');
  await writeFile(file, bytes);
  const profile = await output('openssl', ['smime', '-verify', '-noverify', '-inform', 'DER', '-in', file]);
  const password = /<key>IncomingPassword<\/key>\s*<string>([a-z ]{24})</.exec(profile)![1]!;
  assert.match(profile, new RegExp(`<key>IncomingMailServerUsername</key>\\s*<string>${name}<`));
  (await imapSignIn(name, password)).close();
});

test('a link for the phone is void when the sign-in behind it is, and when it comes from another page', async () => {
  const name = await newcomer();
  const here = await signedIn(name);
  const link = linkIn((await here.post('/settings/phone/code', { label: 'one' })).body);
  const forged = await visitor().post(
    '/settings/start',
    { link, phone: 'other' },
    { origin: 'https://elsewhere.example' },
  );
  assert.equal(forged.status, 400);
  await perform(setPassword, { address: name, password: 'other' }, shared.office);
  assert.equal((await visitor().post('/settings/start', { link, phone: 'other' })).status, 410);
  assert.deepEqual(await perform(listAppPasswords, { address: name }, shared.office), []);
});

test('what people write is shown as they wrote it, and is never read as HTML', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  const text = `"><script>alert(1)</script>&amp;'${'é'}`;
  await one.post('/settings/profile/name', { name: text });
  await one.post('/settings/app-passwords/make', { label: text, protocols: 'imap' });
  const strange = visitor();
  await strange.post('/settings/sign-in', { name, password: PASSWORD }, { 'user-agent': '<script>alert(2)</script>' });
  for (const page of ['profile', 'app-passwords', 'sessions']) {
    const { body } = await one.get(`/settings/${page}`);
    assert.doesNotMatch(body, /<script>alert/, page);
    assert.match(body, /&lt;script>alert/, page);
  }
  const failed = await visitor().post('/settings/sign-in', { name: text, password: 'x' });
  assert.doesNotMatch(failed.body, /<script>alert/);
  assert.equal((await one.post('/settings/profile/name', { name: 'two\nlines' })).status, 400);
});

test('everybody sees what became of their own mail, and of nobody else’s', async () => {
  const [name, other] = [await newcomer(), await newcomer()];
  await shared.office.deliver({ to: name, from: 'zoe@example.org' });
  await shared.office.deliver({ to: other, from: 'yan@example.org' });
  const one = await signedIn(name);
  const { text: all } = await one.get('/settings/trace');
  assert.match(all, /zoe@example\.org .* was filed for person\d+@office\.test in INBOX/);
  assert.doesNotMatch(all, new RegExp(`yan@|${other}`));
  const find = async (address: string) =>
    (await one.get(`/settings/trace?address=${encodeURIComponent(address)}`)).text;
  assert.match(await find(' zoe@example.org '), /was filed/);
  for (const address of ['yan@example.org', other, '<script>alert(1)</script>']) {
    assert.match(await find(address), /There is nothing to tell/);
  }
  // Whether somebody else got the same mail is for its sender to know: it may have been in secret (Bcc).
  assert.match(await find(name), /There is nothing to tell/);
  await shared.office.submit({ from: name, to: other, raw: `From: ${name}\r\nSubject: Offer\r\n\r\nHello.\r\n` });
  // One's own name over what one sent would say nothing.
  assert.match(
    (await one.get('/settings/trace')).body,
    new RegExp(`<h2>To ${other}</h2>.*<h2>From zoe@example\\.org</h2>`, 's'),
  );
});

test('who may forwards to where they want, and nobody else', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  const allow = (on: string) =>
    perform(setPolicy, { scope: 'account', name, settings: [`forward=${on}`] }, shared.office);
  const shown = async () => (await one.get('/settings/forwarding')).text;
  assert.match(await shown(), /nowhere: it stays here .*has not opened forwarding to you/);
  assert.equal((await one.post('/settings/forwarding/set', { to: 'ben@office.test' })).status, 403);

  await allow('on');
  await one.post('/settings/forwarding/set', { to: 'Ben@office.test, anna@office.test' });
  assert.match(await shown(), /Goes on to anna@office\.test ben@office\.test A copy stays here no /);
  const refused = await one.post('/settings/forwarding/set', { to: `${name} <x>`, keep: 'on' });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /is not a mail address|circle/);
  const typed = /<input id="field-to"[^>]* value="([^"]*)"/.exec(refused.body);
  assert.equal(typed?.[1], `${name} &lt;x>`); // what was typed is not lost
  await one.post('/settings/forwarding/set', { to: 'ben@office.test', keep: 'on' });
  assert.match(await shown(), /Goes on to ben@office\.test A copy stays here yes /);

  await allow('off');
  assert.match(await shown(), /Goes on to ben@office\.test A copy stays here yes .*has not opened/);
  assert.equal((await one.post('/settings/forwarding/end', {})).status, 403);
  await allow('on');
  await one.post('/settings/forwarding/end', {});
  assert.match(await shown(), /nowhere: it stays here/);
  const entries = await perform(listAudit, { about: name, most: 100 }, shared.office);
  assert.deepEqual(
    entries.filter(({ actor }) => actor === `${name} on the settings page`).map(({ action }) => action),
    ['forward.set', 'forward.set', 'forward.remove'],
  );
});

test('what is changed here stands in the audit, in the name of who changed it, without secrets', async () => {
  const name = await newcomer();
  const one = await signedIn(name);
  await one.post('/settings/profile/name', { name: 'Nora' });
  const made = await one.post('/settings/app-passwords/make', { label: 'phone', protocols: 'imap' });
  const password = /<span class="secret"[^>]*>([a-z ]{24})</.exec(made.body)![1]!;
  await one.post('/settings/app-passwords/revoke', { label: 'phone' });
  const link = linkIn((await one.post('/settings/phone/code', { label: 'tablet' })).body);
  await one.post('/settings/start', { link, phone: 'other' });
  await one.post('/settings/password/change', { current: PASSWORD, next: 'a new one', again: 'a new one' });
  const entries = (await perform(listAudit, { about: name, most: 100 }, shared.office)).filter(
    ({ actor }) => actor === `${name} on the settings page`,
  );
  assert.deepEqual(
    entries.map(({ action }) => action),
    ['account.name', 'app-password.add', 'app-password.revoke', 'app-password.add', 'account.password'],
  );
  assert.doesNotMatch(JSON.stringify(entries), new RegExp(`a new one|${password}|${link}`));
  assert.doesNotMatch(shared.office.log, new RegExp(`a new one|${password}|${link}|${one.cookie}`));
});

test('whatever is sent, the server finds no fault of its own', async () => {
  const one = await signedIn(await newcomer());
  const actions = [
    ...['app-passwords/make', 'app-passwords/revoke', 'password/change', 'phone/code', 'sessions/end'],
    ...[
      'sessions/end-others',
      'profile/name',
      'forwarding/set',
      'forwarding/end',
      'trace/take-back',
      'trace/hasten',
      'sign-in',
      'start',
      'nowhere/at-all',
    ],
  ];
  const names = [
    'csrf',
    'label',
    'protocols',
    'name',
    'to',
    'keep',
    'password',
    'current',
    'next',
    'again',
    'id',
    'link',
    'phone',
    'to',
    'recipient',
    'all',
    '__proto__',
    'constructor',
  ];
  const value = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('imap', 'apple', '1'),
  );
  const types = [
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'nonsense',
  ];
  const form = fc.record({
    path: fc.constantFrom(...actions),
    fields: fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 8 }),
    raw: fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { freq: 4 }),
    type: fc.oneof(
      { weight: 4, arbitrary: fc.constant(types[0]!) },
      { weight: 1, arbitrary: fc.constantFrom(...types) },
    ),
  });
  await fc.assert(
    fc.asyncProperty(form, async ({ path, fields, raw, type }) => {
      const body = raw ?? new URLSearchParams([['csrf', one.csrf], ...fields]).toString();
      const answer = await shared.secure(`/settings/${path}`, {
        method: 'POST',
        body,
        headers: { origin: one.origin, cookie: one.cookie, 'content-type': type },
      });
      assert.ok(answer.status < 500, `${answer.status}: ${answer.body}`);
    }),
    { numRuns: FUZZ_RUNS },
  );
  assert.equal((await one.post('/settings/profile/name', { name: 'x'.repeat(20_000) })).status, 413);
  for (const path of [
    '/settings/start?link=%00&link=2',
    '/settings/sign-in?to[]=1&ended',
    `/settings/start?link=${'x'.repeat(9_000)}`,
  ]) {
    assert.ok((await one.get(path)).status < 500, path);
  }
});
