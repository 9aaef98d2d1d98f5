/** Files of people as other servers keep them. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatOf, type PeopleFile, peopleOf } from '../../src/directory/people/file.ts';
import type { FileRow } from '../../src/directory/people/person.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output } from '../helpers/office.ts';
import fc from '../helpers/properties.ts';
import { needsTool } from '../helpers/tools.ts';
import { all } from './office.ts';

const SHA = '{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE='; // secret
const KEPT = '{SSHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=';

const rows = (text: string, file: Partial<PeopleFile> = {}) => all(peopleOf({ text, ...file }, () => {}));

/** What each row came to, in short. */
async function told(text: string, file: Partial<PeopleFile> = {}): Promise<unknown[]> {
  return (await rows(text, file)).map((row: FileRow) => {
    if ('skipped' in row) return [row.line, 'skipped'];
    if ('problem' in row) return [row.line, row.problem];
    const { address, secret, groups: _groups, aliases: _aliases, ...rest } = row.person;
    const kept = secret === null ? null : secret.kind === 'hash' ? secret.hash : `password ${secret.password}`;
    return [row.line, address, kept, rest];
  });
}

test("Dovecot's passwd-file, with all its fields and with few", async () => {
  const file = [
    '# our people',
    `anna@office.test:${SHA}:5000:5000:Anna Lee,Room 7:/srv/mail/anna:/bin/false:userdb_quota_rule=*:storage=2G userdb_mail=maildir:~/Maildir`,
    '',
    `ben:${SHA}::::::userdb_quota_rule=*:storage=512 nologin`,
    'carl:{PLAIN}open sesame:5000:5000::/home/carl::nologin=no userdb_quota_storage_size=1M',
    `dora:${SHA}\r`,
    'emil:x:5000:5000::/home/emil:',
    'fritz:{DES-CRYPT}abJnggxhB/yWI:5000:5000::/home/fritz:',
    `gina@shop.test:${SHA}::::::userdb_quota_rule=*:bytes=0`,
  ].join('\n');
  assert.equal(formatOf(file), 'dovecot');
  assert.deepEqual(await told(file, { domain: 'office.test' }), [
    [2, 'anna@office.test', KEPT, { displayName: 'Anna Lee', quotaBytes: 2 * 2 ** 30 }],
    [4, 'ben@office.test', KEPT, { quotaBytes: 512 * 1024, state: 'suspended' }],
    [5, 'carl@office.test', 'password open sesame', { quotaBytes: 2 ** 20 }],
    [6, 'dora@office.test', KEPT, {}],
    [7, 'emil@office.test', null, {}],
    [8, "Hashes of the scheme DES-CRYPT can't be taken. Leave the hash out and give a new password instead."],
    [9, 'gina@shop.test', KEPT, { quotaBytes: null }],
  ]);
});

test('a shadow file, with the names of its passwd file; the accounts of the system are left out', async () => {
  const hash = '$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g.';
  const shadow = [
    'root:*:19000:0:99999:7:::',
    'daemon:!:19000:0:99999:7:::',
    `anna:${hash}:19000:0:99999:7:::`,
    `ben:!${hash}:19000:0:99999:7:::`,
    `backup:${hash}:19000:0:99999:7:::`,
    'nobody:!*:19000:0:99999:7:::',
    'carl:$y$j9T$Jn2GIQbAsjr3uFkWwBtZw.$jjwW4UbN58ffrWcYOlzhicLrfEhPpPUM9/eJSHpduHC:19000:0:99999:7:::',
  ].join('\n');
  const passwd = [
    'root:x:0:0:root:/root:/bin/bash',
    'anna:x:1000:1000:Anna Lee,,,:/home/anna:/bin/bash',
    'ben:x:1001:1001::/home/ben:/bin/bash',
    'backup:x:34:34:backup:/var/backups:/usr/sbin/nologin',
    'carl:x:1002:1002:Carl,,,:/home/carl:/bin/bash',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ].join('\n');
  assert.equal(formatOf(shadow), 'shadow');
  assert.deepEqual(await told(shadow, { domain: 'office.test', passwd }), [
    [1, 'skipped'],
    [2, 'skipped'],
    [3, 'anna@office.test', hash, { displayName: 'Anna Lee' }],
    [4, 'ben@office.test', hash, { state: 'suspended' }],
    [5, 'skipped'],
    [6, 'skipped'],
    [7, "Hashes of yescrypt and scrypt can't be taken. Leave the hash out and give a new password instead."],
  ]);
});

test("Courier's userdb", async () => {
  const file = [
    `anna@office.test\thome=/home/vmail/anna|mail=/home/vmail/anna/Maildir|uid=1000|imappw=${SHA}|systempw={SHA}no|gecos=Anna Lee`,
    `ben\tsystempw=${SHA}`,
    'carl\thome=/home/carl',
  ].join('\n');
  assert.equal(formatOf(file), 'courier');
  assert.deepEqual(await told(file, { domain: 'office.test' }), [
    [1, 'anna@office.test', KEPT, { displayName: 'Anna Lee' }],
    [2, 'ben@office.test', KEPT, {}],
    [3, 'carl@office.test', null, {}],
  ]);
});

test('a name without a domain says what is missing', async () => {
  for (const file of [`anna:${SHA}`, `anna\tpw=${SHA}`, 'address,hash\nanna,{SHA}x']) {
    const [row] = await rows(file);
    assert.match(row !== undefined && 'problem' in row ? row.problem : '', /no domain.*--domain example\.org/);
  }
});

test('the format shows in the first line, whatever the hashes hold', () => {
  const argon = '$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g';
  for (const [line, format] of [
    ['address,password', 'csv'],
    ['anna@office.test,pass:word', 'csv'],
    ['"anna@office.test","x"', 'csv'],
    ['anna@office.test', 'csv'],
    [`anna@office.test:${argon}`, 'htpasswd'],
    [`anna@office.test:{ARGON2ID}${argon}:::::`, 'dovecot'],
    ['anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash', 'dovecot'],
    ['anna:*:19000:0:99999:7:::', 'shadow'],
    ['anna\tpw=x|home=/', 'courier'],
  ] as const) {
    assert.equal(formatOf(`# people\n\n${line}\n`), format, line);
  }
});

test('htpasswd files are read as htpasswd writes them', async (t) => {
  const htpasswd = needsTool(t, 'htpasswd');
  if (htpasswd === undefined) return;
  const folder = join(await emptyFolder(t), 'web');
  await mkdir(folder);
  const file = join(folder, 'people');
  await writeFile(file, '');
  for (const [kind, name] of [
    ['-m', 'anna@office.test'],
    ['-B', 'ben@office.test'],
    ['-s', 'carl@office.test'],
  ] as const) {
    await output(htpasswd, ['-b', kind, file, name, 'pencil']);
  }
  const text = await output('cat', [file]);
  assert.equal(formatOf(text), 'htpasswd');
  const people = await rows(text);
  assert.deepEqual(
    people.map((row) => 'person' in row && [row.address, row.person.secret?.kind]),
    [
      ['anna@office.test', 'hash'],
      ['ben@office.test', 'hash'],
      ['carl@office.test', 'hash'],
    ],
  );
});

test('a line that has no separator is not repeated: it may be a password', async () => {
  for (const format of ['dovecot', 'shadow', 'courier'] as const) {
    const told = await rows('my secret words', { format, domain: 'office.test' });
    assert.deepEqual(
      told.map((row) => 'problem' in row && [row.line, row.address]),
      [[1, '']],
    );
    assert.doesNotMatch(JSON.stringify(told), /secret/);
  }
});

test('any text is rows, each with its line and without a fault of ours', async () => {
  const piece = fc.oneof(
    fc.constantFrom(':', ',', '\t', '\n', '"', '|', '=', '#', '{SHA}', '$6$', 'anna@office.test'),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 30 }),
      fc.constantFrom(undefined, 'csv', 'dovecot', 'htpasswd', 'shadow', 'courier'),
      async (pieces, format) => {
        const text = pieces.join('');
        const last = text.split('\n').length + 1;
        for (const { line } of await rows(text, { format, domain: 'office.test' }))
          assert.ok(line >= 0 && line <= last);
      },
    ),
  );
});
