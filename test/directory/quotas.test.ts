import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { Directory as OpenDirectory } from '../../src/directory/directory.ts';
import { decide, setRule } from '../../src/directory/quotas.ts';
import { EVERYONE } from '../../src/directory/subject.ts';
import type { QuotaRule, SubjectScope } from '../../src/directory/types.ts';
import { setQuota, unsetQuota } from '../../src/server/admin/quotas.ts';
import { PAGE_ROWS } from '../../src/store/engine/engine.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { SqliteEngine } from '../../src/store/engine/sqlite.ts';
import { FIRST_SCHEMA } from '../../src/store/schema/0001-first.ts';
import { ImapDevice, LineClient } from '../helpers/line-client.ts';
import { PASSWORD as OFFICE_PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import fc from '../helpers/properties.ts';
import { openOffice } from './office.ts';

const GB = 2 ** 30;
const ANNA = 'anna@office.test';
const BEN = 'ben@shop.test';

const quotaOf = async (directory: Directory, name: string) => (await directory.account(name)).quotaBytes;

test('the nearest quota counts: of the account, the largest of its groups, the domain, everyone', async (t) => {
  const { directory } = await openOffice(t, { domains: ['office.test', 'shop.test'], people: [ANNA, BEN] });
  const changes = directory.by('the test');
  const both = async () => [await quotaOf(directory, ANNA), await quotaOf(directory, BEN)];
  await changes.groups.add('Small');
  await changes.groups.add('Large');
  await changes.groups.join('Small', ANNA, BEN);

  assert.deepEqual(await both(), [null, null]);
  await changes.quotas.set({ scope: 'everyone', name: '' }, 1 * GB);
  assert.deepEqual(await both(), [1 * GB, 1 * GB]);
  await changes.quotas.set({ scope: 'domain', name: 'SHOP.test' }, 2 * GB);
  assert.deepEqual(await both(), [1 * GB, 2 * GB]);
  await changes.quotas.set({ scope: 'group', name: 'Small' }, 3 * GB);
  await changes.quotas.set({ scope: 'group', name: 'Large' }, 4 * GB);
  assert.deepEqual(await both(), [3 * GB, 3 * GB]);
  await changes.groups.join('Large', ANNA);
  assert.deepEqual(await both(), [4 * GB, 3 * GB]);
  await changes.quotas.set({ scope: 'account', name: 'Anna@office.test' }, 5 * GB);
  await changes.quotas.set({ scope: 'group', name: 'Small' }, null);
  assert.deepEqual(await both(), [5 * GB, null]);

  const { quotaBytes, rules } = await directory.quotaOf(ANNA);
  assert.equal(quotaBytes, 5 * GB);
  assert.deepEqual(
    rules.map(({ scope, name }) => `${scope} ${name}`.trim()),
    [`account ${ANNA}`, 'group Small', 'group Large', 'everyone'],
  );

  await changes.quotas.unset({ scope: 'account', name: ANNA });
  await changes.groups.remove('Small');
  assert.deepEqual(await both(), [4 * GB, 2 * GB]);
  await changes.groups.leave('Large', ANNA);
  await changes.accounts.rename(BEN, 'ben@office.test');
  assert.deepEqual([await quotaOf(directory, ANNA), await quotaOf(directory, 'ben@office.test')], [1 * GB, 1 * GB]);
  await changes.quotas.unset({ scope: 'everyone', name: '' });
  assert.equal(await quotaOf(directory, ANNA), null);
  await assert.rejects(changes.quotas.unset({ scope: 'everyone', name: '' }), { code: 'directory.missing' });
  await assert.rejects(changes.quotas.set({ scope: 'group', name: 'Nobody' }, GB), { code: 'directory.missing' });

  const later = await changes.accounts.add({ address: 'dora@shop.test', password: 'secret', groups: ['Large'] });
  assert.equal(later.quotaBytes, 4 * GB);
  assert.deepEqual(await Array.fromAsync(directory.quotas()), [
    { scope: 'domain', name: 'shop.test', bytes: 2 * GB },
    { scope: 'group', name: 'Large', bytes: 4 * GB },
  ] satisfies QuotaRule[]);
});

test('what is decided is what the first kind of rule says that there is', () => {
  const bytes = fc.option(fc.nat(1_000), { nil: null });
  const rule = (scope: SubjectScope) =>
    fc.option(
      bytes.map((value) => ({ scope, name: 'x', bytes: value })),
      { nil: undefined },
    );
  const groups = fc.array(
    bytes.map((value): QuotaRule => ({ scope: 'group', name: 'g', bytes: value })),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(rule('account'), groups, rule('domain'), rule('everyone'), (account, inGroups, domain, everyone) => {
      const { quotaBytes, rules } = decide({ account, groups: inGroups, domain, everyone });
      const largest = inGroups.some((one) => one.bytes === null)
        ? null
        : Math.max(...inGroups.map((one) => one.bytes as number));
      const expected =
        account !== undefined
          ? account.bytes
          : inGroups.length > 0
            ? largest
            : domain !== undefined
              ? domain.bytes
              : (everyone?.bytes ?? null);
      assert.equal(quotaBytes, expected);
      assert.equal(rules[0]?.bytes ?? null, expected);
    }),
  );
});

test('a quota for everyone that was interrupted is finished at the next start, however many they are', async (t) => {
  const { engine, directory, reopen } = await openOffice(t, { people: [ANNA] });
  const many = 2 * PAGE_ROWS + 7;
  await engine.write(async (tx) => {
    for (let number = 0; number < many; number++) await tx.run(COPY, 1_000 + number, `copy${number}@office.test`);
  });
  await engine.write((tx) => setRule(tx, 'everyone', EVERYONE, GB)); // and here the machine dies
  assert.equal(await quotaOf(directory, ANNA), null);
  const again = await reopen();
  for await (const { name, quotaBytes } of again.accounts()) assert.equal(quotaBytes, GB, name);
  assert.equal(await quotaOf(again, ANNA), GB);
});
const COPY = sql(`
  INSERT INTO account (account_id, name, state, modseq, min_modseq, next_id, next_uidvalidity, used_bytes, used_count, retained_bytes,
    retained_count, quota_bytes, created) VALUES (?, ?, 'active', 1, 0, 1, 1, 0, 0, 0, 0, NULL, 0)`);

test('quotas of the first version become quotas of their accounts', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-quotas-'));
  const path = join(folder, 'mail.db');
  const first = new DatabaseSync(path);
  for (const statement of FIRST_SCHEMA) first.exec(statement);
  first.exec(
    'CREATE TABLE migration (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL)',
  );
  first.exec("INSERT INTO migration VALUES (1, 'first', 0)");
  const account = (id: number, name: string, quota: string) =>
    first.exec(`INSERT INTO account VALUES (${id}, '${name}', 'active', 1, 0, 1, 1, 0, 0, 0, 0, ${quota}, 0)`);
  account(3, ANNA, '5000');
  account(4, 'ben@office.test', 'NULL');
  account(9, 'carl@office.test', String(2 ** 40));
  first.close();

  const engine = await SqliteEngine.open({ path });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const directory = await OpenDirectory.open(engine);
  assert.deepEqual(await Array.fromAsync(directory.quotas()), [
    { scope: 'account', name: ANNA, bytes: 5_000 },
    { scope: 'account', name: 'carl@office.test', bytes: 2 ** 40 },
  ]);
  await directory.by('the test').quotas.set({ scope: 'everyone', name: '' }, 700);
  const quotas = [ANNA, 'ben@office.test', 'carl@office.test'].map((name) => quotaOf(directory, name));
  assert.deepEqual(await Promise.all(quotas), [5_000, 700, 2 ** 40]);
});

async function rcpt(office: TrialOffice, person: string, bytes: number): Promise<string> {
  const client = await LineClient.connect(office.port('smtp'));
  await client.reply('220');
  await client.ask('EHLO elsewhere.test', '250');
  await client.ask(`MAIL FROM:<a@elsewhere.test> SIZE=${bytes}`, '250');
  client.send(`RCPT TO:<${person}>\r\n`);
  const reply = await client.line();
  client.close();
  return reply;
}

test('a quota of the domain, set while people are signed in, counts at the next RCPT and the next APPEND', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const session = await ImapDevice.signIn(office.port('imap'), ANNA, OFFICE_PASSWORD);
  const message = `Subject: large\r\n\r\n${'x'.repeat(5_000)}\r\n`;
  await session.append('INBOX', message);
  assert.match(await rcpt(office, ANNA, 2_000), /^250 /);

  await perform(setQuota, { scope: 'domain', name: 'office.test', bytes: 6_000 }, office);
  assert.match(await rcpt(office, ANNA, 2_000), /^452 4\.2\.2 /);
  const append = `APPEND INBOX {${message.length}+}\r\n${message}`;
  assert.match((await session.try(append)).text, /^NO \[OVERQUOTA\] /);

  await perform(unsetQuota, { scope: 'domain', name: 'office.test' }, office);
  assert.match(await rcpt(office, ANNA, 2_000), /^250 /);
  assert.match((await session.try(append)).text, /^OK /);
  session.close();
});
