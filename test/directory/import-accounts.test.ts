import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Directory } from '../../src/directory/directory.ts';
import { importAccounts } from '../../src/directory/import-accounts.ts';
import { Refused } from '../../src/errors.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { all, openOffice } from './office.ts';

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

const importText = (directory: Directory, text: string | Buffer, size = 65_536) =>
  importAccounts(directory.by('the test'), chunks(Buffer.from(text), size));

const names = async (directory: Directory) => (await all(directory.accounts())).map(({ name }) => name);

test('accounts, their domains and groups come from a file, with or without a header', async (t) => {
  const { directory } = await openOffice(t, { domains: [] });
  const first = await importText(directory, 'anna@office.test,pencil,Anna Weber,sales\nben@shop.test,pencil\n');
  const second = await importText(
    directory,
    '\ufeffPassword, Name ,Address,Phone\r\npencil,Carl,carl@office.test,123\r\n\r\npencil,Dora,dora@office.test,\r\n',
  );
  assert.deepEqual(
    [first, second],
    [
      { added: 2, refused: 0, problems: [] },
      { added: 2, refused: 0, problems: [] },
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

test('quoted fields hold commas, quotes and spaces, whatever the pieces the file comes in', async (t) => {
  const { directory } = await openOffice(t);
  const file = 'anna@office.test," p,""w ","Weber, Anna","sales, north"\njörg@office.test,passwörd,Jörg,\n';
  assert.deepEqual(await importText(directory, file, 1), { added: 2, refused: 0, problems: [] });
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
  const { added, refused, problems } = await importText(directory, file);
  assert.equal(added, 2);
  assert.equal(refused, problems.length);
  const told = problems.map(({ line, address }) => [line, address]);
  for (const expected of [
    [2, 'anna@office.test'],
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
  const { added, refused } = await importText(directory, file);
  assert.deepEqual({ added, refused }, { added: 0, refused: 2 });
});

test('a file that is not UTF-8 is refused with what to do', async (t) => {
  const { directory } = await openOffice(t);
  await assert.rejects(
    importText(directory, Buffer.from('j\u00f6rg@office.test,pencil\n', 'latin1')),
    (error) => error instanceof Refused && error.code === 'directory.invalid' && /UTF-8/.test(error.message),
  );
});

test('an import tells how far it is, and an empty file is nothing', async (t) => {
  const { directory } = await openOffice(t);
  const done: number[] = [];
  const rows = Buffer.from('anna@office.test,pencil\nbad,row\nben@office.test,pencil\n');
  await importAccounts(directory.by('the test'), chunks(rows, 10), (count) => done.push(count));
  assert.deepEqual(done, [1, 2, 3]);
  assert.deepEqual(await importText(directory, ''), { added: 0, refused: 0, problems: [] });
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
