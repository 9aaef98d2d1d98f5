import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Run } from '../../src/server/admin/action.ts';
import { allActions, findAction } from '../../src/server/admin/actions.ts';
import { listAudit } from '../../src/server/admin/audit.ts';
import { type Office, openOffice } from '../../src/server/office.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { pruneAudit, recordAudit } from '../../src/store/operations/audit.ts';
import { defer } from '../helpers/defer.ts';
import { inboxOf, message, stage, temporaryFolder } from '../store/helpers.ts';
import { openOffice as openDirectory } from './office.ts';

const ACTOR = 'mary on the command line';
const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';

/** Everything an administrator can change, in an order in which it is possible; and by what its entry is found, its subject first. */
function changes(folder: string): readonly (readonly [action: string, input: object, ...about: string[]])[] {
  return [
    ['domain.add', { name: 'Office.test' }, 'office.test'],
    ['account.add', { address: ANNA, password: 'a secret', name: 'Anna', quotaBytes: null }, ANNA, 'office.test'],
    ['account.import', { format: 'csv', text: `${BEN},a secret` }, BEN],
    ['account.name', { address: ANNA, name: 'Anna Lee' }, ANNA],
    ['account.password', { address: ANNA, password: 'another secret' }, ANNA],
    ['account.state', { address: 'ANNA@office.test', state: 'suspended' }, ANNA],
    ['account.state', { address: ANNA, state: 'closed' }, ANNA],
    ['account.state', { address: ANNA, state: 'active' }, ANNA],
    ['app-password.add', { address: ANNA, name: 'phone', protocols: null }, ANNA],
    ['device.start', { account: ANNA, device: 'phone', start: 0 }, ANNA],
    ['sessions.end', { account: ANNA, credential: 'phone' }, ANNA],
    ['app-password.revoke', { address: ANNA, which: 'phone' }, ANNA],
    ['alias.add', { address: 'info@office.test', accounts: [ANNA, BEN] }, 'info@office.test', ANNA, BEN],
    [
      'alias.add',
      { address: 'info@office.test', accounts: ['info@partner.test'] },
      'info@office.test',
      'info@partner.test',
    ],
    ['alias.rename', { address: 'info@office.test', to: 'all@office.test' }, 'info@office.test', 'all@office.test'],
    ['domain.catch-all', { name: 'office.test', address: 'all@office.test' }, 'office.test', 'all@office.test'],
    ['domain.subaddress', { name: 'office.test', separator: '-' }, 'office.test'],
    ['alias.remove', { address: 'all@office.test', account: BEN }, 'all@office.test', BEN],
    ['alias.remove', { address: 'all@office.test' }, 'all@office.test'],
    ['group.add', { group: 'Sales', description: '' }, 'Sales'],
    ['group.address', { group: 'Sales', address: 'sales@office.test' }, 'Sales', 'sales@office.test'],
    ['group.join', { group: 'Sales', accounts: [ANNA, BEN] }, 'Sales', ANNA, BEN],
    ['group.join', { group: 'Sales', accounts: ['sales@partner.test'] }, 'Sales', 'sales@partner.test'],
    ['group.leave', { group: 'Sales', accounts: [BEN] }, 'Sales', BEN],
    ['group.posting', { group: 'Sales', who: ['members', 'boss@partner.test'] }, 'Sales'],
    ['forward.set', { account: ANNA, to: [BEN, 'anna@home.test'], keeps: false }, ANNA, BEN, 'anna@home.test'],
    ['forward.remove', { account: ANNA, to: BEN }, ANNA, BEN],
    ['forward.remove', { account: ANNA }, ANNA],
    ['quota.set', { scope: 'group', name: 'Sales', bytes: 1e9 }, 'Sales'],
    ['quota.set', { scope: 'everyone', name: '', bytes: 1e9 }, 'everyone'],
    ['quota.unset', { scope: 'group', name: 'Sales' }, 'Sales'],
    ['policy.set', { scope: 'group', name: 'Sales', settings: ['imap=off'] }, 'Sales'],
    ['policy.set', { scope: 'everyone', name: '', settings: ['pop3=off'] }, 'everyone'],
    ['policy.unset', { scope: 'group', name: 'Sales', settings: ['imap'] }, 'Sales'],
    ['policy.load', { text: 'domain office.test imap=on', check: false }, 'everyone'],
    ['group.rank', { group: 'Sales', rank: 10 }, 'Sales'],
    ['account.role', { address: BEN, administrator: true }, BEN],
    ['group.rename', { group: 'Sales', to: 'Shop' }, 'Sales', 'Shop'],
    ['group.remove', { group: 'Shop' }, 'Shop'],
    ['import', { account: ANNA, path: join(folder, 'message.eml') }, ANNA],
    ['export', { account: ANNA, directory: join(folder, 'out'), format: 'eml' }, ANNA],
    ['hold.set', { account: ANNA }, ANNA],
    ['hold.release', { account: ANNA }, ANNA],
    ['undelete.restore', { account: ANNA }, ANNA],
    ['undelete.purge', { account: ANNA }, ANNA],
    ['queue.hold', { account: ANNA }, 'queue', ANNA],
    ['queue.release', { account: ANNA }, 'queue', ANNA],
    ['queue.retry', { account: ANNA }, 'queue', ANNA],
    ['queue.reroute', { account: ANNA, to: 'example.com' }, 'queue', ANNA],
    ['queue.remove', { account: ANNA, report: false }, 'queue', ANNA],
    ['backup.init', { repository: join(folder, 'backup'), key: null }, join(folder, 'backup')],
    ['backup.run', {}],
    ['backup.test', {}],
    ['backup.prune', {}, join(folder, 'backup')],
    ['restore.mail', { account: ANNA, backup: null, asOf: null, repository: null, key: null }, ANNA],
    ['account.remove', { address: ANNA }, ANNA],
    ['restore.account', { account: ANNA, backup: null, asOf: null, repository: null, key: null }, ANNA],
    ['account.rename', { address: ANNA, to: 'lee@office.test', keepOld: false }, ANNA, 'lee@office.test'],
    ['account.remove', { address: 'lee@office.test' }, 'lee@office.test'],
    ['domain.rename', { name: 'office.test', to: 'shop.test', keepOld: true }, 'office.test', 'shop.test'],
    ['domain.remove', { name: 'office.test' }, 'office.test'],
  ];
}

/** They need another server, or mail of a whole office; test/migrate, test/transfer, test/ldap and test/acme look at what they do. */
const ELSEWHERE = [
  'dkim.rotate',
  'migrate',
  'import.all',
  'ldap.refresh',
  'ldap.adopt',
  'ldap.release',
  'certificate.renew',
];

async function officeIn(t: TestContext, folder: string): Promise<Office> {
  const office = await openOffice({ data: join(folder, 'data'), create: true, command: 'test' });
  defer(t, () => office.close());
  return office;
}

/** Deletes what is in somebody's INBOX, as a mail program does. */
async function deleteAll({ store, directory }: Office, name: string): Promise<void> {
  const inbox = inboxOf((await directory.account(name)).id);
  const view = await store.view(inbox);
  await store.messages.expunge(
    inbox,
    Array.from({ length: view.length }, (_, index) => view.uid(index)),
  );
}

/** Something that waits in the queue. */
async function sendElsewhere({ store, directory }: Office, name: string): Promise<void> {
  const { id: account } = await directory.account(name);
  const recipients = [{ address: 'carl@example.net', destination: 'example.net' }];
  const outbound = [{ account, sender: name, recipients, expires: nowSeconds() + 86_400 }];
  await store.deliver(await stage(store, message('Offer')), [], { outbound });
}

const run: Run = { actor: ACTOR, progress: () => {}, signal: new AbortController().signal };

test('everything an administrator changes leaves an entry: who, what, about whom, and no secret', async (t) => {
  const folder = await temporaryFolder(t);
  const office = await officeIn(t, folder);
  await writeFile(join(folder, 'message.eml'), 'Subject: hello\r\n\r\nHello.\r\n');
  const entries = () => listAudit.run(office, { most: 10_000 }, run);
  for (const [name, input, ...about] of changes(folder)) {
    if (name.startsWith('undelete.')) await deleteAll(office, ANNA);
    if (name === 'queue.hold') await sendElsewhere(office, ANNA);
    const before = (await entries()).length;
    const action = await findAction(name);
    assert.ok(action !== undefined, `there is no action ${name}`);
    await action.run(office, action.input.parse(input), run);
    const added = (await entries()).slice(before);
    assert.ok(added.length > 0, `${name} leaves no entry`);
    assert.ok(
      added.every(({ actor }) => actor === ACTOR),
      name,
    );
    const entry = added.at(-1);
    if (about.length > 0) assert.equal(entry?.subject, about[0], name);
    for (const one of about) {
      const found = await listAudit.run(office, { about: one, most: 10_000 }, run);
      assert.deepEqual(found.at(-1), entry, `${name}, looked for by ${one}`);
    }
  }
  assert.doesNotMatch(JSON.stringify(await entries()), /secret/);
});

test('every action there is only reads, or its entry is tested', async () => {
  const reads =
    /\.(list|show|explain|plan|import-check|key|verify)$|^ldap\.check$|^dns\.(records|check)$|^outbound\.check$|^(verify|verify\.repair|status|export\.all)$/;
  const known = new Set([...changes('/').map(([name]) => name), ...ELSEWHERE]);
  assert.deepEqual(
    (await allActions()).map(({ name }) => name).filter((name) => !reads.test(name) && !known.has(name)),
    [],
  );
});

test('a change that is refused leaves no entry, and neither does one that fails half-way', async (t) => {
  const { directory } = await openDirectory(t, { people: [ANNA] });
  const before = (await Array.fromAsync(directory.audit())).length;
  const changes = directory.by(ACTOR);
  await assert.rejects(changes.aliases.add('info@office.test', ANNA, 'nobody@office.test'));
  await assert.rejects(changes.accounts.remove('nobody@office.test'));
  await assert.rejects(changes.domains.rename('nowhere.test', 'office.test'));
  assert.equal((await Array.fromAsync(directory.audit())).length, before);
  assert.equal((await directory.resolve('info@office.test')).kind, 'unknown');
});

test('entries of the audit go when their time has passed, and with them what they are found by', async (t) => {
  const { directory, engine } = await openDirectory(t, { people: [ANNA, BEN] });
  await engine.write((tx) => recordAudit(tx, { actor: ACTOR, action: 'old', subject: ANNA, detail: {} }, 1_000));
  await engine.write((tx) => recordAudit(tx, { actor: ACTOR, action: 'old', subject: BEN, detail: {} }, 2_000));
  const told = async (about?: string) => (await Array.fromAsync(directory.audit(about))).map(({ action }) => action);
  assert.deepEqual((await told(ANNA)).sort(), ['account.add', 'old']);
  assert.equal(await engine.write((tx) => pruneAudit(tx, 1_000_000, 1)), 1);
  assert.deepEqual(await told(ANNA), ['account.add']);
  assert.deepEqual((await told(BEN)).sort(), ['account.add', 'old']);
  assert.equal(await engine.write((tx) => pruneAudit(tx, 1_000_000, 10)), 1);
  assert.equal(await engine.write((tx) => pruneAudit(tx, 1_000_000, 10)), 0);
  assert.deepEqual(await told(), ['account.add', 'account.add', 'domain.add']);
});

test('the audit is listed by whom, by what and since when', async (t) => {
  const office = await officeIn(t, await temporaryFolder(t));
  await office.directory.by('mary').domains.add('office.test');
  await office.directory.by('the trial office').domains.add('shop.test');
  const list = (filter: Partial<Parameters<typeof listAudit.run>[1]>) =>
    listAudit.run(office, { most: 100, ...filter }, run).then((found) => found.map(({ subject }) => subject));
  assert.deepEqual(await list({}), ['office.test', 'shop.test']);
  assert.deepEqual(await list({ by: 'MARY' }), ['office.test']);
  assert.deepEqual(await list({ about: 'SHOP.test' }), ['shop.test']);
  assert.deepEqual(await list({ most: 1 }), ['shop.test']);
  assert.deepEqual(await list({ since: nowSeconds() + 60 }), []);
});
