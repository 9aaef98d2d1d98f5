import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directory } from '../../src/directory/directory.ts';
import { type RefusalCode, Refused } from '../../src/errors.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { all, openOffice, PASSWORD } from './office.ts';

const refusal = (code: RefusalCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Refused, String(error));
  assert.equal(error.code, code);
  if (text !== undefined) assert.match(error.message, text);
  return true;
};

async function reached(directory: Directory, address: string): Promise<readonly string[] | string> {
  const resolved = await directory.resolve(address);
  return resolved.kind === 'accounts' ? resolved.accounts.map(({ name }) => name) : resolved.kind;
}

const MAILBOXES = sql<readonly [name: string, role: string, subscribed: number]>(
  'SELECT name, role, subscribed FROM mailbox WHERE account_id = ? ORDER BY mailbox_id',
);
const GROUPS = sql<readonly [group: string]>(`
  SELECT g.name FROM person_group g JOIN membership m ON m.group_id = g.group_id JOIN person p ON p.person_id = m.person_id
  WHERE p.account_id = ? ORDER BY g.name`);

test('a new account has the mailboxes everybody has, subscribed, with their special uses', async (t) => {
  const { directory, engine } = await openOffice(t);
  const anna = await directory.by('the test').accounts.add({
    address: 'Anna@Office.test',
    password: PASSWORD,
    displayName: ' Anna Weber ',
    quotaBytes: 1_000_000,
    groups: ['sales', 'sales', ' board '],
  });

  assert.deepEqual(
    { ...anna, id: undefined },
    { id: undefined, name: 'anna@office.test', displayName: 'Anna Weber', quotaBytes: 1_000_000, state: 'active' },
  );
  assert.deepEqual(
    (await engine.read(async (tx) => tx.all(MAILBOXES, anna.id))).map((row) => [...row]),
    [
      ['INBOX', 'inbox', 1],
      ['Drafts', 'drafts', 1],
      ['Sent', 'sent', 1],
      ['Archive', 'archive', 1],
      ['Junk', 'junk', 1],
      ['Trash', 'trash', 1],
    ],
  );
  assert.deepEqual((await engine.read(async (tx) => tx.all(GROUPS, anna.id))).flat(), ['board', 'sales']);
  assert.deepEqual(await directory.account('ANNA@office.test'), anna);
});

test('what was added is there after a restart, and the secret is the same', async (t) => {
  const { directory, reopen } = await openOffice(t, { people: ['anna@office.test'] });
  await directory.by('the test').startTrial();
  const again = await reopen();
  assert.deepEqual(await again.domains(), ['office.test']);
  assert.deepEqual(
    (await all(again.accounts())).map(({ name }) => name),
    ['anna@office.test'],
  );
  assert.deepEqual(again.secret, directory.secret);
  assert.equal(again.trial, true);
});

test('an account needs a free address in a domain of ours and a password that can be sent', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  await directory.by('the test').aliases.add('info@office.test', 'anna@office.test');
  const add = (address: string, password = PASSWORD) => directory.by('the test').accounts.add({ address, password });

  await assert.rejects(add('anna@office.test'), refusal('directory.exists'));
  await assert.rejects(add('info@office.test'), refusal('directory.exists', /alias remove/));
  await assert.rejects(add('ben@elsewhere.test'), refusal('directory.missing', /domain add elsewhere\.test/));
  await assert.rejects(add('ben'), refusal('directory.invalid', /anna@example\.com/));
  await assert.rejects(add('ben@office.test', ''), refusal('directory.invalid', /empty/));
  await assert.rejects(add('ben@office.test', 'x'.repeat(1_025)), refusal('directory.invalid', /too long/));
  await assert.rejects(add('ben@office.test', 'tab\there'), refusal('directory.invalid', /control/));
  await assert.rejects(
    directory
      .by('the test')
      .accounts.add({ address: 'ben@office.test', password: PASSWORD, displayName: 'two\nlines' }),
    refusal('directory.invalid'),
  );
  for (const quotaBytes of [0, -1, 1.5, Number.NaN]) {
    await assert.rejects(
      directory.by('the test').accounts.add({ address: 'ben@office.test', password: PASSWORD, quotaBytes }),
      refusal('directory.invalid'),
    );
  }
  assert.deepEqual(
    (await all(directory.accounts())).map(({ name }) => name),
    ['anna@office.test'],
  );
});

test('two who add the same account at the same time: one gets it', async (t) => {
  const { directory } = await openOffice(t);
  const add = () => directory.by('the test').accounts.add({ address: 'anna@office.test', password: PASSWORD });
  const results = await Promise.allSettled([add(), add(), add()]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
});

test('mail is for an account, an alias, nobody or somewhere else', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test', 'ben@office.test'] });
  await directory.by('the test').aliases.add('Team@office.test', 'anna@office.test');
  await directory.by('the test').aliases.add('team@OFFICE.test', 'ben@office.test');

  assert.deepEqual(await reached(directory, 'ANNA@Office.Test'), ['anna@office.test']);
  assert.deepEqual(await reached(directory, '"team"@office.test'), ['anna@office.test', 'ben@office.test']);
  assert.equal(await reached(directory, 'nobody@office.test'), 'unknown');
  assert.equal(await reached(directory, 'bad..name@office.test'), 'unknown');
  assert.equal(await reached(directory, 'anna@elsewhere.test'), 'foreign');
  assert.equal(await reached(directory, 'bad..name@elsewhere.test'), 'foreign');
  assert.equal(await reached(directory, 'anna@[127.0.0.1]'), 'foreign');
  assert.equal(await reached(directory, 'anna'), 'unknown');
});

test('an address asked for before is answered at once, and anew after a change', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test', 'ben@office.test'] });
  assert.equal(await reached(directory, 'info@office.test'), 'unknown');
  assert.ok(!(directory.resolve('info@office.test') instanceof Promise));

  await directory.by('the test').aliases.add('info@office.test', 'anna@office.test');
  assert.deepEqual(await reached(directory, 'info@office.test'), ['anna@office.test']);
  await directory.by('the test').aliases.add('info@office.test', 'ben@office.test');
  assert.deepEqual(await reached(directory, 'info@office.test'), ['anna@office.test', 'ben@office.test']);
  await directory.by('the test').aliases.remove('info@office.test', 'anna@office.test');
  assert.deepEqual(await reached(directory, 'info@office.test'), ['ben@office.test']);
  await directory.by('the test').accounts.remove('ben@office.test');
  assert.equal(await reached(directory, 'info@office.test'), 'unknown');
  assert.equal(await reached(directory, 'ben@office.test'), 'unknown');
});

test('what is asked while a change is under way is not remembered beyond it', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const asked = [];
  const change = directory.by('the test').aliases.add('info@office.test', 'anna@office.test');
  for (let turn = 0; turn < 5; turn++) {
    asked.push(directory.resolve('info@office.test'));
    await new Promise(setImmediate);
  }
  await change;
  await Promise.all(asked);
  assert.deepEqual(await reached(directory, 'info@office.test'), ['anna@office.test']);
});

test('postmaster of every domain reaches somebody', async (t) => {
  const { directory } = await openOffice(t, { domains: ['office.test', 'shop.test'] });
  assert.equal(await reached(directory, 'postmaster@office.test'), 'unknown'); // there is nobody at all
  for (const address of ['anna@office.test', 'ben@office.test']) {
    await directory.by('the test').accounts.add({ address, password: PASSWORD });
  }

  assert.deepEqual(await reached(directory, 'PostMaster@office.test'), ['anna@office.test']);
  assert.deepEqual(await reached(directory, 'postmaster@shop.test'), ['anna@office.test']);
  assert.deepEqual(await reached(directory, 'Postmaster'), ['anna@office.test']);
  assert.equal(await reached(directory, 'postmaster@elsewhere.test'), 'foreign');

  await directory.by('the test').aliases.add('postmaster@office.test', 'ben@office.test');
  assert.deepEqual(await reached(directory, 'postmaster@office.test'), ['ben@office.test']);
});

test('an alias leads to accounts only here, so mail never goes round in circles', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  await directory.by('the test').aliases.add('info@office.test', 'anna@office.test');

  await assert.rejects(
    directory.by('the test').aliases.add('more@office.test', 'info@office.test'),
    refusal('directory.missing'),
  );
  await assert.rejects(
    directory.by('the test').aliases.add('info@office.test', 'info@office.test'),
    refusal('directory.missing'),
  );
  await assert.rejects(
    directory.by('the test').aliases.add('anna@office.test', 'anna@office.test'),
    refusal('directory.exists'),
  );
  await assert.rejects(
    directory.by('the test').aliases.add('info@office.test', 'anna@office.test'),
    refusal('directory.exists'),
  );
  await assert.rejects(
    directory.by('the test').aliases.add('info@elsewhere.test', 'anna@office.test'),
    refusal('directory.missing'),
  );
  assert.deepEqual(await all(directory.aliases()), [
    { address: 'info@office.test', accounts: ['anna@office.test'], elsewhere: [] },
  ]);

  await directory.by('the test').aliases.remove('info@office.test');
  await assert.rejects(directory.by('the test').aliases.remove('info@office.test'), refusal('directory.missing'));
  assert.deepEqual(await all(directory.aliases()), []);
});

test('a group holds people, and whoever puts a group into it hears so', async (t) => {
  const { directory } = await openOffice(t, { people: ['anna@office.test'] });
  const { groups } = directory.by('the test');
  await groups.add('Sales', { address: 'sales@office.test' });
  await groups.add('All');
  const nested = refusal('directory.invalid', /sales@office\.test is the group Sales, .* Put its members in/);
  await assert.rejects(groups.join('All', 'anna@office.test', 'sales@office.test'), nested);
});

test('a domain goes only when nobody has an address in it', async (t) => {
  const { directory } = await openOffice(t, { domains: ['office.test', 'shop.test'], people: ['anna@office.test'] });
  await directory.by('the test').aliases.add('info@shop.test', 'anna@office.test');

  await assert.rejects(
    directory.by('the test').domains.remove('office.test'),
    refusal('directory.invalid', /anna@office\.test/),
  );
  await assert.rejects(
    directory.by('the test').domains.remove('shop.test'),
    refusal('directory.invalid', /info@shop\.test/),
  );
  await directory.by('the test').accounts.remove('anna@office.test');
  await directory.by('the test').domains.remove('OFFICE.test');
  await directory.by('the test').domains.remove('shop.test');
  await assert.rejects(directory.by('the test').domains.remove('shop.test'), refusal('directory.missing'));
  assert.deepEqual(await directory.domains(), []);
  await assert.rejects(directory.by('the test').domains.add('not a domain'), refusal('directory.invalid'));
});

test('a removed account leaves its name free and nothing of its credentials', async (t) => {
  const { directory, engine } = await openOffice(t, { people: ['anna@office.test'] });
  const before = await directory.account('anna@office.test');
  await directory.by('the test').accounts.remove('anna@office.test');
  await assert.rejects(directory.by('the test').accounts.remove('anna@office.test'), refusal('directory.missing'));
  assert.equal(await directory.signInRecord('anna@office.test'), null);
  assert.deepEqual(await all(directory.accounts()), []);
  assert.deepEqual(await engine.read(async (tx) => tx.all(CREDENTIALS, before.id)), []);

  const after = await directory.by('the test').accounts.add({ address: 'anna@office.test', password: PASSWORD });
  assert.notEqual(after.id, before.id);
});
const CREDENTIALS = sql('SELECT hash FROM credential WHERE account_id = ?');

test('somebody signs in by address, or by the name alone where it is unambiguous', async (t) => {
  const { directory } = await openOffice(t, {
    domains: ['office.test', 'shop.test'],
    people: ['anna@office.test', 'ben@office.test', 'ben@shop.test'],
  });
  await directory.by('the test').aliases.add('info@office.test', 'anna@office.test');
  const found = async (name: string) => (await directory.signInRecord(name))?.account.name ?? null;

  assert.equal(await found('Anna@OFFICE.test'), 'anna@office.test');
  assert.equal(await found('ANNA'), 'anna@office.test');
  assert.equal(await found('ben'), null);
  assert.equal(await found('ben@shop.test'), 'ben@shop.test');
  assert.equal(await found('info@office.test'), null); // an alias is nobody
  assert.equal(await found(''), null);
  assert.equal(await found('%'), null);
  await directory.by('the test').accounts.remove('ben@shop.test');
  assert.equal(await found('ben'), 'ben@office.test');
});

test('a trial office takes only domains that belong to nobody', async (t) => {
  const { directory } = await openOffice(t);
  await directory.by('the test').startTrial();
  await directory.by('the test').domains.add('second.example');
  await assert.rejects(
    directory.by('the test').domains.add('rainmail.com'),
    refusal('directory.invalid', /trial office.*--config/),
  );
  await assert.rejects(
    directory.by('the test').accounts.add({ address: 'anna@rainmail.com', password: PASSWORD, makeDomain: true }),
    refusal('directory.invalid', /trial office/),
  );
});

test('a quota is set and lifted, a long list of accounts comes whole and in order', async (t) => {
  const { directory, engine } = await openOffice(t, { people: ['anna@office.test'] });
  await directory.by('the test').quotas.set({ scope: 'account', name: 'anna@office.test' }, 5_000);
  assert.equal((await directory.account('anna@office.test')).quotaBytes, 5_000);
  await directory.by('the test').quotas.set({ scope: 'account', name: 'anna@office.test' }, null);
  assert.equal((await directory.account('anna@office.test')).quotaBytes, null);
  await assert.rejects(
    directory.by('the test').quotas.set({ scope: 'account', name: 'ben@office.test' }, 1),
    refusal('directory.missing'),
  );

  await engine.write(async (tx) => {
    for (let number = 0; number < 1_001; number++) await tx.run(COPY, 1_000 + number, `copy${number}@office.test`);
  });
  const names = (await all(directory.accounts())).map(({ name }) => name);
  assert.equal(names.length, 1_002);
  assert.deepEqual(names, [...names].sort());
});
const COPY = sql(`
  INSERT INTO account (account_id, name, state, modseq, min_modseq, next_id, next_uidvalidity, used_bytes, used_count, retained_bytes,
    retained_count, quota_bytes, created) VALUES (?, ?, 'active', 1, 0, 1, 1, 0, 0, 0, 0, NULL, 0)`);
