import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PasswordAuthenticator, type SignInReport } from '../../src/auth/authenticator.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Peer } from '../../src/auth/types.ts';
import { type RefusalCode, Refused } from '../../src/errors.ts';
import { LdapPasswords } from '../../src/ldap/passwords.ts';
import { LdapReader } from '../../src/ldap/reader.ts';
import { LdapResolver } from '../../src/ldap/resolver.ts';
import { LdapServers } from '../../src/ldap/servers.ts';
import { Synchroniser } from '../../src/ldap/synchroniser.ts';
import { all, openOffice } from '../directory/office.ts';
import { defer } from '../helpers/defer.ts';
import { BASE, entry, group, hasSlapd, PASSWORD, person, Slapd } from './slapd.ts';

const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };
const MANY = 1_050;
const HOUR = 3_600_000;

/** A refresh without anything special. */
const ONCE = { suspendMany: false, signal: new AbortController().signal };

const refused = (code: RefusalCode) => (error: unknown) => error instanceof Refused && error.code === code;

type Changes = NonNullable<Parameters<Slapd['settings']>[0]>;

/** An office here, and what joins it to the people of a slapd. */
async function officeOf(t: TestContext, slapd: Slapd, changes: Changes = {}, here: readonly string[] = []) {
  const domains = here.length > 0 ? ['office.test', 'elsewhere.test'] : [];
  const { directory } = await openOffice(t, { domains, people: here });
  const settings = slapd.settings(changes);
  const troubles: (string | null)[] = [];
  const servers = new LdapServers(settings, (trouble) => troubles.push(trouble));
  const reader = new LdapReader(settings, servers);
  defer(t, () => reader.close());
  const clock = { now: 0 };
  const passwords = new LdapPasswords({ settings, reader, directory, clock: () => clock.now });
  const reports: SignInReport[] = [];
  const throttle = new Throttle({ clock: () => 0, sleep: async () => {} });
  const authenticator = new PasswordAuthenticator({
    directory,
    throttle,
    outside: passwords,
    report: (report) => reports.push(report),
  });
  const synchroniser = new Synchroniser(settings, reader, directory);
  return {
    directory,
    servers,
    troubles,
    clock,
    reports,
    authenticator,
    resolver: new LdapResolver(directory, reader, settings.domains),
    refresh: () => synchroniser.refresh(ONCE),
    names: async () => (await all(directory.accounts())).map(({ name }) => name),
    members: async (name: string) =>
      (await all(directory.members(await directory.group(name)))).map((account) => account.name),
    signIn: (name: string, password = PASSWORD) => authenticator.password(name, password, PEER),
  };
}

test('people of LDAP are people of the office', async (t) => {
  if (!hasSlapd(t)) return;
  const slapd = await Slapd.start(t, [
    person('anna', 'mailAlternateAddress: info@office.test', 'mailQuota: 1GB'),
    person('ben'),
    person('carl'),
    person('dora'),
    person('emil'),
    group('Sales', 'anna', 'ben'),
    entry(`ou=many,${BASE}`, 'objectClass: organizationalUnit', 'ou: many'),
    ...Array.from({ length: MANY }, (_, i) => person(`p${i}`).replace('ou=people', 'ou=many')),
  ]);
  const few: Changes = { base: `ou=people,${BASE}`, quota: 'mailQuota' };
  const withGroups: Changes = { people: '(&(mail=*)(!(uid=p*)))', disabled: '(shut=TRUE)', quota: 'mailQuota' };

  await t.test('they are made by a refresh, with names, aliases, quotas and groups', async (t) => {
    const office = await officeOf(t, slapd, withGroups);
    const report = await office.refresh();
    assert.deepEqual(
      [report.people, report.groups, report.added, report.updated, report.suspended, report.problems],
      [5, 1, 5, 0, 0, []],
    );
    const { source, displayName, quotaBytes, aliases, groups } = await office.directory.accountPage('anna@office.test');
    assert.deepEqual(
      { source, displayName, quotaBytes, aliases, groups },
      {
        source: 'ldap',
        displayName: 'anna of LDAP',
        quotaBytes: 2 ** 30,
        aliases: ['info@office.test'],
        groups: ['Sales'],
      },
    );
    const entries = (await all(office.directory.audit())).length;
    const again = await office.refresh();
    assert.deepEqual([again.added, again.updated, again.suspended], [0, 0, 0]);
    assert.equal((await all(office.directory.audit())).length, entries, 'what is as it was leaves no entry');
  });

  await t.test('what changes there changes here: names, groups, who may sign in, who is gone', async (t) => {
    const office = await officeOf(t, slapd, { ...withGroups, suspendAtMost: 50 });
    await office.refresh();
    const anna = await office.directory.account('anna@office.test');
    await slapd.set('anna', 'mail', 'lee@office.test');
    await slapd.set('anna', 'displayName', 'Anna Lee');
    await slapd.set('ben', 'shut', 'TRUE');
    await slapd.change(
      `dn: cn=Sales,ou=groups,${BASE}\nchangetype: modify\nadd: member\nmember: UID=carl, OU=people,${BASE}\n-\ndelete: member\nmember: uid=anna,ou=people,${BASE}\n`,
    );
    await slapd.remove('dora');
    const report = await office.refresh();
    assert.deepEqual([report.added, report.updated, report.suspended], [0, 2, 2]);
    const lee = await office.directory.account('lee@office.test');
    assert.deepEqual([lee.id, lee.displayName], [anna.id, 'Anna Lee']);
    assert.equal((await office.directory.account('ben@office.test')).state, 'suspended');
    assert.equal((await office.directory.account('dora@office.test')).state, 'suspended');
    assert.deepEqual((await office.members('Sales')).sort(), ['ben@office.test', 'carl@office.test']);

    await slapd.set('anna', 'mail', 'anna@office.test');
    await slapd.set('ben', 'shut');
    await slapd.add(person('dora')); // who may be another than the one that was
    const back = await office.refresh();
    assert.match(back.problems.join(), /dora.*dora@office\.test.*rainmail ldap adopt/);
    assert.equal((await office.directory.account('dora@office.test')).state, 'suspended');
    assert.equal((await office.directory.account('ben@office.test')).state, 'active');
    assert.equal((await office.directory.account('anna@office.test')).id, anna.id);
  });

  await t.test('more than a thousand people are taken over with the loop free meanwhile', async (t) => {
    const office = await officeOf(t, slapd, { base: `ou=many,${BASE}`, groups: 'none' });
    let turns = 0;
    const turn = setInterval(() => turns++, 1);
    const report = await office.refresh().finally(() => clearInterval(turn));
    assert.equal(report.added, MANY);
    assert.ok(turns > MANY / 100, `the loop had ${turns} turns`);
  });

  await t.test('an empty answer, or one that lacks many, suspends nobody until an administrator says so', async (t) => {
    const office = await officeOf(t, slapd, withGroups);
    await office.refresh();
    const entries = (await all(office.directory.audit())).length;
    for (const people of ['(mail=nobody@office.test)', '(mail=anna@office.test)']) {
      // The same office, asked with another filter.
      const synchroniser = synchroniserOf(t, slapd, { ...withGroups, people }, office.directory);
      await assert.rejects(synchroniser.refresh(ONCE), refused('ldap.many'));
      assert.equal((await all(office.directory.audit())).length, entries, 'nothing was changed');
    }
    const synchroniser = synchroniserOf(
      t,
      slapd,
      { ...withGroups, people: '(mail=anna@office.test)' },
      office.directory,
    );
    const report = await synchroniser.refresh({ ...ONCE, suspendMany: true });
    assert.equal(report.suspended, 4);
    assert.equal((await office.names()).length, 5, 'nobody is removed');
  });

  await t.test('a refresh that breaks off changes nothing', async (t) => {
    const office = await officeOf(t, slapd, { ...withGroups, timeout: 3_000 });
    await office.refresh();
    await slapd.fallSilent();
    try {
      await assert.rejects(office.refresh(), refused('ldap.unavailable'));
    } finally {
      slapd.speak();
    }
    assert.equal((await office.directory.account('anna@office.test')).state, 'active');
  });

  await t.test('whoever signs in before the first refresh gets an account at once, with their groups', async (t) => {
    const office = await officeOf(t, slapd, withGroups);
    await assert.rejects(office.signIn('anna@office.test', 'wrong'), refused('auth.failed'));
    assert.deepEqual(await office.names(), [], 'a wrong password makes nothing');
    // The groups are known, the people are not.
    await synchroniserOf(t, slapd, { ...withGroups, people: '(uid=carl)' }, office.directory).refresh(ONCE);
    const { account, credential } = await office.signIn('ben@office.test');
    assert.deepEqual([account.name, credential.kind], ['ben@office.test', 'password']);
    assert.ok((await office.members('Sales')).includes('ben@office.test'));
    const [{ lastUse } = { lastUse: null }] = await office.directory.credentials('ben@office.test');
    assert.equal(lastUse?.protocol, 'imap');
  });

  await t.test(
    'a password is wrong, empty, of nobody or of somebody made here: one answer, and the same questions',
    async (t) => {
      const office = await officeOf(t, slapd, few, ['here@office.test', 'own@elsewhere.test']);
      await office.refresh();
      const answers: unknown[] = [];
      for (const [name, password] of [
        ['anna@office.test', 'wrong'],
        ['anna', 'wrong'],
        ['anna@office.test', ''],
        ['anna@office.test', 'x'.repeat(5_000)],
        ['nobody@office.test', PASSWORD],
        ['nobody', PASSWORD],
        ['info@office.test', PASSWORD],
        ['here@office.test', 'wrong'],
        ['own@elsewhere.test', 'wrong'],
        ['nobody@elsewhere.test', PASSWORD],
        ['*@office.test', PASSWORD],
        ['anna@office.test)(uid=*', PASSWORD],
      ] as const) {
        const [answer] = await Promise.allSettled([office.signIn(name, password)]);
        assert.ok(answer.status === 'rejected', name);
        answers.push({ code: (answer.reason as Refused).code, message: (answer.reason as Refused).message });
      }
      for (const answer of answers) assert.deepEqual(answer, answers[0]);
      assert.equal((await office.signIn('here@office.test', 'correct horse')).account.name, 'here@office.test');
      assert.equal((await office.signIn('own@elsewhere.test', 'correct horse')).account.name, 'own@elsewhere.test');
      assert.equal((await office.signIn('anna')).account.name, 'anna@office.test');
      assert.deepEqual(office.authenticator.mechanisms(PEER), ['PLAIN', 'LOGIN'], 'SCRAM is for nobody then');
      assert.throws(() => office.authenticator.sasl('SCRAM-SHA-256', PEER), refused('auth.mechanism'));
    },
  );

  await t.test('who was renamed there signs in with the new name before any refresh, and keeps the mail', async (t) => {
    const office = await officeOf(t, slapd, few);
    await office.refresh();
    const { id } = await office.directory.account('carl@office.test');
    await slapd.set('carl', 'mail', 'karl@office.test');
    assert.equal((await office.signIn('karl@office.test')).account.id, id);
    await assert.rejects(
      office.signIn('carl@office.test'),
      refused('auth.failed'),
      'an alias is no name to sign in with',
    );
    await slapd.set('carl', 'mail', 'carl@office.test');
    await office.refresh();
  });

  await t.test('app passwords made here work for people who live there, and stop with a suspension', async (t) => {
    const office = await officeOf(t, slapd, { ...withGroups, suspendAtMost: 100 });
    await office.refresh();
    const admin = office.directory.by('the test');
    const { password } = await admin.appPasswords.add('emil@office.test', { label: 'phone', protocols: null });
    assert.equal((await office.signIn('emil@office.test', password)).credential.label, 'phone');
    assert.equal((await office.signIn('emil@office.test')).credential.kind, 'password');
    await slapd.set('emil', 'shut', 'TRUE');
    await office.refresh();
    await assert.rejects(office.signIn('emil@office.test', password), refused('auth.failed'));
    await assert.rejects(office.signIn('emil@office.test'), refused('auth.failed'));
    await slapd.set('emil', 'shut');
  });

  await t.test('a session whose person goes elsewhere is confirmed by what holds now', async (t) => {
    const office = await officeOf(t, slapd, few);
    await office.refresh();
    const signedIn = await office.signIn('anna@office.test');
    await office.directory.by('the test').aliases.add('sales@office.test', 'anna@office.test');
    await signedIn.confirm();
    await office.directory.by('the test').accounts.setState('anna@office.test', 'suspended');
    await assert.rejects(async () => signedIn.confirm(), refused('auth.failed'));
  });

  await t.test(
    'a device that signs in again asks LDAP only now and then; without LDAP it goes on for a while',
    async (t) => {
      const office = await officeOf(t, slapd, { ...few, timeout: 20_000 });
      await office.refresh();
      await office.signIn('anna@office.test');
      await office.signIn('ben@office.test');
      await slapd.end();
      try {
        await office.signIn('anna@office.test'); // nobody asks: 5 minutes
        assert.deepEqual(office.troubles, []);
        office.clock.now = HOUR;
        await office.signIn('anna@office.test'); // nobody answers: 12 hours
        assert.equal(office.troubles.length, 1);
        for (const name of ['anna@office.test', 'nobody@office.test', 'carl@office.test', 'nobody', 'anna']) {
          await assert.rejects(office.signIn(name, 'another'), refused('auth.unavailable'), name);
        }
        assert.equal(office.reports.at(-1)?.result, 'unavailable');
        office.clock.now = 13 * HOUR;
        await assert.rejects(office.signIn('anna@office.test'), refused('auth.unavailable'));

        // Mail for those who are known is taken; the others' senders are told to try later.
        assert.equal((await office.resolver.resolve('anna@office.test')).kind, 'accounts');
        assert.equal((await office.resolver.resolve('info+list@office.test')).kind, 'accounts');
        assert.equal((await office.resolver.resolve('nobody@elsewhere.test')).kind, 'foreign');
        assert.equal((await office.resolver.resolve('postmaster@office.test')).kind, 'accounts');
        await assert.rejects(
          async () => office.resolver.resolve('nobody@office.test'),
          refused('recipient.unavailable'),
        );
      } finally {
        await slapd.begin();
      }
      office.servers.forgetTrouble();
      await office.signIn('anna@office.test');
      assert.equal(office.troubles.at(-1), null, 'it answers again');
      await slapd.set('anna', 'userPassword', 'a new one');
      office.clock.now = 14 * HOUR;
      await assert.rejects(office.signIn('anna@office.test'), refused('auth.failed'));
      await office.signIn('anna@office.test', 'a new one');
      await slapd.set('anna', 'userPassword', PASSWORD);
    },
  );

  await t.test('mail for somebody who is not known yet finds them in LDAP', async (t) => {
    const office = await officeOf(t, slapd, few);
    await office.directory.outside.begin('LDAP', ['office.test']);
    const kinds = async (...addresses: string[]) => {
      const found: string[] = [];
      for (const address of addresses) found.push((await office.resolver.resolve(address)).kind);
      return found;
    };
    assert.deepEqual(await kinds('nobody@office.test', '*@office.test', 'p1@office.test', 'x@elsewhere.test'), [
      'unknown',
      'unknown',
      'unknown',
      'foreign',
    ]);
    assert.deepEqual(await office.names(), []);
    assert.deepEqual(await kinds('INFO@office.test'), ['accounts']);
    assert.deepEqual(await office.names(), ['anna@office.test']);
    const withDetail = await office.resolver.resolve('ben+lists@office.test');
    assert.ok(withDetail.kind === 'accounts' && withDetail.detail === 'lists');
    // Before whoever gets what is for nobody else.
    await office.directory.by('the test').domains.setCatchAll('office.test', 'anna@office.test');
    const carl = await office.resolver.resolve('carl@office.test');
    assert.ok(carl.kind === 'accounts' && carl.accounts[0]!.name === 'carl@office.test');
    const caught = await office.resolver.resolve('nobody@office.test');
    assert.ok(caught.kind === 'accounts' && caught.accounts[0]!.name === 'anna@office.test');
  });
});

test('people of an Active Directory are people of the office', async (t) => {
  if (!hasSlapd(t)) return;
  const ad = `ou=ad,${BASE}`;
  const user = (cn: string, guid: string, control: number, ...groups: readonly string[]) =>
    entry(
      `cn=${cn},${ad}`,
      ...['objectClass: user', 'objectCategory: person', `cn: ${cn}`, `sn: ${cn}`, `sAMAccountName: ${cn}`],
      ...[`mail: ${cn}@office.test`, `proxyAddresses: SMTP:${cn}@office.test`, `userPassword: ${PASSWORD}`],
      ...[`userAccountControl: ${control}`, `objectGUID:: ${guid}`],
      ...groups.map((name) => `memberOf: cn=${name},${ad}`),
    );
  const slapd = await Slapd.start(t, [
    entry(ad, 'objectClass: organizationalUnit', 'ou: ad'),
    entry(`cn=Staff,${ad}`, 'objectClass: group', 'cn: Staff', 'objectGUID:: /wECAwQFBgcICQoLDA0OEA=='),
    user('anna', '/wECAwQFBgcICQoLDA0ODw==', 512, 'Staff'),
    user('ben', '/wECAwQFBgcICQoLDA0OEQ==', 512, 'Staff', 'Gone'),
    user('shut', '/wECAwQFBgcICQoLDA0OEg==', 514),
  ]);
  const settings: Changes = { kind: 'active-directory', base: ad, suspendAtMost: 100 };

  const office = await officeOf(t, slapd, settings);
  await synchroniserOf(t, slapd, { ...settings, people: '(cn=anna)' }, office.directory).refresh(ONCE);
  assert.deepEqual(await office.members('Staff'), ['anna@office.test']);
  // A policy may be set for the group: it holds from the first sign-in on.
  await office.signIn('ben@office.test');
  assert.deepEqual(await office.members('Staff'), ['anna@office.test', 'ben@office.test']);
  await assert.rejects(office.signIn('shut@office.test'), refused('auth.failed'));

  await slapd.change(`dn: cn=ben,${ad}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n`);
  await assert.rejects(office.signIn('ben@office.test', `${PASSWORD}!`), refused('auth.failed'));
  const report = await office.refresh();
  assert.deepEqual([report.people, report.suspended], [2, 1]);
  assert.equal((await office.directory.account('ben@office.test')).state, 'suspended');
  assert.equal((await office.directory.signInRecord('anna'))?.outside, 'ff0102030405060708090a0b0c0d0e0f');

  await slapd.change(`dn: cn=anna,${ad}\nchangetype: moddn\nnewrdn: cn=lee\ndeleteoldrdn: 1\n`);
  await slapd.change(`dn: cn=lee,${ad}\nchangetype: modify\nreplace: mail\nmail: lee@office.test\n`);
  await office.refresh();
  const page = await office.directory.accountPage('lee@office.test');
  assert.deepEqual([page.aliases, page.groups], [['anna@office.test'], ['Staff']]);
});

function synchroniserOf(
  t: TestContext,
  slapd: Slapd,
  changes: Changes,
  directory: Awaited<ReturnType<typeof officeOf>>['directory'],
): Synchroniser {
  const settings = slapd.settings(changes);
  const reader = new LdapReader(settings, new LdapServers(settings, () => {}));
  defer(t, () => reader.close());
  return new Synchroniser(settings, reader, directory);
}
