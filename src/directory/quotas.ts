/**
 * How much mail an account may keep. A quota is set for one account, a group, a domain or everyone; the nearest wins: the account's own, else
 * the largest of its groups', else its domain's, else everyone's. Without any there is no limit.
 *
 * Invariants
 * - account.quota_bytes, which filing and signing in look at, is what the rules come to: it is worked out in the transaction that changes a
 *   rule, a membership or a name when that concerns one account.
 * - A rule that concerns many is recomputed in pages, each a transaction, from the mark `quota.recompute` on, which is set with the rule. So
 *   the loop never stands still, and what was interrupted is finished at the next start ({@link recomputeSome}).
 */
import { domainOf } from '../message/addresses.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';
import { deleteMeta, getMeta, setMeta } from '../store/operations/meta.ts';
import { missing } from './rules.ts';
import { EVERYONE } from './subject.ts';
import type { QuotaDecision, QuotaRule, SubjectScope } from './types.ts';

const SET = sql(`
  INSERT INTO policy (policy_id, scope, subject_id, setting, value) VALUES (?, ?, ?, 'quota', ?)
  ON CONFLICT (scope, subject_id, setting) DO UPDATE SET value = excluded.value`);
const UNSET = sql("DELETE FROM policy WHERE scope = ? AND subject_id = ? AND setting = 'quota'");
const GET = sql<readonly [value: string]>(
  "SELECT value FROM policy WHERE scope = ? AND subject_id = ? AND setting = 'quota'",
);
const LIST = sql<readonly [scope: string, name: string, value: string]>(`
  SELECT p.scope, coalesce(a.name, g.name, d.name, ''), p.value FROM policy p
  LEFT JOIN account a ON p.scope = 'account' AND a.account_id = p.subject_id
  LEFT JOIN person_group g ON p.scope = 'group' AND g.group_id = p.subject_id
  LEFT JOIN domain d ON p.scope = 'domain' AND d.domain_id = p.subject_id
  WHERE p.setting = 'quota' AND (p.scope > CAST(? AS TEXT) OR (p.scope = CAST(? AS TEXT) AND coalesce(a.name, g.name, d.name, '') > CAST(? AS TEXT)))
  ORDER BY 1, 2 LIMIT ?`);

const ACCOUNTS = sql<readonly [id: number, name: string, quotaBytes: number | null]>(
  'SELECT account_id, name, quota_bytes FROM account WHERE account_id > ? AND account_id <= ? ORDER BY account_id LIMIT ?',
);
const OF_ACCOUNTS = sql<readonly [id: number, value: string]>(`
  SELECT subject_id, value FROM policy WHERE scope = 'account' AND setting = 'quota' AND subject_id > ? AND subject_id <= ?`);
const OF_GROUPS = sql<readonly [account: number, group: string, value: string]>(`
  SELECT p.account_id, g.name, q.value FROM person p CROSS JOIN membership m CROSS JOIN policy q CROSS JOIN person_group g
  WHERE p.account_id > ? AND p.account_id <= ? AND m.person_id = p.person_id
    AND q.scope = 'group' AND q.subject_id = m.group_id AND q.setting = 'quota' AND g.group_id = m.group_id
  ORDER BY p.account_id, g.name`);
const OF_DOMAINS = sql<readonly [domain: string, value: string]>(`
  SELECT d.name, q.value FROM policy q JOIN domain d ON d.domain_id = q.subject_id WHERE q.scope = 'domain' AND q.setting = 'quota'`);
const SET_EFFECTIVE = sql('UPDATE account SET quota_bytes = ? WHERE account_id = ?');

const LAST_ID = Number.MAX_SAFE_INTEGER;
const UNLIMITED = 'unlimited';

/** Everything that is set for one account, nearest first. */
interface RulesFor {
  readonly account: QuotaRule | undefined;
  readonly groups: readonly QuotaRule[];
  readonly domain: QuotaRule | undefined;
  readonly everyone: QuotaRule | undefined;
}

/** What the rules come to: the nearest, of groups the largest. Pure. */
export function decide({ account, groups, domain, everyone }: RulesFor): QuotaDecision {
  const ofGroups = groups.toSorted(
    (a, b) => (b.bytes ?? Number.POSITIVE_INFINITY) - (a.bytes ?? Number.POSITIVE_INFINITY),
  );
  const rules = [account, ...ofGroups, domain, everyone].filter((rule) => rule !== undefined);
  return { quotaBytes: rules[0]?.bytes ?? null, rules };
}

/** Sets a rule. @param subject  an id; 0 for everyone @param bytes  null: unlimited */
export async function setRule(tx: Writer, scope: SubjectScope, subject: number, bytes: number | null): Promise<void> {
  await tx.run(SET, await nextNumber(tx, 'policy'), scope, subject, bytes === null ? UNLIMITED : String(bytes));
  await apply(tx, scope, subject);
}

/** @returns what was set @throws Refused `directory.missing` when nothing was */
export async function unsetRule(tx: Writer, scope: SubjectScope, subject: number): Promise<number | null> {
  const row = await tx.get(GET, scope, subject);
  if (row === undefined) throw missing('No quota is set there. See those that are: rainmail quota show');
  await tx.run(UNSET, scope, subject);
  await apply(tx, scope, subject);
  return bytesOf(row[0]);
}

async function apply(tx: Writer, scope: SubjectScope, subject: number): Promise<void> {
  if (scope === 'account') await recomputeAccount(tx, subject as AccountId);
  else await recomputeAll(tx);
}

/** Works out the quota of one account: after its groups or its domain changed. @returns the quota */
export async function recomputeAccount(tx: Writer, account: AccountId): Promise<number | null> {
  const [decided] = await recomputeRange(tx, account - 1, account);
  return decided?.quotaBytes ?? null;
}

/** Marks the quota of all accounts as out of date. {@link recomputeSome} does the work. */
export async function recomputeAll(tx: Writer): Promise<void> {
  await setMeta(tx, 'quota.recompute', '0');
}

export async function isOutOfDate(tx: Reader): Promise<boolean> {
  return (await getMeta(tx, 'quota.recompute')) !== undefined;
}

/** Works out the quotas of the next page of accounts, if any are out of date. */
export async function recomputeSome(tx: Writer): Promise<void> {
  const mark = await getMeta(tx, 'quota.recompute');
  if (mark === undefined) return;
  const done = await recomputeRange(tx, Number(mark), LAST_ID);
  if (done.length < PAGE_ROWS) await deleteMeta(tx, 'quota.recompute');
  else await setMeta(tx, 'quota.recompute', String(done.at(-1)!.account));
}

/** What an account may keep, and why. */
export async function explainQuota(tx: Reader, account: AccountId): Promise<QuotaDecision> {
  const [decided] = await decideRange(tx, account - 1, account);
  return decided?.decision ?? { quotaBytes: null, rules: [] };
}

/** A page of the rules in order of scope and name, after a rule; the last page is shorter than PAGE_ROWS. */
export async function listRules(tx: Reader, after: Pick<QuotaRule, 'scope' | 'name'> | null): Promise<QuotaRule[]> {
  const rows = await tx.all(LIST, after?.scope ?? '', after?.scope ?? '', after?.name ?? '', PAGE_ROWS);
  return rows.map(([scope, name, value]) => ({ scope: scope as SubjectScope, name, bytes: bytesOf(value) }));
}

interface Recomputed {
  readonly account: number;
  readonly quotaBytes: number | null;
}

async function recomputeRange(tx: Writer, after: number, to: number): Promise<Recomputed[]> {
  const done: Recomputed[] = [];
  for (const { account, was, decision } of await decideRange(tx, after, to)) {
    const { quotaBytes } = decision;
    if (quotaBytes !== was) await tx.run(SET_EFFECTIVE, quotaBytes, account);
    done.push({ account, quotaBytes });
  }
  return done;
}

/** Decides for up to a page of accounts with ids above `after`, up to `to`. */
async function decideRange(
  tx: Reader,
  after: number,
  to: number,
): Promise<{ account: number; was: number | null; decision: QuotaDecision }[]> {
  const accounts = await tx.all(ACCOUNTS, after, to, PAGE_ROWS);
  const last = accounts.at(-1)?.[0];
  if (last === undefined) return [];
  const own = new Map(await tx.all(OF_ACCOUNTS, after, last));
  const groups = Map.groupBy(await tx.all(OF_GROUPS, after, last), ([account]) => account);
  const domains = new Map(await tx.all(OF_DOMAINS));
  const everyone = (await tx.get(GET, 'everyone', EVERYONE))?.[0];
  return accounts.map(([account, name, was]) => {
    const domain = domainOf(name);
    const decision = decide({
      account: rule('account', name, own.get(account)),
      groups: (groups.get(account) ?? []).map(([, group, value]) => ({
        scope: 'group',
        name: group,
        bytes: bytesOf(value),
      })),
      domain: rule('domain', domain, domains.get(domain)),
      everyone: rule('everyone', '', everyone),
    });
    return { account, was, decision };
  });
}

function rule(scope: SubjectScope, name: string, value: string | undefined): QuotaRule | undefined {
  return value === undefined ? undefined : { scope, name, bytes: bytesOf(value) };
}

export function bytesOf(value: string): number | null {
  return value === UNLIMITED ? null : Number(value);
}
