/** `rainmail account import`: what it tells a person, and that no secret is in it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyFolder } from '../helpers/folder.ts';
import { rainmail, trialOffice } from '../helpers/office.ts';

const SHA = '{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE='; // secret
const USERS = `anna@office.test:${SHA}:5000:5000:Anna Lee:/srv/mail/anna::
ben:${SHA}::::/srv/mail/ben::nologin
carl:{DES-CRYPT}abJnggxhB/yWI::::/srv/mail/carl::
dora::::::/srv/mail/dora::
`;

test('a file is tried first, then taken, then found taken; each of its faults is told by line', async (t) => {
  const office = await trialOffice(t, { people: ['eva'] });
  const file = join(await emptyFolder(t), 'users');
  await writeFile(file, USERS);
  const run = (...more: string[]) =>
    rainmail(['account', 'import', file, '--domain', 'office.test', '--data', office.data, ...more]);
  const faults = [
    '2 rows could not be taken:',
    `${file}:3: carl: Hashes of the scheme DES-CRYPT can't be taken. Leave the hash out and give a new password instead.`,
    `${file}:4: dora: There is no password and no hash: one of them is needed for a new account.`,
    '',
  ];
  const checked = await run('--check');
  assert.equal(checked.stdout, ['Would add 2 accounts.', ...faults].join('\n'));
  assert.equal(checked.code, 1);
  assert.equal(((await office.command('account', 'list')) as unknown[]).length, 1);

  const taken = await run();
  assert.equal(taken.stdout, ['Added 2 accounts.', ...faults].join('\n'));
  const again = await run();
  const left = 'Left 2 accounts alone that are there already (--update brings them up to date).';
  assert.equal(again.stdout, ['Added 0 accounts.', left, ...faults].join('\n'));
  const updated = JSON.parse((await run('--update', '--json')).stdout);
  assert.deepEqual([updated.added, updated.updated, updated.refused], [0, 2, 2]);
  const accounts = (await office.command('account', 'list')) as { address: string; name: string; state: string }[];
  assert.deepEqual(
    accounts.map(({ address, name, state }) => [address, name, state]),
    [
      ['anna@office.test', 'Anna Lee', 'active'],
      ['ben@office.test', '', 'suspended'],
      ['eva@office.test', 'eva', 'active'],
    ],
  );
  assert.doesNotMatch(office.log, /VBPuJHI7|abJnggxhB/);
});

test('what can not be read, or is not UTF-8, is said', async (t) => {
  const folder = await emptyFolder(t);
  const file = join(folder, 'people.csv');
  await writeFile(file, Buffer.from('j\xf6rg@office.test,pencil\n', 'latin1'));
  const data = ['--data', join(folder, 'data')];
  const latin = await rainmail(['account', 'import', file, ...data]);
  assert.equal(latin.code, 1);
  assert.match(latin.stderr, /is not UTF-8\. Save it as "CSV UTF-8".*\n {2}\(import\.unreadable\)/);
  const missing = await rainmail(['account', 'import', join(folder, 'nothing'), ...data]);
  assert.match(missing.stderr, /can't be read \(ENOENT\)\.\n {2}\(import\.unreadable\)/);
  const format = await rainmail(['account', 'import', file, '--format', 'ldif', ...data]);
  assert.equal(format.code, 2);
});
