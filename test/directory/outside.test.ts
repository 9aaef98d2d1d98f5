import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Directory } from '../../src/directory/directory.ts';
import type { PersonTaken } from '../../src/directory/outside/people.ts';
import type { OutsidePerson } from '../../src/directory/outside/types.ts';
import { type RefusalCode, Refused } from '../../src/errors.ts';
import { sql } from '../../src/store/engine/sql.ts';
import type { AccountId } from '../../src/store/ids.ts';
import { all, openOffice, PASSWORD } from './office.ts';

/** Put in beside the directory: making 2,000 accounts would take long. */
const JOIN = sql('INSERT INTO membership (group_id, person_id) VALUES (?, ?)');
const PLACE = 'LDAP (ldaps://ldap.office.test)';

function person(name: string, more: Partial<OutsidePerson> = {}): OutsidePerson {
  return {
    externalId: `id of ${name}`,
    addresses: [`${name}@office.test`],
    aliases: [],
    displayName: name,
    quotaBytes: undefined,
    active: true,
    ...more,
  };
}

async function office(t: TestContext, ...people: readonly OutsidePerson[]) {
  const opened = await openOffice(t, { people: ['here@office.test'] });
  const outside = opened.directory.outside;
  await outside.begin(PLACE, ['office.test']);
  await taken(opened.directory, ...people);
  return { ...opened, outside, admin: opened.directory.by('the test') };
}

/** Takes people over, all of whom must be taken. */
async function taken(directory: Directory, ...people: readonly OutsidePerson[]): Promise<PersonTaken[]> {
  return (await directory.outside.takePeople(people)).map((outcome) => {
    assert.ok('taken' in outcome, JSON.stringify(outcome));
    return outcome.taken;
  });
}

const refused = (code: RefusalCode, text: RegExp) => (error: unknown) =>
  error instanceof Refused && error.code === code && text.test(error.message);

test('a person who lives outside has an account like all others, which knows where they live', async (t) => {
  const { directory, outside } = await office(t);
  const [anna] = await taken(directory, person('anna', { aliases: ['info@office.test'], quotaBytes: 5e9 }));
  assert.equal(anna!.change, 'added');
  const page = await directory.accountPage('anna@office.test');
  assert.equal(page.source, 'ldap');
  assert.equal(page.displayName, 'anna');
  assert.equal(page.quotaBytes, 5e9);
  assert.deepEqual(page.aliases, ['info@office.test']);
  assert.deepEqual(
    page.credentials.map(({ kind, lastUse }) => [kind, lastUse]),
    [['password', null]],
  );
  const record = await directory.signInRecord('anna');
  assert.equal(record?.outside, 'id of anna');
  assert.deepEqual(record.credentials, [], 'there is nothing here that a password could be checked against');
  assert.equal((await directory.signInRecord('here'))?.outside, null);
  assert.deepEqual(
    (await taken(directory, person('anna', { aliases: ['info@office.test'], quotaBytes: 5e9 })))[0]!.change,
    'same',
  );
  assert.deepEqual(await all(directory.outside.people()).then((known) => known.map(({ name }) => name)), [
    'anna@office.test',
  ]);
  await outside.begin(PLACE, ['office.test']);
  const audit = (await all(directory.audit('anna@office.test'))).map(({ actor, action }) => [actor, action]);
  assert.deepEqual(audit, [['LDAP', 'ldap.add']]);
});

test('whoever gets another name there gets it here, and the old one goes on as an alias', async (t) => {
  const { directory } = await office(t, person('anna', { aliases: ['info@office.test'] }));
  const { id } = await directory.account('anna@office.test');
  const renamed = person('anna', { addresses: ['lee@office.test'], displayName: 'Anna Lee' });
  const [lee] = await taken(directory, renamed);
  assert.deepEqual([lee!.change, lee!.name, lee!.problems], ['updated', 'lee@office.test', []]);
  assert.equal((await directory.account('lee@office.test')).id, id);
  const page = await directory.accountPage('lee@office.test');
  assert.equal(page.displayName, 'Anna Lee');
  assert.deepEqual(page.aliases, ['anna@office.test'], 'info@ went there, so it goes here');
  assert.equal((await taken(directory, renamed))[0]!.change, 'same');
  // Both names stand there: she keeps the one she has.
  await taken(directory, { ...renamed, addresses: ['anna@office.test', 'lee@office.test'] });
  assert.equal((await directory.account('lee@office.test')).id, id);
});

test('what somebody has here already is not taken over, and stops nobody else', async (t) => {
  const { directory, outside } = await office(t, person('ben'));
  const outcomes = await outside.takePeople([
    person('here'),
    person('anna', { aliases: ['here@office.test', 'ben@office.test'] }),
    person('ben', { addresses: ['here@office.test'] }),
    person('carl', { addresses: ['carl@elsewhere.test'] }),
    person('dora'),
  ]);
  const told = outcomes.map((outcome) => ('taken' in outcome ? outcome.taken.problems : [outcome.problem]));
  assert.match(told[0]![0]!, /here@office\.test is not this person's\. .*rainmail ldap adopt/);
  assert.equal(told[1]!.length, 2);
  assert.match(told[2]![0]!, /ben@office\.test is to be here@office\.test, which somebody else has/);
  assert.match(told[3]![0]!, /elsewhere\.test is not served here/);
  assert.deepEqual(told[4], []);
  assert.equal((await directory.accountPage('here@office.test')).source, null);
  assert.deepEqual((await directory.accountPage('anna@office.test')).aliases, []);
});

test('what lives outside is not changed here, and says where', async (t) => {
  const { directory, outside, admin } = await office(t, person('anna', { aliases: ['info@office.test'] }));
  await outside.takeGroups([{ externalId: 'g', name: 'Sales', description: 'who sells' }]);
  const anna = 'anna@office.test';
  const elsewhere = refused('directory.outside', /ldaps:\/\/ldap\.office\.test/);
  for (const attempt of [
    () => admin.accounts.setPassword(anna, 'a new one'),
    () => admin.accounts.setDisplayName(anna, 'Anne'),
    () => admin.accounts.rename(anna, 'anne@office.test'),
    () => admin.accounts.remove(anna),
    () => admin.aliases.remove('info@office.test'),
    () => admin.aliases.rename('info@office.test', 'other@office.test'),
    () => admin.groups.join('Sales', 'here@office.test'),
    () => admin.groups.leave('Sales', anna),
    () => admin.groups.rename('Sales', 'Shop'),
    () => admin.groups.remove('Sales'),
    () => admin.domains.rename('office.test', 'shop.test'),
    () => admin.accounts.add({ address: 'ben@office.test', password: PASSWORD, groups: ['Sales'] }),
    () =>
      admin.accounts.takePerson(
        { address: anna, secret: null, displayName: 'Anne', groups: [], aliases: [] },
        { update: true, check: false },
      ),
  ]) {
    await assert.rejects(attempt, elsewhere, String(attempt));
  }
  // What is added here is of here.
  await admin.aliases.add('own@office.test', anna);
  await admin.aliases.remove('own@office.test');
  await admin.groups.setAddress('Sales', 'sales@office.test');
  await admin.quotas.set({ scope: 'group', name: 'Sales' }, 1e9);
  await admin.appPasswords.add(anna, { label: 'phone', protocols: null });
  assert.equal((await directory.group('Sales')).description, 'from LDAP: who sells');
  assert.match(
    (await directory.changedElsewhere('anna@office.test', 'the password'))!,
    /ldap\.office\.test.*change the password there/,
  );
  assert.equal(await directory.changedElsewhere('here@office.test', 'the password'), null);
});

test('who may not sign in there is suspended here, and may again when they may there', async (t) => {
  const { directory, admin } = await office(t, person('anna'), person('ben'));
  const heard: string[] = [];
  directory.onState((_account, state) => {
    heard.push(state);
  });
  const state = async (name: string) => (await directory.account(`${name}@office.test`)).state;
  await taken(directory, person('anna', { active: false }));
  assert.deepEqual([await state('anna'), heard], ['suspended', ['suspended']]);
  await assert.rejects(
    admin.accounts.setState('anna@office.test', 'active'),
    refused('directory.outside', /disabled there/),
  );
  await taken(directory, person('anna'));
  assert.deepEqual([await state('anna'), heard], ['active', ['suspended', 'active']]);

  // An administrator's word goes before.
  await admin.accounts.setState('ben@office.test', 'suspended');
  await taken(directory, person('ben'));
  assert.equal(await state('ben'), 'suspended');
  await taken(directory, person('ben', { active: false }));
  await taken(directory, person('ben'));
  assert.equal(await state('ben'), 'suspended');
  await admin.accounts.setState('ben@office.test', 'active');
  assert.equal(await state('ben'), 'active');
});

test('who is gone there is suspended, never removed, and comes back as they were', async (t) => {
  const { directory, outside, admin } = await office(t, person('anna'), person('ben'));
  const { id } = await directory.account('anna@office.test');
  assert.equal((await outside.markGone(['id of anna', 'id of nobody'])).length, 1);
  assert.equal((await outside.markGone(['id of anna'])).length, 0);
  assert.equal((await directory.account('anna@office.test')).state, 'suspended');
  assert.equal((await directory.resolve('anna@office.test')).kind, 'accounts', 'mail is still taken');
  await taken(directory, person('anna'));
  assert.deepEqual(await directory.account('anna@office.test').then((now) => [now.id, now.state]), [id, 'active']);
  await outside.markGone(['id of anna']);
  await admin.accounts.remove('anna@office.test');
  await assert.rejects(directory.account('anna@office.test'));
  await assert.rejects(admin.accounts.remove('ben@office.test'), refused('directory.outside', /would be back/));
});

test('groups of the other directory carry quotas here, and are never removed with the rules that are set for them', async (t) => {
  const { directory, outside, admin } = await office(t, person('anna'), person('ben'));
  const named = async (name: string) => ({ account: (await directory.account(`${name}@office.test`)).id, name });
  const [anna, ben] = [await named('anna'), await named('ben')];
  const [outcome] = await outside.takeGroups([{ externalId: 'g', name: 'Sales', description: '' }]);
  assert.ok(outcome !== undefined && 'taken' in outcome);
  const group = outcome.taken;
  await admin.quotas.set({ scope: 'group', name: 'Sales' }, 1e9);
  await outside.changeMembers(group, { join: [anna, ben], leave: [] });
  assert.equal((await directory.account('anna@office.test')).quotaBytes, 1e9);
  await outside.changeMembers(group, { join: [], leave: [anna] });
  assert.equal((await directory.account('anna@office.test')).quotaBytes, null);
  assert.deepEqual(await all(directory.outside.members(group.id)), [{ account: ben.account, name: 'ben@office.test' }]);

  await outside.takeGroups([{ externalId: 'g', name: 'Shop', description: '' }]);
  assert.equal((await directory.group('Shop')).id, group.id);
  await outside.markGroupGone(group);
  assert.deepEqual(await all(directory.outside.groups()), []);
  assert.equal((await directory.group('Shop')).description, 'was in LDAP');
  await outside.takeGroups([{ externalId: 'g', name: 'Shop', description: '' }]);
  assert.deepEqual(await all(directory.outside.groups()), [{ id: group.id, externalId: 'g', name: 'Shop' }]);
  await outside.markGroupGone(group);
  await admin.groups.remove('Shop');

  await admin.groups.add('Own');
  const [conflict] = await outside.takeGroups([{ externalId: 'h', name: 'Own', description: '' }]);
  assert.match(JSON.stringify(conflict), /There is a group Own already/);
});

test('a group that grew too large for mail gives its address up, and the audit says so', async (t) => {
  const { directory, outside, admin, engine } = await office(t);
  const [outcome] = await outside.takeGroups([{ externalId: 'g', name: 'All', description: '' }]);
  assert.ok(outcome !== undefined && 'taken' in outcome);
  await admin.groups.setAddress('All', 'all@office.test');
  await engine.write(async (tx) => {
    for (let id = 1_000; id < 3_000; id++) await tx.run(JOIN, outcome.taken.id, id);
  });
  const here = { account: (await directory.account('here@office.test')).id as AccountId, name: 'here@office.test' };
  assert.equal(await outside.changeMembers(outcome.taken, { join: [here], leave: [] }), 'all@office.test');
  assert.equal((await directory.group('All')).address, null);
});

test('an account made here becomes that of a person there when an administrator says so, and may come back', async (t) => {
  const { directory, outside, admin } = await office(t);
  const { id } = await directory.account('here@office.test');
  await outside.adopt('the test', person('here', { displayName: 'Here' }));
  const record = await directory.signInRecord('here@office.test');
  assert.deepEqual([record?.account.id, record?.outside, record?.credentials], [id, 'id of here', []]);
  await assert.rejects(outside.adopt('the test', person('here')), refused('directory.exists', /already/));
  // Somebody who was removed there and added anew is another one there, until an administrator says who they are.
  await outside.markGone(['id of here']);
  const anew = person('here', { externalId: 'another id' });
  assert.match(JSON.stringify(await outside.takePeople([anew])), /rainmail ldap adopt/);
  assert.deepEqual(await outside.adopt('the test', anew).then(({ account, state }) => [account, state]), [
    id,
    'active',
  ]);
  await outside.release('the test', 'here@office.test');
  await admin.accounts.setPassword('here@office.test', PASSWORD);
  assert.equal((await directory.signInRecord('here@office.test'))?.credentials.length, 1);
  await assert.rejects(outside.release('the test', 'here@office.test'), refused('directory.missing', /already/));
});
