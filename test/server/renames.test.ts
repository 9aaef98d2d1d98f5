/** A rename changes a name and nothing else: mail programs go on where they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { renameAccount, showAccount } from '../../src/server/admin/accounts.ts';
import { addAlias } from '../../src/server/admin/aliases.ts';
import { renameDomain } from '../../src/server/admin/domains.ts';
import { addGroup, joinGroup } from '../../src/server/admin/groups.ts';
import { ImapDevice, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';

/** All that a mail program remembers of a mailbox. */
async function remembered(office: TrialOffice, name: string): Promise<unknown> {
  const imap = await ImapDevice.signIn(office.port('imap'), name, PASSWORD);
  const { untagged } = await imap.command('SELECT INBOX');
  const status = untagged.filter((line) => /UIDVALIDITY|UIDNEXT|EXISTS|MAILBOXID/.test(line));
  const fetched = (await imap.command('FETCH 1:* (UID FLAGS INTERNALDATE EMAILID)')).untagged;
  imap.close();
  const pop3 = await Pop3Device.signIn(office.port('pop3'), name, PASSWORD);
  const uidl = await pop3.uidl();
  await pop3.quit();
  return { status, fetched, uidl };
}

async function officeWithMail(t: Parameters<typeof trialOffice>[0]): Promise<TrialOffice> {
  const office = await trialOffice(t, { people: ['anna', 'ben'] });
  await perform(addAlias, { address: 'info@office.test', accounts: ['anna@office.test'] }, office);
  await perform(addGroup, { group: 'Sales', description: '', address: 'sales@office.test' }, office);
  await perform(joinGroup, { group: 'Sales', accounts: ['anna@office.test'] }, office);
  for (const to of ['anna', 'info', 'sales']) await office.deliver({ to, subject: to });
  const imap = await ImapDevice.signIn(office.port('imap'), 'anna@office.test', PASSWORD);
  await imap.command('SELECT INBOX');
  await imap.command('STORE 2 +FLAGS (\\Flagged $Important)');
  imap.close();
  return office;
}

const subjects = async (office: TrialOffice, name: string) => {
  const pop3 = await Pop3Device.signIn(office.port('pop3'), name, PASSWORD);
  const all = await pop3.subjects();
  await pop3.quit();
  return all;
};

test('an account with another address keeps its mail, UIDs, UIDLs, aliases, groups and password', async (t) => {
  const office = await officeWithMail(t);
  const before = await remembered(office, 'anna@office.test');
  const open = await ImapDevice.signIn(office.port('imap'), 'anna@office.test', PASSWORD);

  await perform(renameAccount, { address: 'anna@office.test', to: 'anna.lee@office.test', keepOld: true }, office);

  await open.command('SELECT INBOX'); // who is signed in stays so
  open.close();
  assert.deepEqual(await remembered(office, 'anna.lee@office.test'), before);
  await assert.rejects(ImapDevice.signIn(office.port('imap'), 'anna@office.test', PASSWORD), /AUTHENTICATIONFAILED/);
  const page = await perform(showAccount, { address: 'anna.lee@office.test' }, office);
  assert.deepEqual(page.aliases, ['anna@office.test', 'info@office.test']);
  assert.deepEqual(page.groups, ['Sales']);
  for (const to of ['anna', 'anna.lee', 'info', 'sales']) await office.deliver({ to, subject: `later to ${to}` });
  assert.equal((await subjects(office, 'anna.lee@office.test')).length, 7);

  // And back again: the alias that was left makes room.
  await perform(renameAccount, { address: 'anna.lee@office.test', to: 'anna@office.test', keepOld: false }, office);
  await office.deliver({ to: 'anna', subject: 'back' });
  await assert.rejects(office.deliver({ to: 'anna.lee' }), /550/);
  assert.equal((await subjects(office, 'anna@office.test')).length, 8);
});

test('a domain with another name takes everything along, and its old name still means the same if it is kept', async (t) => {
  const office = await officeWithMail(t);
  const before = await remembered(office, 'anna@office.test');

  await perform(renameDomain, { name: 'office.test', to: 'company.test', keepOld: true }, office);

  assert.deepEqual(await remembered(office, 'anna@company.test'), before);
  assert.deepEqual(await remembered(office, 'anna@office.test'), before); // phones that know the old name go on
  assert.deepEqual(await remembered(office, 'anna'), before);
  for (const to of ['anna', 'info', 'sales']) {
    await office.deliver({ to: [`${to}@company.test`, `${to}@office.test`], subject: `later to ${to}` });
  }
  assert.deepEqual((await subjects(office, 'anna@company.test')).slice(3), [
    'later to anna',
    'later to info',
    'later to sales',
  ]);

  // Without keeping it, the name in between is gone, and the first one, which was kept, leads on.
  await perform(renameDomain, { name: 'company.test', to: 'firm.test', keepOld: false }, office);
  await assert.rejects(office.deliver({ to: 'anna@company.test' }), /550/);
  await office.deliver({ to: ['anna@firm.test', 'ben@office.test'], subject: 'last' });
  assert.equal((await subjects(office, 'ben@firm.test')).length, 1);
  assert.equal((await subjects(office, 'anna@office.test')).length, 7);
});
