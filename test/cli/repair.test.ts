/** Damage as an administrator meets it: a server that will not start, a command that says why and sets it right. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';

/** Changes a byte wherever the text stands in the segments. */
function damageText({ data }: TrialOffice, text: string): void {
  for (const name of readdirSync(join(data, 'segments'))) {
    const path = join(data, 'segments', name);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(text);
    if (at === -1) continue;
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
  }
}

test('a server does not start on a damaged database, says what to do, and starts after a repair with all its mail', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  for (const subject of ['one', 'two', 'three']) await office.deliver({ to: 'anna', subject });
  await office.stop();
  const path = join(office.data, 'mail.db');
  const bytes = readFileSync(path);
  bytes.fill(0, 0, 4_096);
  writeFileSync(path, bytes);

  for (const command of [['serve', '--config', office.config], ['verify'], ['status']]) {
    const { code, stderr } = await rainmail([...command, '--data', office.data]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /damaged: .*rainmail restore server.*rainmail verify --repair --data .*\n {2}\(store\.damaged\)\n$/,
    );
  }
  const { code, stdout } = await rainmail(['verify', '--repair', '--data', office.data]);
  assert.equal(code, 1, 'what was lost must be looked at by somebody');
  assert.match(
    stdout,
    /^The database was damaged\. \d+ rows were saved into a new one; .*\nThe damaged one is kept as .*mail\.db\.damaged-/,
  );

  assert.deepEqual(((await office.command('verify')) as { findings: unknown[] }).findings, []);
  await office.start();
  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['one', 'two', 'three']);
  await office.deliver({ to: 'anna', subject: 'four' });
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['one', 'two', 'three', 'four']);
});

test('counts are set right while the server runs, and the audit tells of it', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  for (const subject of ['one', 'two']) await office.deliver({ to: 'anna', subject });
  await office.stop();
  const database = new DatabaseSync(join(office.data, 'mail.db'));
  database.exec('UPDATE mailbox SET total = 9, unseen = 9 WHERE mailbox_id = 1');
  database.close();
  await office.start();
  const [phone] = office.devices('anna', ['phone']);
  await phone.imap(async (session) => {
    const status = async () => (await session.command('STATUS INBOX (MESSAGES)')).untagged.join();
    assert.match(await status(), /MESSAGES 9/);
    const checked = await rainmail(['verify', '--data', office.data]);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /anna@office\.test, INBOX: the folder counts 9 messages and has 2.*\(count\)/);
    assert.match(checked.stdout, /can be set right: rainmail verify --repair/);

    const { mended, left } = (await office.command('verify', '--repair')) as { mended: unknown[]; left: unknown[] };
    assert.deepEqual([mended.length, left], [1, []]);
    assert.match(await status(), /MESSAGES 2/);
  });
  assert.match((await rainmail(['audit', 'list', '--data', office.data])).stdout, /verify\.repair/);
});

test('a damaged message is named with its way back, and POP3 refuses it alone', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  for (const word of ['first', 'second', 'third'])
    await office.deliver({ to: 'anna', subject: word, text: `the ${word} text` });
  await office.stop();
  damageText(office, 'the second text');
  await office.start();
  const [laptop] = office.devices('anna', ['laptop']);
  await laptop.pop3(async (session) => {
    assert.equal((await session.lines('LIST')).length, 3);
    await assert.rejects(session.command('RETR 2'), /-ERR .*damaged/);
    for (const [number, word] of [
      [1, 'first'],
      [3, 'third'],
    ] as const) {
      assert.ok((await session.retr(number)).endsWith(`the ${word} text\r\n`));
    }
  });
  const { code, stdout } = await rainmail(['verify', '--repair', '--data', office.data]);
  assert.equal(code, 1);
  assert.match(stdout, /anna@office\.test, INBOX, UID 2: its bytes are damaged .*\(body\)\n.*rainmail restore/s);
});
