/** Once a change of the access policy has been answered, no session that it forbids does anything more. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { perform } from '../../src/cli/perform.ts';
import { setAccountState, setPassword } from '../../src/server/admin/accounts.ts';
import { joinGroup } from '../../src/server/admin/groups.ts';
import { setPolicy, unsetPolicy } from '../../src/server/admin/policy.ts';
import { listSessions } from '../../src/server/admin/sessions.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

const [ANNA, BEN] = ['anna@office.test', 'ben@office.test'];
/** More: RAINMAIL_POLICY_ROUNDS=500. */
const ROUNDS = Number(process.env['RAINMAIL_POLICY_ROUNDS'] ?? 12);

const account = { scope: 'account', name: ANNA } as const;
const shut = ['imap=off', 'pop3=off', 'submission=off'];

async function submitting(office: TrialOffice, person: string): Promise<LineClient> {
  const client = await LineClient.connect(office.port('submission'));
  await client.reply('220');
  await client.ask('EHLO laptop', '250');
  await client.ask(`AUTH PLAIN ${saslPlain(person, PASSWORD)}`, '235');
  return client;
}

async function sessionsOf(office: TrialOffice, person: string): Promise<number> {
  return (await perform(listSessions, { account: person }, office)).sessions.length;
}

test('whom the policy shuts out is told so in the middle of whatever they do, and nothing is half done', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  await office.deliver({ to: 'anna', subject: 'Keep me' });
  const idle = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  await idle.command('SELECT INBOX');
  idle.send('i1 IDLE\r\n');
  assert.match(await idle.line(), /^\+ /);
  const filing = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  filing.send('f1 APPEND INBOX {1000}\r\n');
  assert.match(await filing.line(), /^\+ /);
  const marking = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
  await marking.dele(1);
  const sending = await submitting(office, ANNA);
  await sending.ask(`MAIL FROM:<${ANNA}>`, '250');
  await sending.ask(`RCPT TO:<${BEN}>`, '250');
  await sending.ask('DATA', '354');
  sending.send('Subject: Half of it\r\n\r\nTo be continued');
  const ben = await ImapDevice.signIn(office.port('imap'), BEN, PASSWORD);
  assert.equal(await sessionsOf(office, ANNA), 4);

  await perform(setPolicy, { ...account, settings: shut }, office);

  assert.equal(await sessionsOf(office, ANNA), 0);
  const why = /Your administrator has changed what is open to you/;
  for (const [client, begin] of [
    [idle, '* BYE [CONTACTADMIN] '],
    [filing, '* BYE [CONTACTADMIN] '],
    [marking, '-ERR [SYS/PERM] '],
    [sending, '421 4.7.0 '],
  ] as const) {
    const rest = await client.rest();
    assert.ok(rest.startsWith(begin), rest);
    assert.match(rest, why);
  }
  await ben.command('NOOP');
  await assert.rejects(Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD), /\[AUTH\]/);

  await perform(unsetPolicy, { ...account, settings: ['imap', 'pop3', 'submission'] }, office);
  const [laptop] = office.devices('anna', ['laptop']);
  assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['Keep me']);
  const [bens] = office.devices('ben', ['laptop']);
  assert.deepEqual(await bens.pop3((session) => session.subjects()), []);
  ben.close();
});

test('a message that is being fetched comes whole before the session ends, and the change is answered after it', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const text = 'One line of a long message.\n'.repeat(1_000_000).trimEnd();
  await office.deliver({ to: 'anna', subject: 'Long', text });
  const idle = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  const phone = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
  await phone.dele(1);
  await phone.command('RSET');
  phone.send('RETR 1\r\n');
  await phone.ok();
  phone.socket.pause();

  let answered = false;
  const change = perform(setPolicy, { ...account, settings: shut }, office).then(() => {
    answered = true;
  });
  assert.match(await idle.rest(), /^\* BYE /); // so the server has begun to look at the sessions
  assert.equal(answered, false);
  phone.socket.resume();
  const rest = await phone.rest();
  await change;
  assert.ok(
    rest.includes(`${text.replaceAll('\n', '\r\n')}\r\n.\r\n-ERR [SYS/PERM] Your administrator`),
    rest.slice(-200),
  );
});

test('those of whom it still holds stay: by service, by network, and by a group that somebody joins', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const imap = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  const pop3 = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
  const ben = await Pop3Device.signIn(office.port('pop3'), BEN, PASSWORD);
  await office.command('group', 'add', 'Travellers');
  await perform(setPolicy, { scope: 'group', name: 'Travellers', settings: ['pop3=off'] }, office);
  await pop3.command('NOOP');
  await perform(joinGroup, { group: 'Travellers', accounts: [ANNA] }, office);
  assert.match(await pop3.rest(), /^-ERR \[SYS\/PERM\] /);
  await imap.command('NOOP');
  await ben.command('NOOP');
  const everyone = { scope: 'everyone', name: '' } as const;
  await perform(setPolicy, { ...everyone, settings: ['imap.networks=192.0.2.0/24'] }, office);
  assert.match(await imap.rest(), /^\* BYE /);
  await perform(setPolicy, { ...everyone, settings: ['pop3.credentials=app'] }, office);
  assert.match(await ben.rest(), /^-ERR \[SYS\/PERM\] /);
});

/** A connection that signs in while something changes. */
interface Racer {
  readonly client: LineClient;
  /** Sends the sign-in. */
  begin(password: string): void;
  /** What only somebody who is signed in gets a good answer to, and the end. */
  readonly probe: string;
  readonly good: RegExp;
}

async function racers(office: TrialOffice): Promise<Racer[]> {
  const [imap, pop3, submission] = [
    await LineClient.connect(office.port('imap')),
    await LineClient.connect(office.port('pop3')),
    await LineClient.connect(office.port('submission')),
  ];
  await imap.line();
  await pop3.line();
  await submission.reply('220');
  await submission.ask('EHLO laptop', '250');
  return [
    {
      client: imap,
      begin: (password) => imap.send(`a LOGIN ${ANNA} "${password}"\r\n`),
      probe: 'b LIST "" *\r\nc LOGOUT\r\n',
      good: /^b OK/m,
    },
    {
      client: pop3,
      begin: (password) => pop3.send(`USER ${ANNA}\r\nPASS ${password}\r\n`),
      probe: 'STAT\r\nLIST\r\nQUIT\r\n',
      good: /^\+OK (?!.*messages \().*\d+/m,
    },
    {
      client: submission,
      begin: (password) => submission.send(`AUTH PLAIN ${saslPlain(ANNA, password)}\r\n`),
      probe: `MAIL FROM:<${ANNA}>\r\nQUIT\r\n`,
      good: /^250 2\.1\.0/m,
    },
  ];
}

async function race(
  t: TestContext,
  { shutOut, letIn }: Record<'shutOut' | 'letIn', (office: TrialOffice) => Promise<unknown>>,
) {
  const office = await trialOffice(t, { people: ['anna'], config: '[limits]\nconnectionsByAccount = 1000' });
  for (let round = 0; round < ROUNDS; round++) {
    const password = `a new one each time ${round}`; // nothing is remembered of it: it costs Argon2
    await perform(setPassword, { address: ANNA, password }, office);
    const all = [...(await racers(office)), ...(await racers(office))];
    const [first] = all;
    for (const racer of all) racer.begin(password);
    // At once, some turns later, or in the middle of the answers.
    if (round % 3 === 1) for (let turn = 0; turn < round * 5; turn++) await nextTurn();
    if (round % 3 === 2) await first!.client.line();
    await shutOut(office);
    for (const { client, probe } of all) client.send(probe);
    for (const { client, good } of all) assert.doesNotMatch(await client.rest(), good, `round ${round}`);
    assert.equal(await sessionsOf(office, ANNA), 0);
    await letIn(office);
  }
  const open = await ImapDevice.signIn(office.port('imap'), ANNA, `a new one each time ${ROUNDS - 1}`);
  await open.command('NOOP');
  open.close();
}

test('a sign-in that is being checked while the policy changes begins no session', (t) =>
  race(t, {
    shutOut: (office) => perform(setPolicy, { ...account, settings: shut }, office),
    letIn: (office) => perform(unsetPolicy, { ...account, settings: ['imap', 'pop3', 'submission'] }, office),
  }));

test('nor does one while the account is suspended', (t) =>
  race(t, {
    shutOut: (office) => perform(setAccountState, { address: ANNA, state: 'suspended' }, office),
    letIn: (office) => perform(setAccountState, { address: ANNA, state: 'active' }, office),
  }));
