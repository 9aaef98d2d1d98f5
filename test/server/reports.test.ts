/** What people ask for their mail and hear of it, from a real server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { setPolicy } from '../../src/server/admin/policy.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import { type ImapDevice, LineClient } from '../helpers/line-client.ts';
import { dotStuffed, PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

async function subjects(office: TrialOffice, person: string): Promise<string[]> {
  return office.devices(person, ['laptop'])[0].imap(async (session: ImapDevice) => {
    await session.command('EXAMINE INBOX');
    const { untagged } = await session.command('UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    return untagged.flatMap((line) => /^Subject: (.*?)\r?$/m.exec(line)?.[1] ?? []).sort();
  });
}

/** Signs Anna in at submission. @returns what is offered */
async function submission(office: TrialOffice): Promise<{ client: LineClient; offered: string[] }> {
  const client = await LineClient.connect(office.port('submission'));
  await client.reply('220');
  client.send('EHLO test\r\n');
  const offered = await client.reply('250');
  await client.ask(`AUTH PLAIN ${saslPlain('anna@office.test', PASSWORD)}`, '235');
  return { client, offered };
}

async function submit(client: LineClient, parameters: string, ...recipients: readonly string[]): Promise<void> {
  await client.ask(`MAIL FROM:<anna@office.test> ${parameters}`, '250');
  for (const recipient of recipients) await client.ask(`RCPT TO:${recipient}`, '250');
  await client.ask('DATA', '354');
  client.send(dotStuffed('From: anna@office.test\r\nSubject: Fest\r\n\r\nKommt!\r\n'));
  await client.reply('250');
  client.close();
}

test('who sends mail for later hears in their language that it is there, and that it could not be', async (t) => {
  const internet = await Internet.open(t);
  internet.dns.say('MX', 'nomail.test', { preference: 0, exchange: '.' });
  const office = await internet.office('office.test', { people: ['anna', 'ben'] });
  await perform(setPolicy, { scope: 'everyone', name: '', settings: ['language=de'] }, office);
  const { client, offered } = await submission(office);
  assert.ok(offered.some((line) => /^250-FUTURERELEASE 5184000 \d{4}-/.test(line)));
  assert.ok(offered.includes('250-DSN'));
  await submit(client, 'HOLDFOR=1 ENVID=7', '<ben@office.test> NOTIFY=SUCCESS', '<carl@nomail.test>');
  await attempts(office, 'sent');
  await attempts(office, 'failed');
  assert.deepEqual(await subjects(office, 'ben@office.test'), ['Fest']);
  assert.deepEqual(await subjects(office, 'anna@office.test'), ['Nicht zugestellt: Fest', 'Zugestellt: Fest']);
});

test('where no mail leaves nothing can wait, and who asks still hears that mail is there', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna', 'ben'], outbound: 'enabled = false' });
  const { client, offered } = await submission(office);
  assert.ok(!offered.some((line) => line.includes('FUTURERELEASE')));
  await client.ask('MAIL FROM:<anna@office.test> HOLDFOR=1', '555');
  await submit(client, 'RET=FULL', '<ben@office.test> NOTIFY=SUCCESS');
  assert.deepEqual(await subjects(office, 'anna@office.test'), ['Delivered: Fest']);
});
