/** Moving in from Debian's Cyrus: another delimiter, everything below INBOX, ids of POP3 of its own kind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, trialOffice } from '../helpers/office.ts';
import { corpus } from '../message/corpus.ts';
import { contentsHere, contentsOf, filled, named } from './contents.ts';
import { oldCyrus } from './cyrus.ts';
import { OLD_PASSWORD } from './dovecot.ts';
import { moveIn, pop3Ids } from './moving.ts';
import { deepest, plain } from './old-mail.ts';

const NAMES = [
  'Größe',
  'a (b) [c]',
  "o'clock, $5 #1",
  '日本語 📬',
  '~tilde',
  'Sent',
  'Sent.2019',
  'Projects^2024',
  deepest('.'),
];

test('an account of Cyrus comes whole, with the folders below INBOX beside it and the ids of its POP3', async (t) => {
  const old = await oldCyrus(t);
  if (old === undefined) return;
  const there = await old.client('anna');
  let count = 0;
  const append = async (folder: string, content: Buffer, flags: string[]) => {
    const date = new Date(1_500_000_000_000 + count * 3_600_000);
    count += 1;
    await there.append(folder, content, flags, date).catch((error: Error & { responseText?: string }) => {
      // Cyrus takes no NUL and no header without a field.
      assert.match(`${error.responseText}`, /NUL|header|newlines/i);
      count -= 1;
    });
  };
  for (const { bytes } of corpus()) await append('INBOX', bytes, count % 2 === 0 ? ['\\Seen', 'Work'] : ['\\Flagged']);
  assert.ok(count > 100, `Cyrus took ${count} messages of the corpus`);
  for (const name of NAMES) {
    await there.mailboxCreate(`INBOX.${name}`);
    for (let index = 0; index < 2; index += 1)
      await append(`INBOX.${name}`, plain(`${name} ${index}`), ['\\Answered', '\\Deleted']);
  }
  const office = await trialOffice(t);
  const anna = `anna@127.0.0.1`;

  const report = await moveIn(
    office,
    `imap://${anna}:${old.imap}`,
    '--uidl-from',
    `pop3://${anna}:${old.pop3}`,
    '--uidl-format',
    'cyrus',
  );

  assert.equal(report.brought.messages, count);
  assert.deepEqual(report.skipped, []);
  const before = await contentsOf(there);
  const names = Object.fromEntries([...before.keys()].map((name) => [name, hereName(name)]));
  assert.deepEqual(filled(await contentsHere(office)), filled(named(before, names)));
  const again = await moveIn(office, `imap://${anna}:${old.imap}`);
  assert.equal(again.brought.messages, 0);
  // Its ids were proven against its POP3 service; ours gives the same.
  assert.deepEqual(
    await pop3Ids(office.port('pop3'), office.address('anna'), PASSWORD),
    await pop3Ids(old.pop3, 'anna', OLD_PASSWORD),
  );
});

function hereName(name: string): string {
  return name === 'INBOX' ? name : name.slice('INBOX.'.length).replaceAll('.', '/');
}
