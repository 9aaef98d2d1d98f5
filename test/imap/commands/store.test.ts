import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapOffice, imapOffice, message } from '../imap-office.ts';

async function withMessages(office: ImapOffice, count: number) {
  const client = await office.inbox();
  for (let n = 1; n <= count; n++) await client.append(message({ Subject: `m${n}` }));
  await client.ok('NOOP');
  return client;
}

test('STORE sets, adds and removes flags and answers with what they are now', async (t) => {
  const client = await withMessages(await imapOffice(t), 2);

  assert.deepEqual(await client.ok('STORE 1:2 FLAGS (\\Seen $Forwarded)'), [
    '* 1 FETCH (FLAGS (\\Seen $Forwarded \\Recent))',
    '* 2 FETCH (FLAGS (\\Seen $Forwarded \\Recent))',
  ]);
  assert.deepEqual(await client.ok('STORE 1 +FLAGS \\Flagged \\Deleted'), [
    '* 1 FETCH (FLAGS (\\Seen \\Flagged \\Deleted $Forwarded \\Recent))',
  ]);
  assert.deepEqual(await client.ok('UID STORE 2 -FLAGS (\\seen)'), ['* 2 FETCH (UID 2 FLAGS ($Forwarded \\Recent))']);
  assert.deepEqual(await client.ok('STORE 2 FLAGS ()'), ['* 2 FETCH (FLAGS (\\Recent))']);
});

test('a flag that was there already is answered too, unless .SILENT', async (t) => {
  const client = await withMessages(await imapOffice(t), 1);
  await client.ok('STORE 1 +FLAGS (\\Seen)');

  assert.deepEqual(await client.ok('STORE 1 +FLAGS (\\Seen)'), ['* 1 FETCH (FLAGS (\\Seen \\Recent))']);
  assert.deepEqual(await client.ok('STORE 1 +FLAGS.SILENT (\\Answered)'), []);
  assert.deepEqual(await client.ok('NOOP'), [], 'what the client set itself is not told again');
});

test('a new keyword is announced before the client needs it', async (t) => {
  const office = await imapOffice(t);
  const client = await withMessages(office, 1);
  const other = await office.inbox();

  const untagged = await client.ok('STORE 1 +FLAGS (Receipt)');
  assert.match(untagged[0]!, /^\* FLAGS \(.* Receipt\)$/);
  assert.match(untagged[1]!, /^\* OK \[PERMANENTFLAGS \(.* Receipt \\\*\)\]/);
  assert.equal(untagged[2], '* 1 FETCH (FLAGS (Receipt \\Recent))');
  assert.ok((await other.ok('NOOP')).some((line) => /^\* FLAGS \(.* Receipt\)$/.test(line)));
  assert.deepEqual(await client.ok('STORE 1 -FLAGS (RECEIPT)'), ['* 1 FETCH (FLAGS (\\Recent))']);
});

test('the other session hears of changed flags with the UID', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 2);
  const laptop = await office.inbox();
  await phone.ok('STORE 2 +FLAGS.SILENT (\\Flagged)');

  assert.deepEqual(await laptop.ok('NOOP'), ['* 2 FETCH (UID 2 FLAGS (\\Flagged))']);
});

test('a silent STORE tells what somebody else changed of the same message', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 2);
  const laptop = await office.inbox();
  await phone.ok('STORE 1:2 +FLAGS.SILENT (\\Answered)');

  assert.deepEqual(await laptop.ok('STORE 2 +FLAGS.SILENT (\\Flagged)'), [
    '* 2 FETCH (FLAGS (\\Answered \\Flagged))',
    '* 1 FETCH (UID 1 FLAGS (\\Answered))',
  ]);
});

test('UNCHANGEDSINCE leaves alone what has changed, and names it', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 3);
  const laptop = await office.inbox();
  const modseqs = (await laptop.ok('FETCH 1:3 MODSEQ'))
    .slice(1)
    .map((line) => Number(/MODSEQ \((\d+)\)/.exec(line)![1]));
  await phone.ok('STORE 2 +FLAGS.SILENT (\\Answered)');

  const { untagged, tagged } = await laptop.command(
    `STORE 1:3 (UNCHANGEDSINCE ${Math.max(...modseqs)}) +FLAGS.SILENT (\\Flagged)`,
  );
  assert.match(tagged, /^OK \[MODIFIED 2\] /);
  assert.deepEqual(
    untagged.map((line) => line.replace(/\(\d+\)/, '(n)')),
    [
      '* 1 FETCH (FLAGS (\\Flagged) MODSEQ (n))',
      '* 3 FETCH (FLAGS (\\Flagged) MODSEQ (n))',
      '* 2 FETCH (UID 2 FLAGS (\\Answered) MODSEQ (n))',
    ],
    'MODSEQ is told even when silent (RFC 7162 3.1.3)',
  );
});

test('a mailbox opened by EXAMINE is not changed', async (t) => {
  const office = await imapOffice(t);
  await withMessages(office, 1);
  const client = await office.signIn();
  await client.ok('EXAMINE INBOX');

  for (const command of [
    'STORE 1 +FLAGS (\\Seen)',
    'UID STORE 1 FLAGS ()',
    'EXPUNGE',
    'UID EXPUNGE 1',
    'MOVE 1 Trash',
  ]) {
    assert.match((await client.command(command)).tagged, /^NO \[READ-ONLY\] /, command);
  }
});

test('STORE of a removed message says so, and its removal is told with the next command', async (t) => {
  const office = await imapOffice(t);
  const phone = await withMessages(office, 2);
  const laptop = await office.inbox();
  await phone.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await phone.ok('EXPUNGE');

  const { untagged, tagged } = await laptop.command('STORE 1:2 +FLAGS (\\Seen)');
  assert.deepEqual(untagged, ['* 2 FETCH (FLAGS (\\Seen))']);
  assert.match(tagged, /^NO \[EXPUNGEISSUED\] /);
  assert.deepEqual(await laptop.ok('NOOP'), ['* 1 EXPUNGE']);
});

test('STORE of 3,000 messages tells each once', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const stage = office.store.stage(1_000);
  await stage.write(Buffer.from(message({ Subject: 'many' })));
  const staged = await stage.finish();
  const [inbox] = await office.store.mailboxes.list(office.account);
  await office.store.append(
    { account: office.account, mailbox: inbox!.id },
    Array.from({ length: 3_000 }, () => ({ staged, flags: { bits: 0, keywords: [] } })),
  );
  await client.ok('NOOP');

  assert.deepEqual(
    await client.ok('STORE 1:* +FLAGS (\\Seen)'),
    Array.from({ length: 3_000 }, (_, index) => `* ${index + 1} FETCH (FLAGS (\\Seen \\Recent))`),
  );
  assert.deepEqual(await client.ok('NOOP'), []);
});
