/** `rainmail migrate` as an administrator uses it: many people, master users, certificates; and what it says. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { rainmail, trialOffice } from '../helpers/office.ts';
import { contentsHere } from './contents.ts';
import { OLD_PASSWORD, oldDovecot } from './dovecot.ts';
import { fileOf, moveAllIn } from './moving.ts';
import { plain } from './old-mail.ts';

test('many people move in together; one with a wrong password keeps nobody back, and no password is told', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  const people = ['anna', 'ben', 'clara'];
  for (const person of people) await (await old.client(t, person)).append('INBOX', plain(`for ${person}`));
  const office = await trialOffice(t, { people });
  const rows = people.map(
    (person) => `${office.address(person)},${person},${person === 'ben' ? 'not-his' : OLD_PASSWORD}`,
  );
  const list = await fileOf(office, 'people.csv', `account,user,password\n${rows.join('\n')}\n`);

  const ended = await rainmail([
    'migrate',
    '--accounts',
    list,
    '--from',
    `imap://127.0.0.1:${old.imap}`,
    '--insecure',
    '--data',
    office.data,
  ]);

  assert.equal(ended.code, 1, ended.stderr);
  assert.match(
    ended.stdout,
    /anna@office\.test, from imap:\/\/anna@127\.0\.0\.1[\s\S]*INBOX +1 [\s\S]*Everything is here\./,
  );
  assert.match(ended.stdout, /ben@office\.test[\s\S]*127\.0\.0\.1 does not let ben in[\s\S]*\(source\.sign-in\)/);
  assert.equal((await contentsHere(office, 'clara')).get('INBOX')!.length, 1);
  for (const said of [ended.stdout, ended.stderr, office.log]) {
    assert.ok(!said.includes(OLD_PASSWORD) && !said.includes('not-his'));
  }
  const listed = `${JSON.stringify(await office.command('audit', 'list'))}`;
  assert.ok(listed.includes('migrate.pull') && !listed.includes(OLD_PASSWORD));
});

test('a master user moves everybody in, by SASL PLAIN and with a separator; over POP3 too', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  for (const person of ['anna', 'ben']) await (await old.client(t, person)).append('INBOX', plain(`for ${person}`));
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const list = await fileOf(office, 'people.csv', `${office.address('anna')},anna\n${office.address('ben')},ben\n`);
  const from = ['--accounts', list, '--insecure', '--master-user', 'master', '--from'];
  const byPlain = await moveAllIn(office, 0, ...from, `imap://127.0.0.1:${old.imap}`);
  assert.deepEqual(
    byPlain.map(({ brought }) => brought.messages),
    [1, 1],
  );
  const bySeparator = await moveAllIn(office, 0, ...from, `imap://127.0.0.1:${old.imap}`, '--master-separator', '*');
  assert.deepEqual(
    bySeparator.map(({ brought }) => brought.messages),
    [0, 0],
    'the same mail, whoever signs in',
  );
  const overPop3 = await moveAllIn(office, 0, ...from, `pop3://127.0.0.1:${old.pop3}`);
  assert.deepEqual(
    overPop3.map(({ brought }) => brought.messages),
    [1, 1],
  );
});

test('a certificate that nobody vouches for is refused before the password is sent, and accepted by its fingerprint alone', async (t) => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'old.example' }], { keySize: 2048 });
  const old = await oldDovecot(t, { certificate: `${cert}\n${key}` });
  if (old === undefined) return;
  await (await old.client(t, 'anna')).append('INBOX', plain('one'));
  const office = await trialOffice(t);
  const fingerprint = new X509Certificate(cert).fingerprint256;
  const anna = office.address('anna');
  const logins = async () => (await old.log()).split('Login: ').length;
  for (const [protocol, port] of [
    ['imap', old.imap],
    ['pop3', old.pop3],
  ] as const) {
    const from = ['--from', `${protocol}://anna@127.0.0.1:${port}`];
    const before = await logins();
    const [refused] = await moveAllIn(office, 1, anna, ...from);
    assert.equal(refused!.error!.code, 'source.certificate');
    assert.ok(refused!.error!.text.includes(fingerprint), refused!.error!.text);
    const [other] = await moveAllIn(office, 1, anna, ...from, '--accept-certificate', `${'00:'.repeat(31)}00`);
    assert.equal(other!.error!.code, 'source.certificate');
    assert.equal(await logins(), before, 'nobody signed in');
    const [moved] = await moveAllIn(office, 0, anna, ...from, '--accept-certificate', fingerprint);
    assert.equal(moved!.brought.messages, 1);
  }
});

test('what can not be meant is refused before anything begins', async (t) => {
  const office = await trialOffice(t);
  const anna = office.address('anna');
  const attempts: [number, RegExp, ...string[]][] = [
    [2, /imap:\/\/anna@old\.example/, anna, '--from', 'old.example'],
    [2, /--from/, anna],
    [1, /Name one account/, '--from', 'imap://old.example'],
    [1, /nobody@office\.test/, 'nobody@office.test', '--from', 'imap://x@127.0.0.1:1'],
    [1, /is a POP3 service/, anna, '--from', 'imap://x@127.0.0.1:1', '--uidl-from', 'imap://y'],
    [1, /can't be read \(ENOENT\)/, '--accounts', '/nowhere.csv', '--from', 'imap://127.0.0.1:1'],
  ];
  for (const [code, text, ...args] of attempts) {
    const ended = await rainmail(['migrate', ...args, '--password-stdin', '--data', office.data], { input: 'x\n' });
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    assert.match(ended.stderr, text);
  }
  const help = await rainmail(['migrate', '--help']);
  assert.match(help.stdout, /finish[\s\S]*Example:\n {2}rainmail migrate anna@example\.org --from/);
});
