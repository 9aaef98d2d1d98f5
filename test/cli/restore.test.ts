/** Restoring by command, on a server that runs. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AccountMailRestored, BackedUpListed } from '../../src/server/admin/restore.ts';
import { deliverMany, numbered } from '../clients/client.ts';
import { InsuredOffice } from '../drill/insured-office.ts';
import { rainmail, trialOffice } from '../helpers/office.ts';

test('an administrator looks into a backup and brings mail back while the server runs', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const insured = await InsuredOffice.at(office);
  const [phone] = office.devices('anna', ['phone']);
  await deliverMany(office, 'anna', 12);
  const uidls = await phone.pop3((session) => session.uidl());
  await insured.backUp();
  await phone.imap(async (session) => {
    await session.command('STORE 1:* +FLAGS (\\Deleted)');
    await session.command('EXPUNGE');
  });
  await office.command('undelete', 'purge', 'anna@office.test', '--all', '--yes');
  await office.deliver({ to: 'anna', subject: 'After' });

  const listed = (await office.command('restore', 'list', 'anna@office.test')) as BackedUpListed;
  assert.deepEqual(listed.folders.find(({ path }) => path === 'INBOX')?.messages, 12);
  const found = (await office.command('restore', 'list', 'anna@office.test', '--query', 'letter 7')) as BackedUpListed;
  assert.deepEqual(
    found.found.map(({ subject, folder }) => ({ subject, folder })),
    [{ subject: 'Letter 7', folder: 'INBOX' }],
  );

  const restored = (await office.command('restore', 'mail', 'Anna@office.test')) as AccountMailRestored;
  assert.deepEqual([restored.restored, restored.undeleted, restored.there], [12, 0, 0]);
  assert.deepEqual((await phone.pop3((session) => session.subjects())).sort(), ['After', ...numbered(12)].sort());
  const now = await phone.pop3((session) => session.uidl());
  assert.deepEqual(
    uidls.filter((uidl) => !now.includes(uidl)),
    [],
  );

  assert.match(JSON.stringify(await office.command('audit', 'list')), /restore\.mail/);

  await office.command('account', 'rename', 'anna@office.test', 'annika@office.test');
  const renamed = (await office.command('restore', 'mail', 'annika@office.test')) as AccountMailRestored;
  assert.deepEqual([renamed.restored, renamed.there], [0, 12]);
});

test('an account that was removed comes back as itself: password, addresses, folders and mail', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  const insured = await InsuredOffice.at(office);
  const [phone] = office.devices('anna', ['phone']);
  await office.command('alias', 'add', 'sales@office.test', 'anna@office.test');
  await office.command('group', 'add', 'Sales');
  await office.command('group', 'join', 'Sales', 'anna@office.test');
  await deliverMany(office, 'anna', 12);
  await phone.imap(async (session) => {
    await session.command('CREATE Projects');
    await session.append('Projects', 'Subject: Plan\r\n\r\n', '\\Flagged');
  });
  const uidls = await phone.pop3((session) => session.uidl());
  const uidvalidity = () =>
    phone.imap(async (session) => (await session.command('STATUS INBOX (UIDVALIDITY)')).untagged);
  const before = await uidvalidity();
  await insured.backUp();
  await office.command('account', 'remove', 'anna@office.test', '--yes');
  await assert.rejects(
    phone.pop3((session) => session.uidl()),
    /-ERR/,
  );

  const restored = (await office.command('restore', 'account', 'anna@office.test')) as AccountMailRestored;
  assert.deepEqual([restored.restored, restored.there], [13, 0]);
  assert.deepEqual(await phone.pop3((session) => session.uidl()), uidls);
  assert.deepEqual(await uidvalidity(), before);
  await phone.imap(async (session) => {
    await session.command('SELECT Projects');
    assert.equal((await session.uids('FLAGGED SUBJECT Plan')).length, 1);
  });
  await office.deliver({ to: 'sales', subject: 'To the alias' });
  assert.ok((await phone.pop3((session) => session.subjects())).includes('To the alias'));
  assert.match(JSON.stringify(await office.command('group', 'show', 'Sales')), /anna@office\.test/);
  assert.deepEqual(((await office.command('verify')) as { findings: unknown[] }).findings, []);

  await assert.rejects(office.command('restore', 'account', 'anna@office.test'), /directory\.exists/);
});

test('what is asked wrongly is refused in words that say what to do', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const insured = await InsuredOffice.at(office);
  await insured.backUp();
  const refusal = async (args: readonly string[], input = '') => {
    const { code, stderr } = await rainmail([...args], { input });
    assert.equal(code, 1, stderr);
    return stderr;
  };
  const mail = ['restore', 'mail', '--data', office.data];
  assert.match(await refusal([...mail, 'anna@office.test', '--as-of', '2020-01-01']), /backup\.missing/);
  assert.match(await refusal([...mail, 'anna@office.test', '--folder', 'Nowhere']), /no folder “Nowhere”/);
  assert.match(await refusal([...mail, 'ben@office.test']), /directory\.missing/);

  const server = ['restore', 'server', '--from', insured.repository, '--data', join(office.folder, 'new')];
  assert.match(await refusal(server, 'not a key\n'), /backup\.key/);
  const wrong = `${insured.key.slice(0, -1)}${insured.key.endsWith('0') ? '1' : '0'}`;
  assert.match(await refusal(server, `${wrong}\n`), /backup\.key/);
});

test('the configuration comes back with the server, and the key may come from a file', async (t) => {
  const office = await trialOffice(t, { people: ['anna'], config: '[store]\nretention = "30d"' });
  const insured = await InsuredOffice.at(office);
  await insured.backUp();
  const key = join(office.folder, 'key.txt');
  await writeFile(key, `The key:\n\n  ${insured.key}\n`);
  const data = join(office.folder, 'new');
  const config = join(office.folder, 'new.toml');
  const { code, stdout, stderr } = await rainmail([
    ...['restore', 'server', '--from', insured.repository, '--data', data, '--key-file', key, '--config-to', config],
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Restored 1 account with 0 messages/);
  assert.match(stdout, /rainmail serve --data .*new --config .*new\.toml/);
  assert.equal(await readFile(config, 'utf8'), await readFile(office.config, 'utf8'));
});
