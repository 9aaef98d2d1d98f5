/** Setting the access policy: what is refused, who hears of it, and that some administrator can always come in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AccessPool, obstacle } from '../../../src/directory/access/access.ts';
import { EffectiveAccess } from '../../../src/directory/access/effective.ts';
import { PolicyMistakes } from '../../../src/directory/access/load.ts';
import { setRule } from '../../../src/directory/access/rules.ts';
import { POLICY_SETTINGS } from '../../../src/directory/access/settings.ts';
import type { Directory } from '../../../src/directory/directory.ts';
import { readFormer } from '../../../src/directory/former-account.ts';
import type { Subject } from '../../../src/directory/subject.ts';
import { Refused } from '../../../src/errors.ts';
import { sql } from '../../../src/store/engine/sql.ts';
import { nowSeconds } from '../../../src/store/ids.ts';
import { removeSome } from '../../../src/store/operations/accounts.ts';
import { checkInstallation, mendInstallation } from '../../../src/store/verify/installation.ts';
import { openOffice } from '../office.ts';

const [ANNA, BEN] = ['anna@office.test', 'ben@office.test'];
const EVERYONE: Subject = { scope: 'everyone', name: '' };
const SALES: Subject = { scope: 'group', name: 'Sales' };

const code = (wanted: string) => (error: unknown) => error instanceof Refused && error.code === wanted;

async function office(t: Parameters<typeof openOffice>[0]) {
  const { directory, engine, reopen } = await openOffice(t, {
    domains: ['office.test', 'shop.test'],
    people: [ANNA, BEN],
  });
  const changes = directory.by('the test');
  await changes.groups.add('Sales');
  const isOn = async (name: string, service: 'imap' | 'pop3' | 'web') =>
    (await directory.signInRecord(name))!.access.services[service].on;
  return { directory, engine, reopen, changes, isOn };
}

async function settingOf(directory: Directory, name: string, setting: string): Promise<string | undefined> {
  const decisions = await directory.explainPolicy((await directory.account(name)).id);
  return decisions.find((one) => one.setting.name === setting)?.value;
}

test('a setting holds at once, until it is taken back or the server starts anew with it', async (t) => {
  const { directory, changes, isOn, reopen } = await office(t);
  assert.equal(await isOn(ANNA, 'imap'), true);
  assert.deepEqual(await changes.policy.set(EVERYONE, ['IMAP=Off', 'pop3.letgo=30d']), {
    imap: 'off',
    'pop3.letGo': '30d',
  });
  assert.equal(await isOn(ANNA, 'imap'), false);
  await changes.policy.set({ scope: 'account', name: 'ANNA@office.test' }, ['imap=on']);
  assert.deepEqual([await isOn(ANNA, 'imap'), await isOn(BEN, 'imap')], [true, false]);
  const after = await reopen();
  assert.deepEqual((await after.signInRecord(BEN))!.access.pop3.letGo, { kind: 'after', seconds: 30 * 86_400 });
  assert.deepEqual(await changes.policy.unset(EVERYONE, ['imap', 'POP3.letGo']), ['imap', 'pop3.letGo']);
  assert.equal(await isOn(BEN, 'imap'), true);
  assert.deepEqual(
    (await directory.policyRules()).map(({ scope, name, setting, value }) => [scope, name, setting, value]),
    [['account', ANNA, 'imap', 'on']],
  );
});

test('what is wrong with a setting is said, with the one that was meant; and nothing of it is kept', async (t) => {
  const { directory, changes } = await office(t);
  for (const [assignments, text] of [
    [['pop3=off', 'imapp=off'], 'There is no setting imapp. Was imap meant?'],
    [['pop3=off', 'imap=maybe'], 'imap is on or off, not "maybe".'],
    [['imap=constructor'], 'imap is on or off, not "constructor".'],
    [['imap'], '"imap" is not written like imap=off.'],
    [['imap=on', 'IMAP=off'], 'imap is given twice.'],
    [
      ['web.networks=10.0.0.0/33'],
      'web.networks is any, or networks such as 192.0.2.0/24,2001:db8::/32, not "10.0.0.0/33".',
    ],
  ] as const) {
    await assert.rejects(changes.policy.set(EVERYONE, assignments), { code: 'directory.invalid', message: text });
  }
  await assert.rejects(changes.policy.set({ scope: 'group', name: 'Shop' }, ['imap=off']), code('directory.missing'));
  await assert.rejects(
    changes.policy.set({ scope: 'account', name: 'nobody@office.test' }, ['imap=off']),
    code('directory.missing'),
  );
  await changes.policy.set(EVERYONE, ['imap=off']);
  await assert.rejects(changes.policy.unset(EVERYONE, ['imap', 'pop3']), code('directory.missing'));
  await assert.rejects(changes.policy.unset(EVERYONE, ['imap', 'pop33']), code('directory.invalid'));
  assert.equal((await directory.policyRules()).length, 1);
});

test('of two groups the one with the lower rank counts, of equal ranks the one whose name comes first', async (t) => {
  const { changes, isOn } = await office(t);
  await changes.groups.add('Workshop');
  for (const group of ['Sales', 'Workshop']) await changes.groups.join(group, ANNA);
  await changes.policy.set(SALES, ['imap=off']);
  await changes.policy.set({ scope: 'group', name: 'Workshop' }, ['imap=on']);
  assert.equal(await isOn(ANNA, 'imap'), false);
  await changes.policy.setRank('Workshop', 99);
  assert.equal(await isOn(ANNA, 'imap'), true);
  await changes.policy.setRank('Sales', 99);
  assert.equal(await isOn(ANNA, 'imap'), false);
  await changes.groups.rename('Sales', 'Zales');
  assert.equal(await isOn(ANNA, 'imap'), true);
  await changes.groups.remove('Workshop');
  assert.equal(await isOn(ANNA, 'imap'), false);
  await changes.groups.leave('Zales', ANNA);
  assert.equal(await isOn(ANNA, 'imap'), true);
  for (const rank of [-1, 1.5, Number.NaN])
    await assert.rejects(changes.policy.setRank('Zales', rank), code('directory.invalid'));
});

test('a domain has its own answer, under each of its names, for somebody in no group; a foreign one has none', async (t) => {
  const { directory, changes } = await office(t);
  await changes.policy.set({ scope: 'domain', name: 'shop.test' }, ['prefer=pop3', 'imap=off']);
  const imapAt = async (domain: string) => (await directory.domainAccess(domain))?.services.imap.on;
  assert.deepEqual([await imapAt('shop.test'), await imapAt('office.test')], [false, true]);
  await changes.domains.rename('shop.test', 'store.test', { keepOld: true });
  assert.deepEqual([await imapAt('shop.test'), await imapAt('store.test')], [false, false]);
  assert.equal(await directory.domainAccess('elsewhere.test'), null);
  await changes.domains.add('elsewhere.test');
  assert.equal(await imapAt('elsewhere.test'), true);
  await changes.accounts.rename(ANNA, 'anna@store.test');
  assert.equal((await directory.signInRecord('anna@store.test'))!.access.prefer, 'pop3');
});

test('whoever listens hears of each change that may concern somebody, before it is answered', async (t) => {
  const { directory, changes } = await office(t);
  const [anna, ben] = [(await directory.account(ANNA)).id, (await directory.account(BEN)).id];
  const heard: unknown[] = [];
  directory.onAccess(async (accounts) => {
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(accounts);
  });
  const hears = async (change: Promise<unknown>, ...expected: unknown[]) => {
    await change;
    assert.deepEqual(heard.splice(0), expected);
  };
  await hears(changes.policy.set({ scope: 'account', name: ANNA }, ['imap=off']), [anna]);
  await hears(changes.policy.unset({ scope: 'account', name: ANNA }, ['imap']), [anna]);
  await hears(changes.policy.set(SALES, ['imap=off']), 'all');
  await hears(changes.policy.load('everyone imap=on'), 'all');
  await hears(changes.policy.load('everyone imap=off', { check: true }));
  await hears(changes.groups.join('Sales', ANNA, BEN), [anna, ben]);
  await hears(changes.groups.leave('Sales', BEN), [ben]);
  await hears(changes.policy.setRank('Sales', 7), 'all');
  await hears(changes.groups.rename('Sales', 'Shop'), 'all');
  await hears(changes.groups.remove('Shop'), 'all');
  await hears(changes.accounts.rename(ANNA, 'anna@shop.test'), [anna]);
  await hears(changes.accounts.setDisplayName(BEN, 'Ben'));
  await assert.rejects(changes.policy.set(EVERYONE, ['imap=perhaps']));
  await hears(Promise.resolve());
});

test('people who may do the same share one object, and what it holds can not be changed', async (t) => {
  const { directory, changes } = await office(t);
  await changes.policy.set({ scope: 'account', name: BEN }, ['web.networks=192.0.2.0/24']);
  const access = async (name: string) => (await directory.signInRecord(name))!.access;
  assert.notEqual(await access(ANNA), await access(BEN));
  assert.equal((await access(ANNA)).services.imap, (await access(BEN)).services.imap);
  await changes.policy.set(EVERYONE, ['web.networks=192.0.2.0/24']);
  assert.equal(await access(ANNA), await access(BEN));
  assert.equal(await directory.access((await directory.account(ANNA)).id), await access(ANNA));
  assert.equal(await directory.domainAccess('office.test'), await access(ANNA));
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    !(Object.getPrototypeOf(value) === Object.prototype) ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  assert.ok(isFrozen(await access(ANNA)));
});

test('ten thousand ways to be different take a bounded room', () => {
  const pool = new AccessPool();
  const text = (at: number) => (name: string) =>
    name === 'web.networks'
      ? `10.${at >> 8}.${at & 255}.0/24`
      : POLICY_SETTINGS.find((one) => one.name === name)!.choices[0]!;
  const first = pool.access(text(0));
  assert.equal(pool.access(text(0)), first);
  for (let at = 1; at <= 10_000; at++) pool.access(text(at));
  assert.notEqual(pool.access(text(0)), first);
});

test('odd addresses are in no network', () => {
  const access = new EffectiveAccess().from([
    { scope: 'everyone', name: '', rank: 0, setting: 'imap.networks', value: '192.0.2.0/24,fe80::/10' },
  ]);
  const from = (address: string) =>
    obstacle(access, { service: 'imap', address, credential: 'password', secure: true, local: false });
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', 'fe80::1', 'fe80::1%eth0']) assert.equal(from(address), null);
  for (const address of ['', 'unix', '192.0.3.1', '192.0.2.256', '2001:db8::1'])
    assert.equal(from(address), 'imap.networks');
});

test('a file is the whole policy, or nothing of it where there is a mistake: each is told with its line', async (t) => {
  const { directory, changes } = await office(t);
  await changes.policy.set(EVERYONE, ['prefer=pop3']);
  const file = [
    '\uFEFF# the policy of the office',
    'everyone pop3=off  # all of them',
    'group Slaes imap=off',
    'acount anna@office.test imap=off',
    'account bem@office.test imap=of imapp=on',
    'domain shop.test',
    'group',
    'group Sales prefer=pop3 PREFER=imap',
    'group "Sales" prefer=imap',
    'domain "shop.test imap=on',
    'domain shop.tets imap=on',
    'account @@ imap=on',
    '',
    '  GROUP Sales pop3.folders="INBOX,Old mail" # and so on',
  ].join('\r\n');
  const { mistakes } = await changes.policy.load(file).then(
    () => assert.fail('it was taken'),
    (error: unknown) => (error instanceof PolicyMistakes ? error : Promise.reject(error)),
  );
  assert.deepEqual(
    mistakes.map(({ line, text }) => `${line}: ${text}`),
    [
      '3: There is no group Slaes. Was Sales meant?',
      '4: A line begins with everyone, domain, group, account, not "acount". Was account meant?',
      '5: imap is on or off, not "of".',
      '5: There is no setting imapp. Was imap meant?',
      '5: There is no account bem@office.test. Was ben@office.test meant?',
      '6: Nothing is set here. Write it like imap=off.',
      '7: Which group? Write its name after the word, in quotation marks (") where it has spaces.',
      '8: prefer is set twice.',
      '9: prefer is set for Sales on line 8 already.',
      '10: A quotation mark (") is not closed.',
      '11: There is no domain shop.tets. Was shop.test meant?',
      '12: "@@" is not a mail address. It is written like anna@example.com.',
    ],
  );
  assert.equal(await settingOf(directory, ANNA, 'prefer'), 'pop3');

  const right = 'everyone pop3=off\ngroup Sales pop3.folders="INBOX,Old mail"\n';
  assert.deepEqual(await changes.policy.load(right, { check: true }), {
    settings: 2,
    set: 2,
    unset: 1,
    changes: ['no longer everyone prefer=pop3', 'everyone pop3=off', 'group Sales pop3.folders=INBOX,Old mail'],
  });
  assert.equal(await settingOf(directory, ANNA, 'prefer'), 'pop3');
  await changes.policy.load(right);
  assert.deepEqual(
    [await settingOf(directory, ANNA, 'prefer'), await settingOf(directory, ANNA, 'pop3')],
    ['imap', 'off'],
  );
  await changes.quotas.set(EVERYONE, 1e9);
  await changes.policy.load('');
  assert.deepEqual(await directory.policyRules(), []);
  assert.equal((await directory.quotaOf(ANNA)).quotaBytes, 1e9, 'a quota is no part of it');
});

test('whoever looks while a policy is loaded finds the old one or the new one, and mail goes on meanwhile', async (t) => {
  const { directory, changes, engine } = await office(t);
  const groups = Array.from({ length: 50 }, (_, at) => `Group ${at}`);
  for (const group of groups) await changes.groups.add(group);
  const fileOf = (value: string) => groups.map((name) => `group "${name}" imap=${value} pop3=${value}\n`).join('');
  await changes.policy.load(fileOf('off'));
  let isLoaded = false;
  const loading = changes.policy.load(fileOf('on')).then(() => {
    isLoaded = true;
  });
  const written = engine.write(async (tx) => tx.get(sql('SELECT 1')));
  for (let last = ''; !isLoaded; await nextTurn()) {
    const values = new Set((await directory.policyRules()).map(({ value }) => value));
    assert.equal(values.size, 1);
    const [value = ''] = values;
    assert.ok(!(last === 'on' && value === 'off'));
    last = value;
  }
  await Promise.all([loading, written]);
  assert.deepEqual([...new Set((await directory.policyRules()).map(({ value }) => value))], ['on']);
});

const ADMINISTRATOR = { scope: 'account', name: ANNA } as const;

/** Changes after which the only administrator could not sign in to the web. */
const LOCK_OUTS: readonly (readonly [
  what: string,
  change: (changes: ReturnType<Directory['by']>) => Promise<unknown>,
])[] = [
  ['closing the web to everyone', (changes) => changes.policy.set(EVERYONE, ['web=off'])],
  ['closing the web to her', (changes) => changes.policy.set(ADMINISTRATOR, ['web=off'])],
  ['a file that closes it', (changes) => changes.policy.load('domain office.test web=off')],
  ['trying such a file', (changes) => changes.policy.load('domain office.test web=off', { check: true })],
  [
    'app passwords only, of which she has none for it',
    (changes) => changes.policy.set(EVERYONE, ['web.credentials=app']),
  ],
  ['tokens only, where none are taken', (changes) => changes.policy.set(EVERYONE, ['web.credentials=oauth'])],
  ['suspending her', (changes) => changes.accounts.setState(ANNA, 'suspended')],
  ['closing her account', (changes) => changes.accounts.setState(ANNA, 'closed')],
  ['removing her', (changes) => changes.accounts.remove(ANNA)],
  ['demoting her', (changes) => changes.policy.setAdministrator(ANNA, false)],
  ['putting her into a group that may not', (changes) => changes.groups.join('Offline', ANNA)],
  ['renaming her into a domain that may not', (changes) => changes.accounts.rename(ANNA, 'anna@shop.test')],
  [
    'bringing her up to date from a file as suspended',
    (changes) => changes.accounts.takePerson({ ...PERSON, state: 'suspended' }, { update: true, check: false }),
  ],
];

const PERSON = { address: ANNA, secret: null, groups: [], aliases: [] };

test('no change shuts out the last administrator, and one that is refused changes nothing', async (t) => {
  const { directory, changes } = await office(t);
  await changes.policy.set({ scope: 'domain', name: 'shop.test' }, ['web=off']);
  await changes.groups.add('Offline');
  await changes.policy.set({ scope: 'group', name: 'Offline' }, ['web=off']);
  await changes.policy.setAdministrator(ANNA, true);
  const before = await fileOf(directory);
  const entries = (await Array.fromAsync(directory.audit())).length;

  for (const [what, change] of LOCK_OUTS) {
    await assert.rejects(change(changes), code('policy.lock-out'), what);
  }
  assert.equal(await fileOf(directory), before);
  assert.equal((await Array.fromAsync(directory.audit())).length, entries);
  assert.equal((await directory.accountPage(ANNA)).administrator, true);

  // With a second one who may, each of them is possible.
  await changes.policy.set({ scope: 'account', name: BEN }, ['web=on']);
  await changes.policy.setAdministrator(BEN, true);
  await changes.policy.setAdministrator(ANNA, false);
  await assert.rejects(changes.policy.setAdministrator(BEN, false), code('policy.lock-out'));
  await changes.policy.setAdministrator(ANNA, true);
  await changes.accounts.remove(ANNA);
});

async function fileOf(directory: Directory): Promise<string> {
  return JSON.stringify(await directory.policyRules());
}

test('a rank, a name and the end of a group are refused where they would shut out the last administrator', async (t) => {
  const { changes } = await office(t);
  await changes.groups.add('Offline');
  for (const group of ['Sales', 'Offline']) await changes.groups.join(group, ANNA);
  await changes.policy.set(EVERYONE, ['web=off']);
  await changes.policy.setRank('Sales', 50);
  await changes.policy.set(SALES, ['web=on']);
  await changes.policy.set({ scope: 'group', name: 'Offline' }, ['web=off']);
  await changes.policy.setAdministrator(ANNA, true);
  await assert.rejects(changes.policy.setRank('Sales', 101), code('policy.lock-out'));
  await assert.rejects(changes.groups.remove('Sales'), code('policy.lock-out'));
  await assert.rejects(changes.groups.leave('Sales', ANNA), code('policy.lock-out'));
  await assert.rejects(changes.policy.unset(SALES, ['web']), code('policy.lock-out'));
  await changes.groups.rename('Offline', 'Zero');
  await changes.policy.setRank('Sales', 100);
  await assert.rejects(changes.groups.rename('Sales', 'Zorro'), code('policy.lock-out'));
});

test('where no administrator could sign in anyway, nothing is refused for it', async (t) => {
  const { changes } = await office(t);
  await changes.policy.set(EVERYONE, ['web=off']); // there is none
  await changes.policy.setAdministrator(ANNA, true);
  await changes.policy.set(EVERYONE, ['web.credentials=oauth']);
  await changes.accounts.setState(ANNA, 'suspended');
  await changes.policy.setAdministrator(ANNA, false);
});

test('an administrator may be kept to app passwords once there is one for the web', async (t) => {
  const { changes } = await office(t);
  await changes.policy.setAdministrator(ANNA, true);
  await changes.appPasswords.add(ANNA, { label: 'phone', protocols: ['imap'] });
  await assert.rejects(changes.policy.set(EVERYONE, ['web.credentials=app']), code('policy.lock-out'));
  await changes.appPasswords.add(ANNA, { label: 'tablet', protocols: ['web'] });
  await changes.policy.set(EVERYONE, ['web.credentials=app']);
  await changes.appPasswords.revoke(ANNA, 'tablet'); // a lost one can always be revoked
});

test('what is set for an account comes back with it from a backup, and no administrator does', async (t) => {
  const { directory, engine, changes } = await office(t);
  await changes.policy.set({ scope: 'account', name: ANNA }, ['imap=off', 'prefer=pop3']);
  for (const name of [ANNA, BEN]) await changes.policy.setAdministrator(name, true);
  const former = await engine.read((tx) => readFormer(tx, ANNA));
  const id = (await directory.account(ANNA)).id;
  await changes.accounts.remove(ANNA);
  assert.deepEqual(await directory.policyRules(), []);
  while (await engine.write((tx) => removeSome(tx, id, 1_000))) {}
  await changes.accounts.bringBack(former!, { id: 'b', taken: nowSeconds() });
  assert.deepEqual(
    [await settingOf(directory, ANNA, 'imap'), await settingOf(directory, ANNA, 'prefer')],
    ['off', 'pop3'],
  );
  assert.equal((await directory.accountPage(ANNA)).administrator, false);
});

test('a rule for nobody who exists is found and removed', async (t) => {
  const { directory, engine } = await office(t);
  await engine.write(async (tx) => {
    for (const scope of ['account', 'group', 'domain'] as const) await setRule(tx, { scope, id: 77 }, 'imap', 'off');
    await setRule(tx, { scope: 'everyone', id: 0 }, 'pop3', 'off');
  });
  const findings = await engine.read(checkInstallation);
  assert.deepEqual(
    findings.map(({ text }) => text),
    [
      'a quota or a setting of the access policy is for nobody who exists (account 77 imap, domain 77 imap, group 77 imap)',
    ],
  );
  await engine.write(mendInstallation);
  assert.deepEqual(await engine.read(checkInstallation), []);
  assert.equal((await directory.policyRules()).length, 1);
});
