/**
 * What the rules come to. For each setting by itself the nearest wins: the account's own, else that of its groups, else its domain's, else
 * everyone's, else the default. Of two groups the one with the lower rank counts, of equal ranks the one whose name comes first. Pure.
 */
import type { SubjectScope } from '../types.ts';
import { POLICY_SETTINGS, type PolicyName, type PolicySetting } from './settings.ts';

/** One setting, as it is set for an account, a group, a domain or everyone. */
export interface PolicyRule {
  readonly scope: SubjectScope;
  /** An address, a group or a domain; empty for everyone. */
  readonly name: string;
  /** Of a group; 0 for the others. */
  readonly rank: number;
  readonly setting: PolicyName;
  readonly value: string;
}

/** A setting of an account, and why it has its value. */
export interface Decision {
  readonly setting: PolicySetting;
  readonly value: string;
  /** All that is set for the account, nearest first: the first counts. None: the default holds. */
  readonly rules: readonly PolicyRule[];
}

const DISTANCE: Readonly<Record<SubjectScope, number>> = { account: 0, group: 1, domain: 2, everyone: 3 };

/** @param rules  all that is set for an account, its groups, its domain and everyone, in any order @param initial  the defaults */
export function decide(rules: readonly PolicyRule[], initial: ReadonlyMap<PolicyName, string>): Decision[] {
  const bySetting = Map.groupBy(rules.toSorted(nearerFirst), ({ setting }) => setting);
  return POLICY_SETTINGS.map((setting) => {
    const set = bySetting.get(setting.name) ?? [];
    return { setting, value: set[0]?.value ?? initial.get(setting.name)!, rules: set };
  });
}

/** The same without the reasons: the values that are set. For every sign-in whose record is read anew. */
export function valuesFor(rules: readonly PolicyRule[]): Map<PolicyName, string> {
  const values = new Map<PolicyName, string>();
  for (const { setting, value } of rules.toSorted(nearerFirst)) if (!values.has(setting)) values.set(setting, value);
  return values;
}

/** In the order in which they are shown: the widest first, by name, and each one's settings as they are listed. */
export function inOrder(rules: readonly PolicyRule[]): PolicyRule[] {
  const place = new Map(POLICY_SETTINGS.map(({ name }, at) => [name, at]));
  return rules.toSorted(
    (a, b) => DISTANCE[b.scope] - DISTANCE[a.scope] || byName(a, b) || place.get(a.setting)! - place.get(b.setting)!,
  );
}

function nearerFirst(a: PolicyRule, b: PolicyRule): number {
  return DISTANCE[a.scope] - DISTANCE[b.scope] || a.rank - b.rank || byName(a, b);
}

function byName(a: PolicyRule, b: PolicyRule): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
