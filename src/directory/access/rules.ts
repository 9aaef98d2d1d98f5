/** The rules of the access policy in the store: rows of `policy`, as quotas are. */
import { Lru } from '../../lru.ts';
import { domainOf } from '../../message/addresses.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import type { AccountId } from '../../store/ids.ts';
import { nextNumber } from '../../store/operations/accounts.ts';
import { EVERYONE } from '../subject.ts';
import type { SubjectScope } from '../types.ts';
import type { PolicyRule } from './decide.ts';
import { settingNamed } from './settings.ts';

type Row = readonly [scope: string, name: string, rank: number, setting: string, value: string];

/** Everyone's, and those of a domain. */
const GENERAL = `
  SELECT p.scope, '', 0, p.setting, p.value FROM policy p WHERE p.scope = 'everyone' AND p.subject_id = ${EVERYONE}
  UNION ALL
  SELECT p.scope, d.name, 0, p.setting, p.value FROM domain d JOIN policy p ON p.scope = 'domain' AND p.subject_id = d.domain_id
  WHERE d.name = ?`;
const OF_DOMAIN = sql<Row>(GENERAL);
const OF_ACCOUNT = sql<Row>(`
  ${GENERAL}
  UNION ALL
  SELECT q.scope, g.name, g.rank, q.setting, q.value
  FROM person o CROSS JOIN membership m CROSS JOIN person_group g CROSS JOIN policy q
  WHERE o.account_id = ? AND m.person_id = o.person_id AND g.group_id = m.group_id AND q.scope = 'group' AND q.subject_id = g.group_id
  UNION ALL
  SELECT p.scope, CAST(? AS TEXT), 0, p.setting, p.value FROM policy p WHERE p.scope = 'account' AND p.subject_id = ?`);
const LIST = sql<readonly [id: number, ...Row]>(`
  SELECT p.policy_id, p.scope, coalesce(a.name, g.name, d.name, ''), coalesce(g.rank, 0), p.setting, p.value FROM policy p
  LEFT JOIN account a ON p.scope = 'account' AND a.account_id = p.subject_id
  LEFT JOIN person_group g ON p.scope = 'group' AND g.group_id = p.subject_id
  LEFT JOIN domain d ON p.scope = 'domain' AND d.domain_id = p.subject_id
  WHERE p.setting <> 'quota' AND p.policy_id > ? ORDER BY p.policy_id LIMIT ?`);
const NAME = sql<readonly [name: string]>('SELECT name FROM account WHERE account_id = ?');
export const SET_RULE = sql(`
  INSERT INTO policy (policy_id, scope, subject_id, setting, value) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (scope, subject_id, setting) DO UPDATE SET value = excluded.value`);
const UNSET = sql('DELETE FROM policy WHERE scope = ? AND subject_id = ? AND setting = ?');
const VALUES = sql<readonly [value: string]>('SELECT DISTINCT value FROM policy WHERE setting = ? ORDER BY value');
const GET = sql<readonly [value: string]>(
  'SELECT value FROM policy WHERE scope = ? AND subject_id = ? AND setting = ?',
);

/** The values that a setting has for anybody, each once. */
export async function valuesSet(tx: Reader, setting: string): Promise<string[]> {
  return (await tx.all(VALUES, setting)).map(([value]) => value);
}

/** All that is set for somebody: themselves, their groups, their domain and everyone. In no order. @param name  the account's, where it is known */
export async function rulesFor(tx: Reader, account: AccountId, name?: string): Promise<PolicyRule[]> {
  const known = name ?? (await tx.get(NAME, account))?.[0] ?? '';
  return rulesOf(await tx.all(OF_ACCOUNT, domainOf(known), account, known, account));
}

/** All that is set for somebody of a domain who is in no group. @param domain  its main name */
export async function rulesForDomain(tx: Reader, domain: string): Promise<PolicyRule[]> {
  return rulesOf(await tx.all(OF_DOMAIN, domain));
}

/** A page of all rules in the order in which they were made, after `after`; the last page is the one without `next`. */
export async function listRules(
  tx: Reader,
  after: number,
): Promise<{ readonly rules: PolicyRule[]; readonly next: number | undefined }> {
  const rows = await tx.all(LIST, after, PAGE_ROWS);
  const rules = rulesOf(rows.map(([, ...row]) => row));
  return { rules, next: rows.length < PAGE_ROWS ? undefined : rows.at(-1)![0] };
}

/** @returns the value before; undefined: none */
export async function setRule(
  tx: Writer,
  subject: { readonly scope: SubjectScope; readonly id: number },
  setting: string,
  value: string,
): Promise<string | undefined> {
  const { scope, id } = subject;
  const before = await tx.get(GET, scope, id, setting);
  await tx.run(SET_RULE, await nextNumber(tx, 'policy'), scope, id, setting, value);
  return before?.[0];
}

/** @returns the value before; undefined: it was not set */
export async function unsetRule(
  tx: Writer,
  { scope, id }: { readonly scope: SubjectScope; readonly id: number },
  setting: string,
): Promise<string | undefined> {
  const before = await tx.get(GET, scope, id, setting);
  await tx.run(UNSET, scope, id, setting);
  return before?.[0];
}

/** Quotas are other rules; and a setting that this version does not know, of a newer one, says nothing to it. */
function rulesOf(rows: readonly Row[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const [scope, name, rank, setting, value] of rows) {
    const said = meaning(setting, value);
    if (said !== null) rules.push({ scope: scope as SubjectScope, name, rank, ...said });
  }
  return rules;
}

type Meaning = Pick<PolicyRule, 'setting' | 'value'>;

/** What settings were found to mean: most people have the same. */
const meanings = new Lru<string, { readonly said: Meaning | null }>(10_000);

function meaning(setting: string, value: string): Meaning | null {
  const key = `${setting}=${value}`;
  let found = meanings.get(key);
  if (found === undefined) {
    const known = settingNamed(setting);
    const text = known?.canonical(value);
    found = { said: known === undefined || text === undefined ? null : { setting: known.name, value: text } };
    meanings.set(key, found);
  }
  return found.said;
}
