/** Making a file the whole access policy. */
import { isExpected, Refused } from '../../errors.ts';
import type { Reader, Writer } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import { nextNumbers } from '../../store/operations/accounts.ts';
import { canonicalSubject, type Subject, subjectId } from '../subject.ts';
import { MISTAKES_LIMIT, type Mistake, meant, type PolicyFile, type PolicyLine } from './file.ts';
import { SET_RULE, unsetRule } from './rules.ts';

const RULES = sql<readonly [scope: string, subject: number, name: string, setting: string, value: string]>(`
  SELECT p.scope, p.subject_id, coalesce(a.name, g.name, d.name, ''), p.setting, p.value FROM policy p
  LEFT JOIN account a ON p.scope = 'account' AND a.account_id = p.subject_id
  LEFT JOIN person_group g ON p.scope = 'group' AND g.group_id = p.subject_id
  LEFT JOIN domain d ON p.scope = 'domain' AND d.domain_id = p.subject_id
  WHERE p.setting <> 'quota'`);
const GROUP_NAMES = sql<readonly [name: string]>('SELECT name FROM person_group ORDER BY name LIMIT 500');
const DOMAIN_NAMES = sql<readonly [name: string]>('SELECT name FROM domain ORDER BY name LIMIT 500');
const ACCOUNT_NAMES = sql<readonly [name: string]>(
  "SELECT name FROM account WHERE name >= ? AND state <> 'removed' ORDER BY name LIMIT 100",
);

/** Settings that a file may hold: it is one transaction. Measured: bench/policy.ts. */
const RULES_LIMIT = 50_000;
/** Mistakes for which names that may have been meant are looked up. */
const HELPED = 50;
/** Changes that the audit names one by one. */
const TOLD = 100;

/** What became of a policy. */
export interface Loaded {
  /** Settings that the policy has now. */
  readonly settings: number;
  /** Those of them that were not so before. */
  readonly set: number;
  /** Those that are not set any more. */
  readonly unset: number;
  /** The first of these changes, as lines of the file. */
  readonly changes: readonly string[];
}

/** What is wrong with a file: nothing of it was taken. */
export class PolicyMistakes extends Error {
  override readonly name = 'PolicyMistakes';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super('the policy has mistakes');
    this.mistakes = mistakes;
  }
}

/** @throws PolicyMistakes */
export async function loadPolicy(tx: Writer, file: PolicyFile): Promise<Loaded> {
  const mistakes = [...file.mistakes];
  const wanted = await wantedRules(tx, file.lines, mistakes);
  if (mistakes.length > 0) throw new PolicyMistakes(mistakes.sort((a, b) => a.line - b.line));
  const changes: string[] = [];
  const settings = wanted.size;
  let [set, unset] = [0, 0];
  const tell = (...words: readonly string[]) => {
    if (changes.length < TOLD) changes.push(words.filter((word) => word !== '').join(' '));
  };
  for (const [scope, id, name, setting, value] of await tx.all(RULES)) {
    const key = keyOf(scope, id, setting);
    const rule = wanted.get(key);
    if (rule?.value === value)
      wanted.delete(key); // as it is
    else if (rule === undefined) {
      await unsetRule(tx, { scope: scope as Subject['scope'], id }, setting);
      unset++;
      tell('no longer', scope, name, `${setting}=${value}`);
    }
  }
  let number = wanted.size === 0 ? 0 : await nextNumbers(tx, 'policy', wanted.size);
  for (const { whom, id, setting, value } of wanted.values()) {
    await tx.run(SET_RULE, number++, whom.scope, id, setting, value);
    set++;
    tell(whom.scope, whom.name, `${setting}=${value}`);
  }
  return { settings, set, unset, changes };
}

interface Wanted {
  readonly line: number;
  readonly whom: Subject;
  readonly id: number;
  readonly setting: string;
  readonly value: string;
}

/** What the lines ask for, by what no two of them may say. Adds to the mistakes. */
async function wantedRules(
  tx: Reader,
  lines: readonly PolicyLine[],
  mistakes: Mistake[],
): Promise<Map<string, Wanted>> {
  const wanted = new Map<string, Wanted>();
  for (const { line, whom: written, settings } of lines) {
    const found = await findSubject(tx, written, mistakes.length < HELPED);
    if (typeof found === 'string') {
      mistakes.push({ line, text: found });
      if (mistakes.length >= MISTAKES_LIMIT) break;
      continue;
    }
    const { whom, id } = found;
    for (const [setting, value] of settings) {
      const key = keyOf(whom.scope, id, setting);
      const before = wanted.get(key);
      if (before === undefined) wanted.set(key, { line, whom, id, setting, value });
      else
        mistakes.push({
          line,
          text: `${setting} is set for ${whom.name || whom.scope} on line ${before.line} already.`,
        });
    }
    if (mistakes.length >= MISTAKES_LIMIT) break;
    if (wanted.size > RULES_LIMIT) {
      mistakes.push({ line, text: `These are more than ${RULES_LIMIT} settings. Set them for groups or domains.` });
      break;
    }
  }
  return wanted;
}

/** @param looked  names that may have been meant are looked up @returns who it is, or what is wrong with it */
async function findSubject(
  tx: Reader,
  written: Subject,
  looked: boolean,
): Promise<{ readonly whom: Subject; readonly id: number } | string> {
  try {
    const whom = canonicalSubject(written);
    return { whom, id: await subjectId(tx, whom) };
  } catch (error) {
    if (!isExpected(error)) throw error;
    const help = looked && error instanceof Refused && error.code === 'directory.missing';
    const near = help ? meant(written.name, await namesLike(tx, written)) : '';
    return near === '' ? error.message : `There is no ${written.scope} ${written.name}.${near}`;
  }
}

/** Names that may have been meant. */
async function namesLike(tx: Reader, { scope, name }: Subject): Promise<string[]> {
  if (scope === 'group') return (await tx.all(GROUP_NAMES)).map(([known]) => known);
  if (scope === 'domain') return (await tx.all(DOMAIN_NAMES)).map(([known]) => known);
  return (await tx.all(ACCOUNT_NAMES, name.slice(0, 2).toLowerCase())).map(([known]) => known);
}

function keyOf(scope: string, id: number, setting: string): string {
  return `${scope} ${id} ${setting}`;
}
