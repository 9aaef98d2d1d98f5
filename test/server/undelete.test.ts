/** Every way in which mail is deleted over the protocols, and what programs see when it comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { listRemoved, restoreRemoved } from '../../src/server/admin/undelete.ts';
import type { ImapDevice } from '../helpers/line-client.ts';
import { type TrialOffice, trialOffice } from '../helpers/office.ts';

const account = 'anna@office.test';

/** `FOLDER: SUBJECT` of what was deleted, sorted. */
async function deleted(office: TrialOffice): Promise<string[]> {
  const { messages } = await perform(listRemoved, { account, limit: 100 }, office);
  return messages.map(({ folder, subject }) => `${folder}: ${subject}`).sort();
}

async function add(session: ImapDevice, folder: string, ...subjects: string[]): Promise<void> {
  for (const subject of subjects) await session.append(folder, `Subject: ${subject}\r\n\r\n${subject}\r\n`);
}

const DELETIONS: readonly (readonly [how: string, commands: readonly string[], gone: readonly string[]])[] = [
  ['EXPUNGE', ['STORE 1:2 +FLAGS (\\Deleted)', 'EXPUNGE'], ['INBOX: a', 'INBOX: b']],
  ['UID EXPUNGE', ['STORE 1:3 +FLAGS (\\Deleted)', 'UID EXPUNGE *'], ['INBOX: c']],
  ['CLOSE', ['STORE 3 +FLAGS (\\Deleted)', 'CLOSE'], ['INBOX: c']],
  ['UNSELECT removes nothing', ['STORE 3 +FLAGS (\\Deleted)', 'UNSELECT'], []],
  ['MOVE removes nothing', ['MOVE 1:3 Trash'], []],
  ['COPY and EXPUNGE leave a copy', ['COPY 1:3 Trash', 'STORE 1:3 +FLAGS (\\Deleted)', 'EXPUNGE'], []],
  ['RENAME of INBOX removes nothing', ['RENAME INBOX Old'], []],
  [
    'DELETE',
    ['CREATE A/B', 'COPY 1 A/B', 'MOVE 2 A', 'DELETE A/B', 'STORE 1 +FLAGS (\\Deleted)', 'EXPUNGE', 'DELETE A'],
    ['A/B: a', 'A: b', 'INBOX: a'],
  ],
];

test('what IMAP deletes is kept, in each of its ways', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const [phone] = office.devices('anna', ['phone']);
  for (const [how, commands, gone] of DELETIONS) {
    const before = await deleted(office);
    await phone.imap(async (session) => {
      await add(session, 'INBOX', 'a', 'b', 'c');
      await session.command('NOOP');
      for (const command of commands) await session.command(command);
    });
    const now = await deleted(office);
    for (const one of before) now.splice(now.indexOf(one), 1);
    assert.deepEqual(now, [...gone], how);
    // The next one begins with an empty INBOX.
    await phone.imap(async (session) => {
      if ((await session.uids()).length > 0) await session.command('MOVE 1:* Junk');
    });
  }
});

test('what POP3 deletes at QUIT is kept, and comes back with its unique id', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const [laptop] = office.devices('anna', ['laptop']);
  for (const subject of ['a', 'b', 'c']) await office.deliver({ to: 'anna', subject });
  const uidl = await laptop.pop3((session) => session.uidl());
  await laptop.pop3(async (session) => {
    await session.dele(1);
    await session.dele(3);
  });
  assert.deepEqual(await deleted(office), ['INBOX: a', 'INBOX: c']);
  await perform(restoreRemoved, { account }, office);
  const [, kept] = uidl;
  assert.deepEqual(await laptop.pop3((session) => session.uidl()), [kept, uidl[0], uidl[2]]);
  assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['b', 'a', 'c']);

  await laptop.pop3((session) => session.dele(1));
  await perform(restoreRemoved, { account, redeliver: true }, office);
  const after = await laptop.pop3((session) => session.uidl());
  assert.equal(after.length, 3);
  assert.ok(!after.includes(kept!), 'it is new for programs that keep account of unique ids');
});

test('over IMAP it is the same email with flags and dates, under a new UID, and open sessions hear of it', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const [phone] = office.devices('anna', ['phone']);
  await phone.imap(async (session) => {
    const message = 'Subject: a\r\n\r\nHello.\r\n';
    const literal = `{${message.length}+}\r\n${message}`;
    await session.command(`APPEND INBOX (\\Seen \\Flagged Invoice) "01-Feb-2025 10:00:00 +0000" ${literal}`);
    await add(session, 'INBOX', 'b');
    const facts = async (subject: string): Promise<[uid: number, facts: string]> => {
      const [uid] = await session.uids(`HEADER SUBJECT ${subject}`);
      const { untagged } = await session.command(`UID FETCH ${uid} (FLAGS INTERNALDATE EMAILID THREADID RFC822.SIZE)`);
      const text = untagged.find((line) => line.includes('FETCH'))!;
      return [
        uid!,
        text
          .replace(/^\d+ FETCH/, '')
          .replace(/UID \d+ ?/, '')
          .replace(/ ?\\Recent/, ''),
      ];
    };
    const [uid, before] = await facts('a');
    await session.command(`UID STORE ${uid} +FLAGS (\\Deleted)`);
    await session.command('EXPUNGE');
    await perform(restoreRemoved, { account }, office);
    const { untagged } = await session.command('NOOP');
    assert.ok(untagged.includes('2 EXISTS'), untagged.join('\n'));
    const [newUid, after] = await facts('a');
    assert.equal(after, before);
    assert.match(after, /\\Seen.*Invoice.*1-Feb-2025 10:00:00 \+0000/s);
    assert.ok(newUid > uid);
  });
});
