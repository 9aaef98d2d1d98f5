/** The access policy: which services may be used, by whom, from where, with what. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { PolicyRule } from '../../directory/access/decide.ts';
import { formatPolicyFile, type Mistake } from '../../directory/access/file.ts';
import { type Loaded, PolicyMistakes } from '../../directory/access/load.ts';
import type { SubjectScope } from '../../directory/types.ts';
import { action } from './action.ts';

/** A setting, and whom it is set for. */
export interface RuleShown {
  readonly scope: SubjectScope;
  /** An address, a group or a domain; empty for everyone. */
  readonly name: string;
  readonly setting: string;
  readonly value: string;
}

/** A setting of one account, and why it has its value. */
export interface SettingExplained {
  readonly setting: string;
  readonly value: string;
  /** What it does. */
  readonly about: string;
  /** Where the value is from; null: the default. */
  readonly from: RuleShown | null;
  /** What was set further away and does not count, the nearest first. */
  readonly overruled: readonly RuleShown[];
}

/** People who may do the same. */
export interface PolicySet {
  readonly people: number;
  /** Every setting. */
  readonly settings: Readonly<Record<string, string>>;
  /** The settings that are not the same for all people. */
  readonly differing: readonly string[];
  /** The first of them. */
  readonly examples: readonly string[];
}

/** What became of a file: something is wrong with it, or it is the policy now. */
export interface PolicyLoaded {
  readonly mistakes: readonly Mistake[];
  readonly loaded: Loaded | null;
}

const subject = { scope: z.enum(['account', 'group', 'domain', 'everyone']), name: z.string() };
/** At a time. */
const some = z.array(z.string()).min(1).max(100);
/** People looked at in one turn of the loop. */
const PEOPLE_A_TURN = 50;
const EXAMPLES = 3;

export const setPolicy = action({
  name: 'policy.set',
  input: z.strictObject({ ...subject, settings: some }),
  async run({ directory }, { settings, ...whom }, { actor }): Promise<RuleShown[]> {
    const set = await directory.by(actor).policy.set(whom, settings);
    return Object.entries(set).map(([setting, value]) => ({ ...whom, setting, value }));
  },
});

export const unsetPolicy = action({
  name: 'policy.unset',
  input: z.strictObject({ ...subject, settings: some }),
  async run({ directory }, { settings, ...whom }, { actor }): Promise<Omit<RuleShown, 'value'>[]> {
    const unset = await directory.by(actor).policy.unset(whom, settings);
    return unset.map((setting) => ({ ...whom, setting }));
  },
});

export const showPolicy = action({
  name: 'policy.show',
  input: z.strictObject({}),
  async run({ directory }): Promise<{ rules: RuleShown[]; file: string }> {
    const rules = await directory.policyRules();
    return { rules: rules.map(shown), file: formatPolicyFile(rules) };
  },
});

/** The whole installation, the largest set first. */
export const listPolicySets = action({
  name: 'policy.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<PolicySet[]> {
    const sets = new Map<string, { people: number; settings: Record<string, string>; examples: string[] }>();
    let seen = 0;
    for await (const { id, name } of directory.accounts()) {
      const settings = Object.fromEntries(
        (await directory.explainPolicy(id)).map(({ setting, value }) => [setting.name, value]),
      );
      const key = Object.values(settings).join('\n');
      const set = sets.get(key) ?? { people: 0, settings, examples: [] };
      sets.set(key, set);
      set.people++;
      if (set.examples.length < EXAMPLES) set.examples.push(name);
      if (++seen % PEOPLE_A_TURN === 0) await nextTurn();
    }
    return withDifferences([...sets.values()].sort((a, b) => b.people - a.people));
  },
});

export const explainPolicy = action({
  name: 'policy.explain',
  input: z.strictObject({ account: z.string() }),
  async run({ directory }, { account }): Promise<SettingExplained[]> {
    const decisions = await directory.explainPolicy((await directory.account(account)).id);
    return decisions.map(({ setting, value, rules: [first, ...others] }) => ({
      setting: setting.name,
      value,
      about: setting.about,
      from: first === undefined ? null : shown(first),
      overruled: others.map(shown),
    }));
  },
});

export const loadPolicy = action({
  name: 'policy.load',
  input: z.strictObject({ text: z.string(), check: z.boolean() }),
  async run({ directory }, { text, check }, { actor }): Promise<PolicyLoaded> {
    try {
      return { mistakes: [], loaded: await directory.by(actor).policy.load(text, { check }) };
    } catch (error) {
      if (error instanceof PolicyMistakes) return { mistakes: error.mistakes, loaded: null };
      throw error;
    }
  },
});

function withDifferences(sets: readonly Omit<PolicySet, 'differing'>[]): PolicySet[] {
  const [first] = sets;
  if (first === undefined) return [];
  const names = Object.keys(first.settings);
  const differing = names.filter((name) => sets.some(({ settings }) => settings[name] !== first.settings[name]));
  return sets.map((set) => ({ ...set, differing }));
}

function shown({ scope, name, setting, value }: PolicyRule): RuleShown {
  return { scope, name, setting, value };
}
