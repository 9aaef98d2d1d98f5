import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { PasswordAuthenticator } from '../../src/auth/authenticator.ts';
import { Directory } from '../../src/directory/directory.ts';
import { type ImportOptions, type ImportReport, importAccounts } from '../../src/directory/import-accounts.ts';
import type { PeopleFile } from '../../src/directory/people/file.ts';
import { Refused } from '../../src/errors.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { all, openOffice, PASSWORD } from './office.ts';

const importText = (directory: Directory, text: string, options: ImportOptions = {}, file: Partial<PeopleFile> = {}) =>
  importAccounts(directory.by('the test'), { text, ...file }, options);

const NOTHING: ImportReport = {
  added: 0,
  updated: 0,
  there: 0,
  skipped: 0,
  refused: 0,
  problems: [],
  unknownColumns: [],
  interrupted: false,
};

/** As OpenLDAP and Dovecot write it. */
function ssha256(password: string, salt: string): string {
  return Buffer.concat([
    createHash('sha256')
      .update(password + salt)
      .digest(),
    Buffer.from(salt),
  ]).toString('base64');
}

const names = async (directory: Directory) => (await all(directory.accounts())).map(({ name }) => name);

test('accounts, their domains and groups come from a file, with or without a header', async (t) => {
  const { directory } = await openOffice(t, { domains: [] });
  const first = await importText(directory, 'anna@office.test,pencil,Anna Weber,sales\nben@shop.test,pencil\n');
  const second = await importText(
    directory,
    'Password, Name ,Address,Phone\r\npencil,Carl,carl@office.test,123\r\n\r\npencil,Dora,dora@office.test,\r\n',
  );
  assert.deepEqual(
    [first, second],
    [
      { ...NOTHING, added: 2 },
      { ...NOTHING, added: 2, unknownColumns: ['phone'] },
    ],
  );
  assert.deepEqual(await directory.domains(), ['office.test', 'shop.test']);
  assert.deepEqual(
    (await all(directory.accounts())).map(({ name, displayName }) => [name, displayName]),
    [
      ['anna@office.test', 'Anna Weber'],
      ['ben@shop.test', ''],
      ['carl@office.test', 'Carl'],
      ['dora@office.test', 'Dora'],
    ],
  );
});

test('quoted fields hold commas, quotes and spaces', async (t) => {
  const { directory } = await openOffice(t);
  const file = 'anna@office.test," p,""w ","Weber, Anna","sales, north"\njörg@office.test,passwörd,Jörg,\n';
  assert.deepEqual(await importText(directory, file), { ...NOTHING, added: 2 });
  assert.equal((await directory.account('anna@office.test')).displayName, 'Weber, Anna');
  assert.deepEqual(await names(directory), ['anna@office.test', 'jörg@office.test']);
});

test('rows that can not be taken are told by line, and the others go in', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const file = [
    'address,password,name,group',
    'anna@office.test,pencil,,', // there already
    'no address,pencil,,',
    'ben@office.test,,,', // no password
    'carl@office.test,pencil,Carl,',
    'carl@office.test,pencil,Carl again,',
    'dora@office.test', // no password either
    'emil@office.test,pen"cil,,',
    'fritz@office.test,"pencil"x,,',
    'gina@office.test,"two',
    'lines",,',
    `hanna@office.test,${'x'.repeat(2_000)},,`,
    'ida@office.test,pencil,Ida,',
  ].join('\n');
  const { added, there, refused, problems } = await importText(directory, file);
  assert.equal(added, 2);
  assert.equal(there, 1);
  assert.equal(refused, problems.length);
  const told = problems.map(({ line, address }) => [line, address]);
  for (const expected of [
    [3, 'no address'],
    [4, 'ben@office.test'],
    [6, 'carl@office.test'],
    [7, 'dora@office.test'],
    [8, ''],
    [9, ''],
    [12, 'hanna@office.test'],
  ]) {
    assert.ok(
      told.some((one) => String(one) === String(expected)),
      `${expected} in ${JSON.stringify(told)}`,
    );
  }
  assert.doesNotMatch(JSON.stringify(problems), /pencil|pen"cil|xxxx/);
  assert.deepEqual(await names(directory), ['anna@office.test', 'carl@office.test', 'ida@office.test']);
});

test('the same file again changes nothing', async (t) => {
  const { directory } = await openOffice(t);
  const file = 'anna@office.test,pencil\nben@office.test,pencil\n';
  await importText(directory, file);
  const before = await all(directory.audit());
  assert.deepEqual(await importText(directory, file), { ...NOTHING, there: 2 });
  assert.deepEqual(await all(directory.audit()), before);
});

test('an import tells how far it is, and an empty file is nothing', async (t) => {
  const { directory } = await openOffice(t);
  const done: string[] = [];
  const rows = 'anna@office.test,pencil\nbad,row\nben@office.test,pencil\n';
  await importText(directory, rows, { progress: (count, total) => done.push(`${count} of ${total}`) });
  assert.deepEqual(done, ['1 of 3', '2 of 3', '3 of 3']);
  assert.deepEqual(await importText(directory, ''), NOTHING);
});

test('a disk that is full ends the import: it is not the fault of the rows', async (t) => {
  const { engine } = await openOffice(t);
  let writes = 2; // opening the directory, and one row
  const filling: Engine = {
    read: (operation, account) => engine.read(operation, account),
    writeInWorker: (...operation) => engine.writeInWorker(...operation),
    write: (operation) => (writes-- > 0 ? engine.write(operation) : Promise.reject(new Refused('store.full', 'full'))),
  };
  const directory = await Directory.open(filling);
  const rows = Array.from({ length: 20 }, (_, row) => `name${row}@office.test,pencil\n`).join('');
  await assert.rejects(importText(directory, rows), { code: 'store.full' });
  assert.equal((await names(directory)).length, 1);
});

test('an import that was stopped goes on where it was', async (t) => {
  const { directory } = await openOffice(t);
  const rows = Array.from({ length: 30 }, (_, row) => `name${row}@office.test,pencil\n`).join('');
  const stopping = new AbortController();
  const first = await importText(directory, rows, {
    signal: stopping.signal,
    progress: (done) => done === 5 && stopping.abort(),
  });
  assert.ok(first.interrupted && first.added >= 5 && first.added < 30, JSON.stringify(first));
  const second = await importText(directory, rows);
  assert.deepEqual(second, { ...NOTHING, there: first.added, added: 30 - first.added });
});

test('all that a row may say of a person is taken', async (t) => {
  const { directory } = await openOffice(t);
  const file = [
    'address,password,name,quota,groups,aliases,state',
    'anna@office.test,pencil,Anna Lee,2GB,sales; north,info@office.test;sales@shop.test,',
    'ben@office.test,pencil,,none,sales,sales@shop.test,Suspended',
  ].join('\n');
  assert.deepEqual(await importText(directory, file), { ...NOTHING, added: 2 });
  const told = await Promise.all(['anna@office.test', 'ben@office.test'].map((name) => directory.account(name)));
  assert.deepEqual(
    told.map(({ displayName, quotaBytes, state }) => [displayName, quotaBytes, state]),
    [
      ['Anna Lee', 2 * 2 ** 30, 'active'],
      ['', null, 'suspended'],
    ],
  );
  assert.deepEqual(
    (await all(directory.aliases())).map(({ address, accounts }) => [address, accounts.toSorted().join(' ')]),
    [
      ['info@office.test', 'anna@office.test'],
      ['sales@shop.test', 'anna@office.test ben@office.test'],
    ],
  );
  assert.deepEqual(
    (await all(directory.groups())).map(({ name, members }) => [name, members]),
    [
      ['north', 1],
      ['sales', 2],
    ],
  );
});

test('a row is whole or not at all', async (t) => {
  const { directory } = await openOffice(t, { people: ['ben@office.test'] });
  const file = 'address,password,groups,aliases\nanna@office.test,pencil,sales,info@office.test;ben@office.test\n';
  const { refused, problems } = await importText(directory, file);
  assert.equal(refused, 1);
  assert.match(problems[0]!.text, /There is an account ben@office\.test already/);
  assert.deepEqual(await names(directory), ['ben@office.test']);
  assert.deepEqual([await all(directory.aliases()), await all(directory.groups())], [[], []]);
});

test('who is there is brought up to date if that is asked for; what the file does not say, stays', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const authenticator = new PasswordAuthenticator({ directory });
  const peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined } as const;
  const { password: phone } = await directory
    .by('the test')
    .appPasswords.add('anna@office.test', { label: 'Phone', protocols: null });
  const update = (file: string) => importText(directory, file, { update: true });
  assert.deepEqual(await update('address,name,quota\nanna@office.test,Anna Lee,1GB\n'), { ...NOTHING, updated: 1 });
  await authenticator.password('anna@office.test', PASSWORD, peer);
  assert.deepEqual(await update(`address,hash\nanna@office.test,{SSHA256}${ssha256('new one', 'salt')}\n`), {
    ...NOTHING,
    updated: 1,
  });
  await assert.rejects(authenticator.password('anna@office.test', PASSWORD, peer), { code: 'auth.failed' });
  await authenticator.password('anna@office.test', 'new one', peer);
  await authenticator.password('anna@office.test', phone, peer);
  const { displayName, quotaBytes } = await directory.account('anna@office.test');
  assert.deepEqual([displayName, quotaBytes], ['Anna Lee', 2 ** 30]);
  const { refused, problems } = await update('address,name\nben@office.test,Ben\n');
  assert.equal(refused, 1);
  assert.match(problems[0]!.text, /no password and no hash/);
});

test('a check says what would be done, and does nothing', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const before = [await all(directory.audit()), await all(directory.accounts()), await directory.domains()];
  const file = [
    'address,password,groups,state',
    'anna@office.test,pencil,,',
    'ben@shop.test,pencil,sales,',
    'carl@office.test,,,',
    'dora@office.test,pencil,,asleep',
  ].join('\n');
  const { added, there, refused, problems } = await importText(directory, file, { check: true });
  assert.deepEqual([added, there, refused], [1, 1, 2]);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [4, 5],
  );
  assert.deepEqual([await all(directory.audit()), await all(directory.accounts()), await directory.domains()], before);
});
