/** The messages of test/corpus, broken and odd, through a running server: in over LMTP and APPEND, out over IMAP and POP3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { analyse } from '../../src/message/analyser.ts';
import type { Part } from '../../src/message/analysis.ts';
import { section } from '../../src/message/sections.ts';
import { corpus } from '../message/corpus.ts';
import { searchableText } from '../message/searchable-text.ts';
import { clientOffice } from './client.ts';
import { connect } from './imap-client.ts';
import { withoutTrace } from './odd-messages.ts';

/** As LMTP can bring them: without NUL, which is refused, and with an end of the last line. */
const CORPUS = corpus().map(({ name, bytes }) => {
  const content = bytes.toString('latin1').replaceAll('\0', '');
  return { name, content: content.endsWith('\r\n') ? content : `${content}\r\n` };
});

test('every message of the corpus comes back byte for byte, whole, in all its sections, and by its words', async (t) => {
  const { office, home } = await clientOffice(t);
  const [laptop] = office.devices('anna', ['laptop']);
  const imap = await connect(t, office, home, 'imap', { starttls: false });

  for (const { content } of CORPUS) await office.deliver({ to: 'anna', raw: Buffer.from(content, 'latin1') });
  for (const { content } of CORPUS) await imap.append('Archive', Buffer.from(content, 'latin1'));

  await imap.mailboxOpen('INBOX');
  const delivered = await sources(imap);
  assertSame(delivered.map(withoutTrace));
  assert.deepEqual(await laptop.pop3((session) => session.all()), delivered);

  await imap.mailboxOpen('Archive');
  assertSame(await sources(imap));
  for (const [index, { name, content }] of CORPUS.entries()) {
    const uid = index + 1;
    await assertSections(imap, uid, Buffer.from(content, 'latin1'), name);
    await assertFound(imap, uid, Buffer.from(content, 'latin1'), name);
  }
});

test('every item of FETCH can be had of every message of the corpus', async (t) => {
  const { office } = await clientOffice(t);
  const [laptop] = office.devices('anna', ['laptop']);
  await laptop.imap(async (session) => {
    for (const { content } of CORPUS) await session.append('INBOX', content);
    for (const items of [
      '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE MODSEQ EMAILID THREADID)',
      '(RFC822.HEADER RFC822.TEXT BODY.PEEK[HEADER.FIELDS.NOT (Subject)] BODY.PEEK[TEXT]<5.100>)',
      'ALL',
      'FULL',
    ]) {
      const { untagged } = await session.command(`FETCH 1:* ${items}`);
      // Once, or again with the \Seen that some items set.
      const answered = new Set(untagged.map((line) => /^(\d+) FETCH \(/.exec(line)?.[1]));
      answered.delete(undefined);
      assert.equal(answered.size, CORPUS.length, items);
    }
    for (const number of CORPUS.keys()) {
      const { text } = await session.try(`FETCH ${number + 1} (BINARY.SIZE[1] BINARY.PEEK[1])`);
      assert.match(text, /^OK|^NO \[UNKNOWN-CTE\]/);
    }
  });
});

/** Whole messages, in order, a character for each byte. */
async function sources(imap: ImapFlow): Promise<string[]> {
  const messages = await imap.fetchAll('1:*', { source: true, envelope: true, bodyStructure: true });
  return messages.map(({ source }) => source!.toString('latin1'));
}

function assertSame(contents: readonly string[]): void {
  assert.equal(contents.length, CORPUS.length);
  for (const [index, { name, content }] of CORPUS.entries()) assert.equal(contents[index], content, name);
}

/** Fetches every section that the structure has, and compares it with what stands there. */
async function assertSections(imap: ImapFlow, uid: number, bytes: Buffer, name: string): Promise<void> {
  const { root } = analyse(bytes);
  const wanted = new Map<string, Buffer>();
  for (const path of [[], ...paths(root, [])]) {
    for (const spec of ['HEADER', 'TEXT', 'MIME', ''] as const) {
      const range = path.length === 0 && spec === '' ? null : section(root, path, spec);
      const key = [...path, ...(spec === '' ? [] : [spec])].join('.').toLowerCase();
      if (range !== null) wanted.set(key, bytes.subarray(range.from, range.to));
    }
  }
  const message = await imap.fetchOne(String(uid), { bodyParts: [...wanted.keys()] }, { uid: true });
  assert.ok(message);
  for (const [key, expected] of wanted) {
    const fetched: Buffer | undefined = key === 'header' ? message.headers : message.bodyParts!.get(key);
    assert.equal(fetched?.toString('latin1'), expected.toString('latin1'), `${name} [${key}]`);
  }
}

/** Numbers of every part of a message or multipart, as IMAP counts them (RFC 9051 6.4.5.1). */
function paths(whole: Part, above: readonly number[]): number[][] {
  const parts = whole.type === 'multipart' ? (whole.parts ?? []) : [whole];
  return parts.flatMap((part, index) => {
    const path = [...above, index + 1];
    const below = part.type === 'multipart' ? part : part.parts?.[0];
    return below === undefined ? [path] : [path, ...paths(below, path)];
  });
}

/** Finds the message by the longest word in it. */
async function assertFound(imap: ImapFlow, uid: number, bytes: Buffer, name: string): Promise<void> {
  const { root } = analyse(bytes);
  const words = [...searchableText(bytes, root, 'text')].join('\n').match(/\w{4,60}/g) ?? [];
  const longest = words.reduce((one, other) => (other.length > one.length ? other : one), '');
  if (longest === '') return;
  const found = await imap.search({ uid: String(uid), text: longest }, { uid: true });
  assert.deepEqual(found, [uid], `${name}: ${longest}`);
}
