/** App passwords in a running office: made by command, used over every protocol, and void everywhere at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import type { SignInProtocol } from '../../src/directory/types.ts';
import {
  type AppPasswordMade,
  addAppPassword,
  listAppPasswords,
  revokeAppPassword,
} from '../../src/server/admin/app-passwords.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const ANNA = 'anna@office.test';

const made = (office: TrialOffice, name: string, protocols: SignInProtocol[] | null = null) =>
  perform(addAppPassword, { address: ANNA, name, protocols }, office);

/** A submission session after AUTH PLAIN. @returns with the reply to it */
async function submit(office: TrialOffice, password: string): Promise<{ client: LineClient; reply: string }> {
  const client = await LineClient.connect(office.port('submission'));
  await client.reply('220');
  await client.ask('EHLO laptop', '250');
  client.send(`AUTH PLAIN ${saslPlain(ANNA, password)}\r\n`);
  return { client, reply: await client.line() };
}

/** What each protocol says to a password. */
async function answers(office: TrialOffice, password: string) {
  const imap = await LineClient.connect(office.port('imap'));
  await imap.line();
  imap.send(`a LOGIN ${ANNA} "${password}"\r\nb LOGOUT\r\n`);
  const pop3 = await LineClient.connect(office.port('pop3'));
  await pop3.line();
  pop3.send(`USER ${ANNA}\r\nPASS ${password}\r\nQUIT\r\n`);
  await pop3.line();
  const { client, reply } = await submit(office, password);
  client.close();
  const told = { imap: await imap.line(), pop3: await pop3.line(), submission: reply };
  imap.close();
  pop3.close();
  return told;
}

test('an app password opens what it is for, and the others say in words what it is not for', async (t) => {
  const office = await trialOffice(t);
  const { password } = await made(office, "Anna's phone", ['submission', 'imap']);
  const typed = await answers(office, password);
  assert.match(typed.imap, /^a OK /);
  assert.match(typed.submission, /^235 /);
  const sentence =
    'This app password is for IMAP and sending mail only, not for POP3. Ask your administrator for another one.';
  assert.equal(typed.pop3, `-ERR [AUTH] ${sentence}`);

  const { password: printer } = await made(office, 'Printer', ['pop3']);
  const refused = await answers(office, printer);
  assert.match(refused.pop3, /^\+OK /);
  assert.match(refused.imap, /^a NO \[CONTACTADMIN\] This app password is for POP3 only, not for IMAP\. /);
  assert.match(refused.submission, /^525 5\.7\.13 This app password is for POP3 only, not for sending mail\. /);
  assert.equal(await office.metric('rainmail_sign_ins_total'), 6);
  const page = await (await fetch(`http://127.0.0.1:${office.port('health')}/metrics`)).text();
  assert.match(page, /rainmail_sign_ins_total\{protocol="imap",result="not-allowed"\} 1/);
});

test('a revoked app password ends the sessions that were begun with it, and no others', async (t) => {
  const office = await trialOffice(t);
  const [phone, laptop] = [await made(office, 'Phone'), await made(office, 'Laptop')];
  const idle = await ImapDevice.signIn(office.port('imap'), ANNA, phone.password);
  const fetching = await Pop3Device.signIn(office.port('pop3'), ANNA, phone.password);
  const { client: sending } = await submit(office, phone.password);
  const others = [
    await ImapDevice.signIn(office.port('imap'), ANNA, laptop.password),
    await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD),
  ];

  await perform(revokeAppPassword, { address: ANNA, which: 'Phone' }, office);
  assert.match(await idle.rest(), /^\* BYE .*The password of this session was revoked\r\n$/);
  assert.match(await fetching.rest(), /^-ERR .*The password of this session was revoked\r\n$/);
  assert.match(await sending.rest(), /^421 .*The password of this session was revoked\r\n$/);
  for (const other of others) {
    await other.command('NOOP');
    other.close();
  }
  assert.match((await answers(office, phone.password)).imap, /^a NO \[AUTHENTICATIONFAILED\] /);
});

test('the list tells when and over what each was last used, at once and after a restart', async (t) => {
  const office = await trialOffice(t);
  const { password } = await made(office, 'Phone', ['pop3']);
  await made(office, 'Drawer');
  await (await Pop3Device.signIn(office.port('pop3'), ANNA, password)).quit();
  const listed = async () =>
    (await perform(listAppPasswords, { address: ANNA }, office)).map(({ name, lastUse }) => [
      name,
      lastUse?.protocol,
      lastUse?.address,
    ]);
  const expected = [
    ['Phone', 'pop3', '127.0.0.1'],
    ['Drawer', undefined, undefined],
  ];
  assert.deepEqual(await listed(), expected);
  await office.restart();
  assert.deepEqual(await listed(), expected);
});

test('what was used is kept when the server is stopped right after', async (t) => {
  const office = await trialOffice(t);
  const { password } = await made(office, 'Phone');
  await (await Pop3Device.signIn(office.port('pop3'), ANNA, password)).quit();
  await office.stop();
  const [phone] = await perform(listAppPasswords, { address: ANNA }, office);
  assert.equal(phone?.lastUse?.protocol, 'pop3');
  await office.start();
});

test('the command shows an app password once, for people and for programs', async (t) => {
  const office = await trialOffice(t);
  const data = ['--data', office.data];
  const shown = await rainmail(['app-password', 'add', ANNA, '--name', 'Phone', '--for', 'imap,submission', ...data]);
  assert.match(
    shown.stdout,
    /^App password of anna@office\.test for "Phone" \(imap, submission\):\n\n {2}([a-z]{4} ){4}[a-z]{4}\n\n/,
  );
  const json = (await office.command('app-password', 'add', ANNA, '--name', 'Laptop')) as AppPasswordMade;
  assert.match(json.password, /^([a-z]{4} ){4}[a-z]{4}$/);
  const list = await rainmail(['app-password', 'list', ANNA, ...data]);
  assert.match(list.stdout, /^\d+ +Phone +imap, submission +\d{4}-\d\d-\d\d +never\n\d+ +Laptop +everything/m);
  assert.doesNotMatch(list.stdout + office.log, new RegExp(json.password));
  const revoked = await rainmail(['app-password', 'revoke', ANNA, 'laptop', ...data]);
  assert.equal(revoked.stdout, 'The app password "Laptop" is void.\n');
  const twice = await rainmail(['app-password', 'revoke', ANNA, 'laptop', ...data]);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /There is no app password "laptop" in this account\.\n {2}\(directory\.missing\)/);
  const wrong = await rainmail(['app-password', 'add', ANNA, '--name', 'TV', '--for', 'gopher', ...data]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /They are imap, pop3, submission, /);
});
