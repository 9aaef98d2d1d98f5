import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImapClient, imapOffice } from '../imap-office.ts';

const STANDARD = [
  '* LIST (\\HasNoChildren) "/" INBOX',
  '* LIST (\\HasNoChildren \\Archive) "/" Archive',
  '* LIST (\\HasNoChildren \\Drafts) "/" Drafts',
  '* LIST (\\HasNoChildren \\Junk) "/" Junk',
  '* LIST (\\HasNoChildren \\Sent) "/" Sent',
  '* LIST (\\HasNoChildren \\Trash) "/" Trash',
];

/** The names of LIST or LSUB lines. */
const names = (lines: readonly string[]) => lines.map((line) => line.replace(/^.* "\/" ("?)(.*?)\1( \(.*)?$/, '$2'));

async function create(client: ImapClient, ...mailboxes: readonly string[]): Promise<void> {
  for (const mailbox of mailboxes) await client.ok(`CREATE ${mailbox}`);
}

test('a new account has the standard mailboxes with their special uses, subscribed', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.deepEqual(await client.ok('LIST "" *'), STANDARD);
  assert.deepEqual(names(await client.ok('LSUB "" *')), names(STANDARD));
});

test('an empty pattern asks for the separator', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.deepEqual(await client.ok('LIST "" ""'), ['* LIST (\\Noselect) "/" ""']);
});

test('patterns choose by level, reference and name', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await create(client, 'work', 'work/2024', 'work/2024/may', 'worker');
  assert.deepEqual(names(await client.ok('LIST "" work*')), ['work', 'work/2024', 'work/2024/may', 'worker']);
  assert.deepEqual(names(await client.ok('LIST "" work%')), ['work', 'worker']);
  assert.deepEqual(names(await client.ok('LIST work/ %')), ['work/2024']);
  assert.deepEqual(names(await client.ok('LIST "" inbox')), ['INBOX']);
  assert.deepEqual(names(await client.ok('LIST "" (INBOX "work/%")')), ['INBOX', 'work/2024']);
  assert.deepEqual(await client.ok('LIST "" nothing'), []);
  assert.deepEqual(await client.ok('LIST "" worker'), ['* LIST (\\HasNoChildren) "/" worker']);
  assert.deepEqual(await client.ok('LIST "" work'), ['* LIST (\\HasChildren) "/" work']);
});

test('subscriptions are told, also of names without a mailbox', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await create(client, 'a', 'a/b');
  await client.ok('SUBSCRIBE a/b');
  await client.ok('SUBSCRIBE gone/away');
  await client.ok('UNSUBSCRIBE Trash');
  assert.deepEqual(await client.ok('LIST (SUBSCRIBED) "" (a* gone* Trash)'), [
    '* LIST (\\Subscribed \\HasNoChildren) "/" a/b',
    '* LIST (\\NonExistent \\Subscribed \\HasNoChildren) "/" gone/away',
  ]);
  assert.deepEqual(await client.ok('LIST "" (a* Sent Trash) RETURN (SUBSCRIBED)'), [
    '* LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
    '* LIST (\\HasNoChildren \\Trash) "/" Trash',
    '* LIST (\\HasChildren) "/" a',
    '* LIST (\\Subscribed \\HasNoChildren) "/" a/b',
  ]);
});

test('RECURSIVEMATCH shows what holds something subscribed', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await create(client, 'a', 'a/b', 'c');
  await client.ok('SUBSCRIBE a/b');
  await client.ok('SUBSCRIBE x/y');
  assert.deepEqual(await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" (a c x)'), [
    '* LIST (\\HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))',
    '* LIST (\\NonExistent \\HasNoChildren) "/" x ("CHILDINFO" ("SUBSCRIBED"))',
  ]);
});

test('LSUB with a percent sign shows the level above what is subscribed', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await create(client, 'a/b');
  await client.ok('SUBSCRIBE a/b');
  assert.deepEqual(await client.ok('LSUB "" a%'), ['* LSUB (\\Noselect) "/" a']);
  assert.deepEqual(await client.ok('LSUB "" a*'), ['* LSUB () "/" a/b']);
});

test('special uses choose, and STATUS comes along', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.deepEqual(names(await client.ok('LIST (SPECIAL-USE) "" *')), ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']);
  await client.append('x', 'Sent');
  assert.deepEqual(await client.ok('LIST "" (Sent Trash) RETURN (STATUS (MESSAGES SIZE UNSEEN))'), [
    '* LIST (\\HasNoChildren \\Sent) "/" Sent',
    '* STATUS Sent (MESSAGES 1 SIZE 1 UNSEEN 1)',
    '* LIST (\\HasNoChildren \\Trash) "/" Trash',
    '* STATUS Trash (MESSAGES 0 SIZE 0 UNSEEN 0)',
  ]);
});

test('names in other scripts are in modified UTF-7, and in UTF-8 after ENABLE IMAP4rev2', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  await create(client, 'Entw&APw-rfe', '"R&-D"');
  assert.deepEqual(names(await client.ok('LIST "" ("Entw*" "R*")')), ['Entw&APw-rfe', 'R&-D']);
  assert.deepEqual(await client.ok('ENABLE IMAP4rev2 X-UNKNOWN'), ['* ENABLED IMAP4rev2']);
  assert.deepEqual(names(await client.ok('LIST "" ("Entw\xc3\xbc%" "R&D")')), ['Entw\xc3\xbcrfe', 'R&D']);
  await client.ok('STATUS "Entw\xc3\xbcrfe" (MESSAGES)');
});

test('there is one namespace', async (t) => {
  const client = await (await imapOffice(t)).signIn();
  assert.deepEqual(await client.ok('NAMESPACE'), ['* NAMESPACE (("" "/")) NIL NIL']);
});
