/** Where is my mail? Asked of a running office, after real clients have done what they do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { localTime } from '../../src/cli/local-time.ts';
import { perform } from '../../src/cli/perform.ts';
import { addAppPassword } from '../../src/server/admin/app-passwords.ts';
import { listTrace } from '../../src/server/admin/trace.ts';
import { restoreRemoved } from '../../src/server/admin/undelete.ts';
import type { Story } from '../../src/trace/story-types.ts';
import { LineClient, Pop3Device } from '../helpers/line-client.ts';
import { dotStuffed, rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { ENVIRONMENT, MAIN } from '../helpers/server-process.ts';

const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';

async function stories(office: TrialOffice, filter: object): Promise<readonly Story[]> {
  return (await perform(listTrace, { most: 50, ...filter }, office)).stories;
}

/** Kinds and texts, without what differs each time. */
function told({ events }: Story): string[] {
  return events.map(
    ({ kind, text }) => `${kind}: ${text.replace(/as \S+$/, 'as ID').replace(/[\d.]+ (bytes|KB)/, 'SIZE')}`,
  );
}

function message(subject: string): string {
  return `From: <carl@example.net>\r\nTo: <${ANNA}>\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.net>\r\n\r\nHello.\r\n`;
}

/** A transaction over SMTP, as far as it goes: each command with the code of its reply. */
async function smtp(
  office: TrialOffice,
  dialogue: readonly (readonly [command: string, code: string])[],
): Promise<void> {
  const client = await LineClient.connect(office.port('smtp'));
  await client.reply('220');
  await client.ask('EHLO mx.example.net', '250');
  for (const [command, code] of dialogue) {
    if (command.includes('\r\n')) {
      client.send(dotStuffed(command));
      await client.reply(code);
    } else await client.ask(command, code);
  }
  await client.ask('QUIT', '221');
  client.close();
}

test('the way of messages is told, from their sender to the device, and what people do with them', async (t) => {
  const office = await trialOffice(t, {
    people: ['anna', 'ben'],
    config: '[limits]\nmessage = "20KB"\n[trace]\nsubjects = true',
  });
  const [laptop] = office.devices('anna', ['laptop']);

  await t.test('a message came, was filed, retrieved by two programs, moved, deleted and brought back', async () => {
    await smtp(office, [
      ['MAIL FROM:<carl@example.net>', '250'],
      [`RCPT TO:<${ANNA}>`, '250'],
      [`RCPT TO:<${BEN}>`, '250'],
      ['RCPT TO:<nobody@office.test>', '550'],
      ['DATA', '354'],
      [message('offer'), '250'],
    ]);
    const { password } = await perform(addAppPassword, { address: ANNA, name: 'phone', protocols: null }, office);
    const phone = await Pop3Device.signIn(office.port('pop3'), ANNA, password);
    await phone.retr(1);
    await phone.retr(1);
    await phone.quit();
    phone.close();
    await laptop.imap(async (session) => {
      await session.command('UID FETCH 1 (BODY.PEEK[HEADER])');
      await session.content(1);
      await session.content(1);
      await session.command('UID MOVE 1 Archive');
      await session.command('SELECT Archive');
      await session.command('STORE 1 +FLAGS (\\Deleted)');
      await session.command('EXPUNGE');
    });
    await perform(restoreRemoved, { account: ANNA }, office);
    const [story, ...others] = await stories(office, { messageId: '<offer@example.net>' });
    assert.deepEqual(others, []);
    assert.equal(story!.subject, 'offer');
    const restored = told(story!).at(-1);
    assert.deepEqual(told(story!).slice(0, -1), [
      'received: came from mx.example.net [127.0.0.1] without TLS, SIZE, as ID',
      'refused: was refused for nobody@office.test: 550 5.1.1 There is no nobody@office.test here; check the address.',
      `filed: was filed for ${ANNA} in INBOX`,
      `filed: was filed for ${BEN} in INBOX`,
      `retrieved: was retrieved by ${ANNA} with "phone" over POP3`,
      `retrieved: was retrieved by ${ANNA} over IMAP`,
      `moved: was moved from INBOX to Archive by ${ANNA} over IMAP`,
      `marked: was marked as deleted by ${ANNA} over IMAP`,
      `removed: was deleted from Archive by ${ANNA} over IMAP`,
    ]);
    assert.match(restored!, /^restored: was brought back to Archive by .* on the command line, for anna@/);
  });

  await t.test('each refusal says what the sender was told', async () => {
    await smtp(office, [
      ['MAIL FROM:<dora@example.org>', '250'],
      ['RCPT TO:<nobody@office.test>', '550'],
      ['RCPT TO:<emil@example.com>', '550'],
      ['RSET', '250'],
      ['MAIL FROM:<dora@example.org>', '250'],
      [`RCPT TO:<${ANNA}>`, '250'],
      ['DATA', '354'],
      [message('large') + 'x'.repeat(60).concat('\r\n').repeat(500), '552'],
      ['MAIL FROM:<dora@example.org> SIZE=99999999', '552'],
    ]);
    const [size, large, unknown, ...others] = await stories(office, { from: 'example.org' });
    assert.deepEqual(others, []);
    assert.deepEqual(unknown!.events.map(({ kind, said }) => `${kind} ${said?.slice(0, 9)}`).slice(1), [
      'refused 550 5.1.1',
      'refused 550 5.7.1',
    ]);
    for (const story of [size!, large!]) assert.match(story.events[1]!.said!, /^552 5\.3\.4 /);
    assert.deepEqual(large!.recipients, [ANNA]);
    assert.deepEqual((await stories(office, { to: 'nobody@OFFICE.test' })).length, 2);
  });

  await t.test('what people send is told of with its copy in Sent, and what their programs file', async () => {
    const raw = message('answer').replace('carl@example.net', ANNA);
    await office.submit({ from: 'anna', to: 'ben', raw });
    await laptop.imap((session) => session.append('Drafts', message('draft')));
    const [draft, answer] = await stories(office, { account: ANNA });
    assert.deepEqual(told(draft!), [`received: was filed by ${ANNA} over IMAP, SIZE`, 'filed: was filed in Drafts']);
    assert.deepEqual(told(answer!), [
      `received: was sent by ${ANNA} from test [127.0.0.1] without TLS, SIZE, as ID`,
      `filed: was filed for ${BEN} in INBOX`,
      `sent copy: was filed in ${ANNA}'s folder for sent mail`,
    ]);
  });

  await t.test('a message is still known after a crash, and in a folder that is deleted', async () => {
    await office.deliver({ to: 'ben', raw: message('crash') });
    await office.kill();
    await office.start();
    const [tablet] = office.devices('ben', ['tablet']);
    await tablet.imap(async (session) => {
      await session.command('CREATE Old');
      const [last] = (await session.uids()).slice(-1);
      await session.command(`UID MOVE ${last} Old`);
      await session.command('DELETE Old');
    });
    await tablet.pop3(async (session) => {
      await session.dele(1);
    });
    const [crash] = await stories(office, { messageId: 'crash@example.net' });
    assert.deepEqual(told(crash!).slice(1), [
      `filed: was filed for ${BEN} in INBOX`,
      `moved: was moved from INBOX to Old by ${BEN} over IMAP`,
      `removed: was deleted from Old by ${BEN} over IMAP`,
    ]);
    const [offer] = await stories(office, { messageId: 'offer@example.net' });
    assert.equal(told(offer!).at(-1), `removed: was deleted from INBOX by ${BEN} over POP3`);
  });

  await t.test(
    'the command line goes on telling of what comes, a line for each message, also by the next server',
    async () => {
      const args = [MAIN, 'trace', '--to', BEN, '--follow', '--json', '--most', '2', '--data', office.data];
      const follower = spawn(process.execPath, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(follower, 'exit');
      let shown = '';
      let isDelivered = false;
      for await (const text of follower.stdout.setEncoding('utf8')) {
        shown += text;
        if (shown.includes('news@example.net')) break;
        if (!isDelivered && shown.split('\n').length > 2) {
          isDelivered = true;
          await office.restart();
          await office.deliver({ to: 'ben', raw: message('news') });
        }
      }
      follower.kill('SIGINT');
      await ended;
      const lines = shown.trimEnd().split('\n');
      const told = lines.map((line) => JSON.parse(line) as Story);
      assert.equal(told.length, 3);
      assert.deepEqual(
        told.map(({ id }) => id),
        told.map(({ id }) => id).sort((a, b) => a - b),
      );
      assert.match(told[2]!.events[0]!.text, /^was handed over by test \[127\.0\.0\.1\]/);
      assert.doesNotMatch(office.log, /"trace\.list"/); // it asks every second
    },
  );

  await t.test('the command line tells it in words, and as JSON', async () => {
    const { stdout } = await rainmail([
      'trace',
      '--to',
      'ANNA@office.test',
      '--from',
      'carl@example.net',
      '--data',
      office.data,
    ]);
    const [head, facts, came] = stdout.split('\n');
    assert.match(
      head!,
      /^\d{4}-\d\d-\d\d \d\d:\d\d {2}carl@example\.net -> anna@office\.test, ben@office\.test, nobody@/,
    );
    assert.match(facts!, /^ {2}<offer@example\.net>, \d+ bytes, "offer"$/);
    assert.match(
      came!,
      /^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}came from mx\.example\.net \[127\.0\.0\.1\] without TLS/,
    );
    // As the other server has it in its log.
    const name = / as (\S+)$/.exec(came!)![1]!;
    const answer = await rainmail(['trace', '--as', `250 2.0.0 Delivered as ${name}.`, '--data', office.data]);
    assert.equal(answer.stdout.split('\n\n').length, 1);
    assert.match(answer.stdout, new RegExp(` as ${name.replace('.', '\\.')}\n`));
    const today = localTime(Date.now()).slice(0, '2026-11-20'.length);
    for (const [until, found] of [
      [today, /offer@example\.net/],
      ['1d', /^No message fits: .* not at that time,/],
    ] as const) {
      const time = ['--since', '2d', '--until', until];
      const args = ['trace', '--to', 'anna', '--from', 'carl', ...time, '--data', office.data];
      assert.match((await rainmail(args)).stdout, found);
    }
    const json = JSON.parse((await rainmail(['trace', '--most', '1', '--json', '--data', office.data])).stdout);
    assert.deepEqual([json.more, json.stories.length, json.stories[0].messageId], [true, 1, 'news@example.net']);
  });
});
