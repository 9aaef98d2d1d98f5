import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapOffice, message } from '../imap-office.ts';

test('a mailbox is created with those above it, and has an id', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.match((await client.command('CREATE a/b/c/')).tagged, /^OK \[MAILBOXID \(M\d+\)\] /);
  assert.equal((await client.ok('LIST "" a*')).length, 3);
  assert.match((await client.command('CREATE a/b')).tagged, /^NO \[ALREADYEXISTS\] /);
  assert.match((await client.command('CREATE inbox')).tagged, /^NO \[ALREADYEXISTS\] /);
  assert.match((await client.command('CREATE a//b')).tagged, /^NO \[CANNOT\] /);
});

test('a special use is given once, and only one that mailboxes can have', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.match((await client.command('CREATE Everything (USE (\\All))')).tagged, /^NO \[USEATTR\] /);
  assert.match((await client.command('CREATE Two (USE (\\Sent \\Junk))')).tagged, /^NO \[USEATTR\] /);
  assert.match((await client.command('CREATE Gesendet (USE (\\Sent))')).tagged, /^NO /);
  await client.ok('DELETE Sent');
  await client.ok('CREATE Gesendet (USE (\\sent))');
  assert.deepEqual(await client.ok('LIST (SPECIAL-USE) "" G*'), ['* LIST (\\HasNoChildren \\Sent) "/" Gesendet']);
});

test('deleting leaves what is below, and what is not there is said to be missing', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.ok('CREATE a/b');
  await client.ok('DELETE a');
  assert.deepEqual(await client.ok('LIST "" a*'), [
    '* LIST (\\Noselect \\HasChildren) "/" a',
    '* LIST (\\HasNoChildren) "/" a/b',
  ]);
  assert.match((await client.command('SELECT a')).tagged, /^NO \[NONEXISTENT\] /);
  assert.match((await client.command('STATUS a (MESSAGES)')).tagged, /^NO \[NONEXISTENT\] /);
  assert.match((await client.command('DELETE a')).tagged, /^NO \[HASCHILDREN\] /);
  assert.match((await client.command('DELETE nothing')).tagged, /^NO \[NONEXISTENT\] /);
  assert.match((await client.command('DELETE INBOX')).tagged, /^NO \[CANNOT\] /);
});

test('the selected mailbox can be deleted, and is no longer selected then', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.ok('CREATE a');
  await client.ok('SELECT a');
  const untagged = await client.ok('DELETE a');
  assert.match(untagged[0]!, /^\* OK \[CLOSED\] /);
  assert.match((await client.command('FETCH 1 FLAGS')).tagged, /^BAD /);
});

test('renaming takes along what is below; of INBOX it moves the messages', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.ok('CREATE a/b');
  await client.ok('RENAME a z/y');
  assert.equal((await client.ok('LIST "" (a* z*)')).map((line) => line.split(' ').at(-1)).join(), 'z,z/y,z/y/b');
  await client.append(message({ Subject: 'x' }));
  await client.ok('RENAME INBOX Old');
  assert.match((await client.ok('STATUS Old (MESSAGES)'))[0]!, /MESSAGES 1/);
  assert.match((await client.ok('STATUS INBOX (MESSAGES)'))[0]!, /MESSAGES 0/);
  assert.match((await client.command('RENAME z Old')).tagged, /^NO \[ALREADYEXISTS\] /);
  assert.match((await client.command('RENAME none x')).tagged, /^NO \[NONEXISTENT\] /);
});

test('STATUS counts everything there is to count', async (t) => {
  const client = await (await imapOffice(t, { appendBytes: 5000 })).signIn();
  await client.append('12345', 'INBOX', '(\\Seen)');
  await client.append('123', 'INBOX', '(\\Deleted)');
  const [status] = await client.ok(
    'STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT)',
  );
  assert.match(
    status!,
    /^\* STATUS INBOX \(MESSAGES 2 RECENT 2 UIDNEXT 3 UIDVALIDITY \d+ UNSEEN 1 DELETED 1 SIZE 8 HIGHESTMODSEQ \d+ MAILBOXID \(M\d+\) APPENDLIMIT 5000\)$/,
  );
});
