import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imapOffice } from '../imap-office.ts';

test('SELECT describes the mailbox as RFC 3501 wants it', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.append('x', 'INBOX', '(\\Seen)');
  await client.append('y', 'INBOX', '(project)');
  const { untagged, tagged } = await client.command('SELECT INBOX');
  const text = untagged.join('\n');
  assert.match(text, /^\* 2 EXISTS$/m);
  assert.match(text, /^\* 2 RECENT$/m);
  assert.match(text, /^\* FLAGS \(\\Seen \\Answered \\Flagged \\Deleted \\Draft .*project\)$/m);
  assert.match(text, /^\* OK \[PERMANENTFLAGS \(.*project \\\*\)\] /m);
  assert.match(text, /^\* OK \[UNSEEN 2\] /m);
  assert.match(text, /^\* OK \[UIDVALIDITY [1-9]\d*\] /m);
  assert.match(text, /^\* OK \[UIDNEXT 3\] /m);
  assert.match(text, /^\* OK \[HIGHESTMODSEQ [1-9]\d*\] /m);
  assert.match(text, /^\* OK \[MAILBOXID \(M\d+\)\] /m);
  assert.match(tagged, /^OK \[READ-WRITE\] /);
});

test('SELECT in IMAP4rev2 has no RECENT and no UNSEEN, and names the mailbox', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.append('x');
  await client.ok('ENABLE IMAP4rev2');
  const text = (await client.ok('SELECT inbox')).join('\n');
  assert.doesNotMatch(text, /RECENT|UNSEEN/);
  assert.match(text, /^\* LIST \(\) "\/" INBOX$/m);
});

test('one session alone sees a message as recent, and EXAMINE takes it from nobody', async (t) => {
  const office = await imapOffice(t);
  const [first, second] = [await office.signIn(), await office.signIn()];
  await first.append('x');
  assert.ok((await first.ok('EXAMINE INBOX')).includes('* 1 RECENT'));
  assert.ok((await first.ok('SELECT INBOX')).includes('* 1 RECENT'));
  assert.ok((await second.ok('SELECT INBOX')).includes('* 0 RECENT'));
});

test('EXAMINE opens for reading only', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.append('x');
  const { untagged, tagged } = await client.command('EXAMINE INBOX');
  assert.match(tagged, /^OK \[READ-ONLY\] /);
  assert.ok(untagged.some((line) => line.startsWith('* OK [PERMANENTFLAGS ()] ')));
  assert.match((await client.command('STORE 1 +FLAGS (\\Seen)')).tagged, /^NO \[READ-ONLY\] /);
  assert.match((await client.command('EXPUNGE')).tagged, /^NO \[READ-ONLY\] /);
});

test('selecting leaves the mailbox selected before, also when it fails', async (t) => {
  const client = await (await imapOffice(t)).inbox();
  assert.match((await client.ok('SELECT Sent'))[0]!, /^\* OK \[CLOSED\] /);
  const { untagged, tagged } = await client.command('SELECT Nowhere');
  assert.match(untagged[0]!, /^\* OK \[CLOSED\] /);
  assert.match(tagged, /^NO \[NONEXISTENT\] /);
  assert.match((await client.command('FETCH 1 FLAGS')).tagged, /^BAD /);
});

test('the CONDSTORE parameter makes every change of flags come with its modseq', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await client.append('x');
  await client.ok('SELECT INBOX (CONDSTORE)');
  const changes = await client.ok('STORE 1 +FLAGS (\\Flagged)');
  assert.match(changes.join(), /MODSEQ \(\d+\)/);
});
