/** What IMAP does about messages whose stored bytes have changed on disk. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ImapOffice, imapOffice, message } from '../imap-office.ts';

/** Changes one byte of the stored text behind the server's back. */
async function damage(office: ImapOffice, text: string): Promise<void> {
  const folder = join(office.folder, 'segments');
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes[at]! ^= 1;
    await writeFile(join(folder, name), bytes);
    return;
  }
  assert.fail(`no segment holds ${text}`);
}

test('a damaged message is left out, the others are given, and the command ends NO', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  for (const word of ['first', 'second', 'third']) await client.append(message({ Subject: word }, `${word} text`));
  await client.ok('NOOP');
  await damage(office, 'second text');

  const { untagged, tagged } = await client.command('FETCH 1:3 (UID BODY[TEXT])');
  assert.deepEqual(
    untagged.filter((line) => line.includes('BODY')),
    ['* 1 FETCH (UID 1 BODY[TEXT] {12}\r\nfirst text\r\n)', '* 3 FETCH (UID 3 BODY[TEXT] {12}\r\nthird text\r\n)'],
  );
  assert.match(tagged, /^NO /);
  assert.deepEqual(await client.ok('SEARCH SEEN'), ['* SEARCH 1 3'], 'what was not given was not read');
  assert.deepEqual(await client.ok('FETCH 2 RFC822.SIZE'), ['* 2 FETCH (RFC822.SIZE 32)']);
  const { untagged: found, tagged: said } = await client.command('SEARCH BODY text');
  assert.deepEqual(found, ['* SEARCH 1 3']);
  assert.match(said, /^OK .*could not be read/);
});

test('a large message found damaged at its end leaves the session in step', async (t) => {
  const office = await imapOffice(t);
  const client = await office.inbox();
  const text = message({ Subject: 'large' }, `${'x'.repeat(2 << 20)} the end`);
  await client.append(text);
  await client.ok('NOOP');
  await damage(office, ' the end');

  const { untagged, tagged } = await client.command('FETCH 1 BODY.PEEK[]');
  assert.ok(untagged[0]!.startsWith(`* 1 FETCH (BODY[] {${text.length}}\r\n`) && untagged[0]!.endsWith('\r\n)'));
  assert.match(tagged, /^NO /);
  await client.ok('NOOP');
});
