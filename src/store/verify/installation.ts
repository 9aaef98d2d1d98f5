/** What must be true of rows that belong to no account, or to one that is gone; and setting it right. */
import { domainOf } from '../../message/addresses.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { type Sql, sql } from '../engine/sql.ts';
import { type AccountId, nowSeconds } from '../ids.ts';
import { nextNumber } from '../operations/accounts.ts';
import { emailKeyOf, emailKeysOf } from '../operations/email-key.ts';
import { forgottenDestinations, reschedule } from '../operations/queue-destination.ts';
import type { Finding } from './finding.ts';

const KNOWN = sql<readonly [account: number]>('SELECT account_id FROM account WHERE account_id = ?');
/** The next account that has rows of mail. */
const NEXT_OWNERS = ['mailbox', 'message', 'retained'].map((table) =>
  sql<readonly [account: number]>(`SELECT account_id FROM ${table} WHERE account_id > ? ORDER BY account_id LIMIT 1`),
);
const NEXT_EMAIL = sql<readonly [key: number]>(
  'SELECT email_key FROM email WHERE email_key > ? ORDER BY email_key LIMIT 1',
);
const PERSONS = sql<readonly [account: number]>(
  'SELECT account_id FROM person WHERE account_id NOT IN (SELECT account_id FROM account)',
);
const HAS_PERSON = sql<readonly [person: number]>('SELECT person_id FROM person WHERE account_id = ?');
const A_DOMAIN = sql<readonly [name: string]>('SELECT name FROM domain ORDER BY domain_id LIMIT 1');
const NAMED = sql<readonly [account: number]>('SELECT account_id FROM account WHERE name = ?');
const INSERT_ACCOUNT = sql(`
  INSERT INTO account (account_id, name, state, modseq, min_modseq, next_id, next_uidvalidity, used_bytes, used_count, retained_bytes,
    retained_count, quota_bytes, created) VALUES (?, ?, 'suspended', 1, 1, 2, ?, 0, 0, 0, 0, NULL, ?)`);
const INSERT_PERSON = sql(`
  INSERT INTO person (person_id, account_id, display_name, scram_salt, scram_iterations, created) VALUES (?, ?, '', NULL, NULL, ?)`);

/** Counters, and what they number. */
const COUNTERS = [
  ['account', 'account', 'account_id'],
  ['person', 'person', 'person_id'],
  ['group', 'person_group', 'group_id'],
  ['domain', 'domain', 'domain_id'],
  ['audit', 'audit', 'audit_id'],
  ['policy', 'policy', 'policy_id'],
  ['credential', 'credential', 'credential_id - 1'],
].map(([counter, table, column]) => ({
  counter: counter!,
  highest: sql<readonly [highest: number | null]>(`SELECT max(${column}) FROM ${table}`),
}));
const COUNTER = sql<readonly [value: number]>('SELECT value FROM counter WHERE name = ?');
const NAMES_AFTER = sql<readonly [account: number, name: string]>(
  'SELECT a.account_id, a.name FROM account a JOIN person p ON p.account_id = a.account_id WHERE a.account_id > ? ORDER BY a.account_id LIMIT 1000',
);
const DOMAIN_NAMED = sql<readonly [domain: number]>('SELECT domain_id FROM domain WHERE name = ?');
const INSERT_DOMAIN = sql('INSERT INTO domain (domain_id, name, created) VALUES (?, ?, ?)');
const SET_COUNTER = sql(
  'INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
);

/** Rows of the directory and the queue that lead nowhere. */
const DANGLING: readonly {
  readonly what: string;
  readonly select: Sql<readonly [name: string]>;
  readonly remove: Sql;
}[] = [
  [
    'alias',
    'address',
    'account_id NOT IN (SELECT account_id FROM account)',
    'an alias leads to an account that does not exist',
  ],
  [
    'credential',
    'CAST(account_id AS TEXT)',
    'account_id NOT IN (SELECT account_id FROM account)',
    'a password belongs to no account',
  ],
  [
    'membership',
    'CAST(person_id AS TEXT)',
    'person_id NOT IN (SELECT person_id FROM person)',
    'a group has a member who does not exist',
  ],
  [
    'membership',
    'CAST(group_id AS TEXT)',
    'group_id NOT IN (SELECT group_id FROM person_group)',
    'somebody is in a group that does not exist',
  ],
  [
    'policy',
    "scope || ' ' || CAST(subject_id AS TEXT) || ' ' || setting",
    `(scope = 'account' AND subject_id NOT IN (SELECT account_id FROM account))
      OR (scope = 'group' AND subject_id NOT IN (SELECT group_id FROM person_group))
      OR (scope = 'domain' AND subject_id NOT IN (SELECT domain_id FROM domain))
      OR scope NOT IN ('account', 'group', 'domain', 'everyone')`,
    'a quota or a setting of the access policy is for nobody who exists',
  ],
  [
    'forwarding_target',
    'address',
    'account_id NOT IN (SELECT account_id FROM account) OR account_id NOT IN (SELECT account_id FROM forwarding)',
    'mail of nobody is forwarded',
  ],
  [
    'forwarding',
    'CAST(account_id AS TEXT)',
    'account_id NOT IN (SELECT account_id FROM forwarding_target) OR account_id NOT IN (SELECT account_id FROM account)',
    'somebody forwards mail who does not exist, or to nobody',
  ],
  [
    'group_outsider',
    'address',
    'group_id NOT IN (SELECT group_id FROM person_group)',
    'an address elsewhere is in a group that does not exist',
  ],
  [
    'group_poster',
    'address',
    'group_id NOT IN (SELECT group_id FROM person_group)',
    'somebody may post to a group that does not exist',
  ],
  [
    'queue_message',
    'CAST(queue_id AS TEXT)',
    `${emailKeyOf('queue_message')} NOT IN (SELECT email_key FROM email)`,
    'a message in the queue has lost its content',
  ],
  [
    'queue_recipient',
    "CAST(queue_id AS TEXT) || ' ' || address",
    'queue_id NOT IN (SELECT queue_id FROM queue_message)',
    'somebody waits for a message that is not in the queue',
  ],
  [
    'queue_message',
    'CAST(queue_id AS TEXT)',
    'queue_id NOT IN (SELECT queue_id FROM queue_recipient)',
    'nobody waits for a message in the queue',
  ],
].map(([table, name, where, what]) => ({
  what: what!,
  select: sql<readonly [name: string]>(`SELECT ${name} FROM ${table} WHERE ${where}`),
  remove: sql(`DELETE FROM ${table} WHERE ${where}`),
}));

export function checkInstallation(tx: Reader): Promise<readonly Finding[]> {
  return inspect(tx, null);
}

/** @returns what was found and mended */
export function mendInstallation(tx: Writer): Promise<readonly Finding[]> {
  return inspect(tx, tx);
}

async function inspect(tx: Reader, writer: Writer | null): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const find = async (finding: Finding, mended: string, mend: (tx: Writer) => Promise<void>): Promise<void> => {
    findings.push(writer === null ? finding : { ...finding, text: `${finding.text}: ${mended}` });
    if (writer !== null) await mend(writer);
  };
  for (const account of await strays(tx)) {
    await find(
      { code: 'account', text: `there is mail of an account (${account}) that does not exist` },
      'it is there again, suspended, under a name that begins with “recovered”',
      (tx) => makeAccount(tx, account),
    );
  }
  for (const { counter, highest } of COUNTERS) {
    const value = (await tx.get(COUNTER, counter))?.[0] ?? 0;
    const used = (await tx.get(highest))?.[0] ?? 0;
    if (used <= value) continue;
    await find(
      { code: 'item', text: `the number ${used} of ${counter} is in use, the last one given is ${value}` },
      'raised',
      async (tx) => void (await tx.run(SET_COUNTER, counter, used)),
    );
  }
  for (const domain of await missingDomains(tx)) {
    await find(
      { code: 'account', text: `there are accounts of the domain ${domain}, which does not exist` },
      'it is there again, with the settings of a new one',
      async (tx) => void (await tx.run(INSERT_DOMAIN, await nextNumber(tx, 'domain'), domain, nowSeconds())),
    );
  }
  for (const { what, select, remove } of DANGLING) {
    const names = (await tx.all(select)).map(([name]) => name);
    if (names.length === 0) continue;
    await find(
      { code: 'account', text: `${what} (${names.slice(0, 20).join(', ')})` },
      'removed',
      async (tx) => void (await tx.run(remove)),
    );
  }
  for (const destination of await forgottenDestinations(tx)) {
    await find(
      { code: 'queue', text: `mail waits for ${destination}, which would never be tried` },
      'it is tried as soon as something is due',
      (tx) => reschedule(tx, destination),
    );
  }
  return findings;
}

/** Accounts of which there is mail, or a person, but no row. */
async function strays(tx: Reader): Promise<AccountId[]> {
  const owners = new Set<number>();
  for (const statement of NEXT_OWNERS) {
    for (let row = await tx.get(statement, 0); row !== undefined; row = await tx.get(statement, row[0]))
      owners.add(row[0]);
  }
  for (let after = 0; ; ) {
    const row = await tx.get(NEXT_EMAIL, after);
    if (row === undefined) break;
    const owner = Math.floor(row[0] / emailKeysOf(1 as AccountId)[0]);
    owners.add(owner);
    after = emailKeysOf(owner as AccountId)[1];
  }
  for (const [owner] of await tx.all(PERSONS)) owners.add(owner);
  const missing: AccountId[] = [];
  for (const owner of owners) if ((await tx.get(KNOWN, owner)) === undefined) missing.push(owner as AccountId);
  return missing.sort((a, b) => a - b);
}

/** Domains that people's accounts are of, and that are not there: their mail would be refused. */
async function missingDomains(tx: Reader): Promise<string[]> {
  const domains = new Set<string>();
  for (let after = 0; ; ) {
    const rows = await tx.all(NAMES_AFTER, after);
    for (const [, name] of rows) if (name.includes('@')) domains.add(domainOf(name));
    if (rows.length === 0) break;
    after = rows.at(-1)![0];
  }
  const missing: string[] = [];
  for (const domain of domains) if ((await tx.get(DOMAIN_NAMED, domain)) === undefined) missing.push(domain);
  return missing;
}

/** Its numbers and folders follow from its mail (account.ts). Its name is lost: an administrator gives it one. */
async function makeAccount(tx: Writer, account: AccountId): Promise<void> {
  const domain = (await tx.get(A_DOMAIN))?.[0] ?? 'recovered.invalid';
  let name = `recovered-${account}@${domain}`;
  for (let more = 2; (await tx.get(NAMED, name)) !== undefined; more++) name = `recovered-${account}-${more}@${domain}`;
  await tx.run(INSERT_ACCOUNT, account, name, nowSeconds(), nowSeconds());
  if ((await tx.get(HAS_PERSON, account)) === undefined)
    await tx.run(INSERT_PERSON, await nextNumber(tx, 'person'), account, nowSeconds());
}
