/** The pure parts of moving in: names, keys, notes, addresses, lists, ids. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, Vanished } from '../../src/migrate/differences.ts';
import { localPaths } from '../../src/migrate/folder-names.ts';
import { folderOf, groupOf, HeaderHash, hashHeader, keyOf, noteOf, parseNote } from '../../src/migrate/origin.ts';
import { parsePeople } from '../../src/migrate/people.ts';
import type { SourceMessage } from '../../src/migrate/source.ts';
import { parseSourceUrl } from '../../src/migrate/source-url.ts';
import { matchBySize, uidlFormat } from '../../src/migrate/uidl.ts';
import type { MailboxId, Uid } from '../../src/store/ids.ts';
import type { Role } from '../../src/store/types.ts';
import fc from '../helpers/properties.ts';

const ROLES = new Map<Role, string>([
  ['inbox', 'INBOX'],
  ['sent', 'Sent'],
  ['trash', 'Trash'],
]);
const folder = (name: string, delimiter = '/', role: Role | null = null) => ({ name, delimiter, role });

test('folders get the path they have, whatever the delimiter and the prefix', () => {
  const paths = localPaths(
    [
      folder('INBOX', '.', 'inbox'),
      folder('INBOX.Clients', '.'),
      folder('INBOX.Clients.Miller/Sons', '.'),
      folder('INBOX.Gesendet', '.', 'sent'),
      folder('INBOX.Gesendet.2019', '.'),
      folder('INBOX.Sent', '.'),
    ],
    'INBOX.',
    ROLES,
  );
  assert.deepEqual(Object.fromEntries(paths), {
    INBOX: 'INBOX',
    'INBOX.Clients': 'Clients',
    'INBOX.Clients.Miller/Sons': 'Clients/Miller∕Sons',
    'INBOX.Gesendet': 'Sent',
    'INBOX.Gesendet.2019': 'Sent/2019',
    'INBOX.Sent': 'Sent (2)',
  });
  const below = localPaths(
    [folder('INBOX', '/', 'inbox'), folder('INBOX/below'), folder('~x'), folder('a//b')],
    '',
    ROLES,
  );
  assert.deepEqual([...below.values()].sort(), ['INBOX', 'INBOX/below', 'a/_/b', '~x']);
});

test('every folder has a path of its own that can be one here, the same each time', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 30 }), fc.constantFrom('/', '.', '^', ''), (names, delimiter) => {
      const folders = names.map((each) => folder(each, delimiter));
      const paths = localPaths(folders, '', ROLES);
      assert.equal(new Set(paths.values()).size, names.length);
      for (const path of paths.values()) {
        assert.ok(path.isWellFormed() && path === path.normalize('NFC'));
        for (const part of path.split('/'))
          assert.ok(part !== '' && !/[\p{Cc}\u2028\u2029]/u.test(part), JSON.stringify(path));
      }
      assert.deepEqual(localPaths([...folders].reverse(), '', ROLES), paths);
    }),
  );
});

const message = fc.record({
  id: fc.string({ minLength: 1 }).filter((id) => id.isWellFormed()),
  sizeBytes: fc.nat(),
  received: fc.option(fc.nat()),
  flags: fc.uniqueArray(fc.stringMatching(/^[\\$]?[A-Za-z0-9_.-]+$/)).map((flags) => flags.sort()),
});

test('keys and notes give back what they were made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), message, fc.stringMatching(/^[0-9a-f]{16}$/), (name, source, header) => {
      assert.equal(folderOf(groupOf(name)), name.toWellFormed());
      assert.ok(keyOf(name, '7', source.id).startsWith(`${groupOf(name)};`));
      const { sizeBytes, received, flags } = source;
      assert.deepEqual(parseNote(noteOf(source, header)), { sizeBytes, received, flags, header });
    }),
  );
});

test('the hash of a header is the same with and without its empty line, of the message, and in any pieces', () => {
  const content = 'From: a\r\nSubject: b\r\n c\r\n\r\nbody\r\n\r\nmore';
  const whole = hashHeader(Buffer.from(content));
  assert.equal(hashHeader(Buffer.from('From: a\r\nSubject: b\r\n c\r\n')), whole);
  assert.equal(hashHeader(Buffer.from('From: a\r\nSubject: b\r\n c\r\n\r\n')), whole);
  assert.notEqual(hashHeader(Buffer.from('From: a\r\nSubject: b\r\n')), whole);
  assert.equal(hashHeader(Buffer.from('\r\nbody')), hashHeader(Buffer.from('')));
  for (let cut = 0; cut < content.length; cut += 1) {
    const hash = new HeaderHash();
    hash.push(Buffer.from(content.slice(0, cut)));
    hash.push(Buffer.from(content.slice(cut)));
    assert.equal(hash.digest(), whole, `cut at ${cut}`);
  }
});

const there = (id: string, sizeBytes: number, flags: string[] = []): SourceMessage => ({
  id,
  sizeBytes,
  received: 1,
  flags,
});
const broughtFrom = (name: string, source: SourceMessage, header = '0'.repeat(16)) => ({
  source: 's',
  key: keyOf(name, '7', source.id),
  note: noteOf(source, header),
  mailbox: 1 as MailboxId,
  uid: 1 as Uid,
});

test('what is new, gone and changed at the source is found, and nothing else', () => {
  const brought = [broughtFrom('A', there('1', 10, ['\\Seen'])), broughtFrom('A', there('2', 20))];
  const listing = { generation: '7', messages: [there('1', 10, ['Work']), there('3', 30)], complete: true };
  const { fresh, vanished, changed } = differences('A', listing, brought);
  assert.deepEqual(
    fresh.map(({ id }) => id),
    ['3'],
  );
  assert.deepEqual(
    vanished.map(({ key }) => key),
    [brought[1]!.key],
  );
  assert.deepEqual(
    changed.map(({ added, removed }) => [added, removed]),
    [[['Work'], ['\\Seen']]],
  );
});

test('a message that vanished is taken once, by one of the same size, date and header, from its own folder first', () => {
  const header = 'a'.repeat(16);
  const vanished = new Vanished();
  const [inA, inB] = [broughtFrom('A', there('1', 10), header), broughtFrom('B', there('1', 10), header)];
  vanished.add([inA, inB]);
  assert.equal(vanished.mayHold(there('9', 11)), false);
  assert.equal(vanished.take(there('9', 10), 'b'.repeat(16), groupOf('B')), undefined);
  assert.equal(vanished.take(there('9', 10), header, groupOf('B')), inB);
  assert.equal(vanished.take(there('8', 10), header, groupOf('B')), inA);
  assert.equal(vanished.take(there('7', 10), header, groupOf('B')), undefined);
  assert.deepEqual(vanished.rest(), []);
});

test('ids of POP3 are worked out as servers do', () => {
  assert.equal(uidlFormat('dovecot')(26, 0x6b03ddb0), '0000001a6b03ddb0');
  assert.equal(uidlFormat('cyrus')(26, 1234), '1234.26');
  assert.equal(uidlFormat('%u-%v')(1, 2), '1-2');
  for (const wrong of ['courier', '%v', '%f', '%u%m', '']) assert.throws(() => uidlFormat(wrong), /no format/);
});

test('INBOX and maildrop are matched by order and size, or by what is alone of its size', () => {
  const imap = [there('1', 10), there('2', 20), there('3', 10)];
  const aligned = matchBySize(imap, [there('a', 10), there('b', 20), there('c', 10)]);
  assert.deepEqual(
    aligned.sure.map((pair) => pair.pop3.id),
    ['a', 'b', 'c'],
  );
  assert.equal(aligned.samples.length, 2, 'those of one size are proven');
  const mixed = matchBySize(imap, [there('c', 10), there('b', 20)]);
  assert.deepEqual(
    mixed.sure.map((pair) => [pair.imap.id, pair.pop3.id]),
    [['2', 'b']],
  );
  assert.deepEqual([mixed.unsure.imap.length, mixed.unsure.pop3.length], [2, 1]);
});

test('addresses of sources', () => {
  assert.deepEqual(parseSourceUrl('imap://anna@example.org@Old.Example'), {
    protocol: 'imap',
    security: 'starttls',
    host: 'old.example',
    port: 143,
    user: 'anna@example.org',
  });
  assert.deepEqual(parseSourceUrl('pop3s://[2001:db8::1]:1995/'), {
    protocol: 'pop3',
    security: 'tls',
    host: '2001:db8::1',
    port: 1995,
  });
  assert.equal(parseSourceUrl('imaps://o%27neil%2B1@h').user, "o'neil+1");
  for (const wrong of ['old.example', 'http://x', 'imap://', 'imap://a:secret@h', 'imap://h:0', 'imap://h:70000'])
    assert.throws(
      () => parseSourceUrl(wrong),
      (error: Error) => !error.message.includes('secret'),
    );
});

test('lists of people', () => {
  assert.deepEqual(parsePeople('\ufeffaccount,user,password\nanna@a.org,anna,"se,cret"\nben@a.org\n'), [
    { account: 'anna@a.org', user: 'anna', password: 'se,cret' },
    { account: 'ben@a.org', user: 'ben@a.org' },
  ]);
  assert.throws(() => parsePeople('account,user,password\n'), /empty/);
  assert.throws(
    () => parsePeople('a@b,c,"secret'),
    (error: Error) => !error.message.includes('secret'),
  );
});
