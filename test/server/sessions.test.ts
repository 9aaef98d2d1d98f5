/** Who may not sign in any more is signed out everywhere, at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { removeAccount, setAccountState } from '../../src/server/admin/accounts.ts';
import { addAppPassword } from '../../src/server/admin/app-passwords.ts';
import { listAudit } from '../../src/server/admin/audit.ts';
import { endSessions, listSessions } from '../../src/server/admin/sessions.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const ANNA = 'anna@office.test';

async function submitting(office: TrialOffice, person: string): Promise<LineClient> {
  const client = await LineClient.connect(office.port('submission'));
  await client.reply('220');
  await client.ask('EHLO laptop', '250');
  const plain = saslPlain(person, PASSWORD);
  await client.ask(`AUTH PLAIN ${plain}`, '235');
  return client;
}

for (const [verb, state] of [
  ['suspended', 'suspended'],
  ['closed', 'closed'],
  ['removed', null],
] as const) {
  test(`when an account is ${verb}, its open sessions end with a word why, those of others go on`, async (t) => {
    const office = await trialOffice(t, { people: ['anna', 'ben'] });
    await office.deliver({ to: 'anna', subject: 'Keep me' });
    const idle = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
    await idle.command('SELECT INBOX');
    idle.send('i1 IDLE\r\n');
    assert.match(await idle.line(), /^\+ /);
    const phone = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
    await phone.dele(1);
    const sending = await submitting(office, ANNA);
    const ben = await ImapDevice.signIn(office.port('imap'), 'ben@office.test', PASSWORD);

    if (state === null) await perform(removeAccount, { address: ANNA }, office);
    else await perform(setAccountState, { address: ANNA, state }, office);

    assert.match(await idle.rest(), new RegExp(`^\\* BYE \\[CONTACTADMIN\\] Your account was ${verb}; .*\r\n$`));
    assert.match(await phone.rest(), new RegExp(`^-ERR \\[SYS/PERM\\] Your account was ${verb}; .*\r\n$`));
    assert.match(
      await sending.rest(),
      new RegExp(`^421 4\\.7\\.0 mail\\.office\\.test Your account was ${verb}; .*\r\n$`),
    );
    await ben.command('NOOP');
    ben.close();
    await assert.rejects(ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD));
    if (state === null) return;

    await perform(setAccountState, { address: ANNA, state: 'active' }, office);
    const again = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
    assert.deepEqual(await again.subjects(), ['Keep me']); // what was marked without QUIT is not deleted
    await again.quit();
  });
}

test('a session in the middle of a literal ends when its account is closed', async (t) => {
  const office = await trialOffice(t);
  const session = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  session.send('a1 APPEND INBOX {1000}\r\n');
  assert.match(await session.line(), /^\+ /);
  await perform(setAccountState, { address: ANNA, state: 'closed' }, office);
  await session.rest();
});

test('the list says who is signed in, with what, by which program; those meant are ended, with an entry in the audit', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const { password: key } = await perform(addAppPassword, { address: ANNA, name: 'Phone', protocols: null }, office);
  const laptop = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  await laptop.command('ID ("name" "Thunderbird" "version" "140.0")');
  const phone = await Pop3Device.signIn(office.port('pop3'), ANNA, key);
  const sending = await submitting(office, ANNA);
  const ben = await ImapDevice.signIn(office.port('imap'), 'ben@office.test', PASSWORD);
  const list = async (filter: object = {}) => (await perform(listSessions, filter, office)).sessions;

  const all = await list();
  assert.deepEqual(
    all.map(({ id: _, port, since, ...told }) => ({ ...told, known: port! > 0 && Date.parse(since) <= Date.now() })),
    [
      ['imap', 'password', '', 'Thunderbird 140.0', ANNA],
      ['pop3', 'app', 'Phone', '', ANNA],
      ['submission', 'password', '', 'laptop', ANNA],
      ['imap', 'password', '', '', 'ben@office.test'],
    ].map(([protocol, credential, name, client, account]) => ({
      ...{ account, protocol, credential, name, client },
      ...{ address: '127.0.0.1', tls: false, known: true },
    })),
  );
  assert.deepEqual((await list({ account: ANNA })).length, 3);
  assert.deepEqual(
    (await list({ protocol: 'imap' })).map(({ account }) => account),
    [ANNA, 'ben@office.test'],
  );

  const ended = (which: object) => perform(endSessions, which as { id: number }, office);
  assert.deepEqual(await ended({ account: ANNA, credential: 'phone' }), { account: ANNA, ended: 1 });
  assert.equal(await phone.rest(), '-ERR [SYS/PERM] Your administrator has ended this session\r\n');
  assert.deepEqual(await ended({ account: ANNA, protocol: 'submission' }), { account: ANNA, ended: 1 });
  assert.match(await sending.rest(), /^421 4\.7\.0 /);
  assert.deepEqual(await ended({ id: all[0]!.id }), { account: ANNA, ended: 1 });
  assert.match(await laptop.rest(), /^\* BYE \[CONTACTADMIN\] Your administrator has ended this session/);
  assert.deepEqual(await ended({ account: ANNA }), { account: ANNA, ended: 0 });
  await assert.rejects(ended({ id: all[0]!.id }), /There is no session/);
  await ben.command('NOOP');

  const { code, stdout } = await rainmail(['sessions', 'list', '--data', office.data]);
  assert.equal(code, 0);
  assert.match(stdout, /^ID +ACCOUNT.*\n\d+ +ben@office\.test +imap without TLS +password +127\.0\.0\.1 /);
  const refused = await rainmail(['sessions', 'end', '--account', 'ben@office.test', '--data', office.data]);
  assert.match(refused.stderr, /End all sessions of ben@office\.test\? Nothing was done/);
  await office.command('sessions', 'end', '--account', 'ben@office.test', '--yes');
  await ben.rest();
  const audit = await perform(listAudit, { most: 100 }, office);
  assert.deepEqual(
    audit.filter(({ action }) => action === 'sessions.end').map(({ subject }) => subject),
    [ANNA, ANNA, ANNA, ANNA, 'ben@office.test'],
  );

  await office.stop();
  const alone = await rainmail(['sessions', 'list', '--data', office.data]);
  assert.equal(alone.stdout, 'The server does not run: nobody is signed in.\n');
  await office.start();
});
