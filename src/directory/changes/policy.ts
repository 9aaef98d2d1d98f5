/**
 * Changing the access policy, and who administers: all of what is asked for, or nothing. When it resolves, sessions that it forbids are over.
 */
import type { Reader } from '../../store/engine/engine.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import { setAdministrator } from '../access/administrators.ts';
import { parseAssignment, unknownSetting } from '../access/file.ts';
import { type Loaded, PolicyMistakes } from '../access/load.ts';
import type { LoadOutcome, LoadPolicy } from '../access/load-in-worker.ts';
import { setRule, unsetRule } from '../access/rules.ts';
import { type PolicyName, settingNamed } from '../access/settings.ts';
import { setGroupRank } from '../groups.ts';
import { canonicalAddress, invalid, missing, requireGroupName, requireRank } from '../rules.ts';
import { canonicalSubject, type Subject, subjectId } from '../subject.ts';
import type { AuditedChanges } from './audited.ts';

/** The same file is TypeScript in a checkout and JavaScript in the published package. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Some hundred milliseconds for a large office, which the event loop has not. */
const LOAD_POLICY = new URL(`../access/load-in-worker.${extension}`, import.meta.url);

/** The values before and after; null: it is not set. */
interface Changed {
  readonly id: number;
  readonly before: Record<string, string | null>;
}

export class PolicyChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /**
   * Sets settings for somebody; others that are set for them stay.
   * @param assignments  such as `imap=off` @throws Refused `directory.invalid`, `directory.missing`, `policy.lock-out`
   */
  async set(whom: Subject, assignments: readonly string[]): Promise<Readonly<Partial<Record<PolicyName, string>>>> {
    const { scope, name } = canonicalSubject(whom);
    const settings = assigned(assignments);
    const told = {
      action: 'policy.set',
      subject: name || scope,
      detail: ({ before }: Changed) => ({ scope, settings, before }),
    };
    await this.#audited.makeForAccess(
      told,
      (tx) =>
        changed(tx, { scope, name }, Object.keys(settings), (subject, setting) =>
          setRule(tx, subject, setting, settings[setting as PolicyName]!),
        ),
      ({ id }) => whose(scope, id),
    );
    return settings;
  }

  /** Takes settings back: the next that are set further away count. @throws Refused `directory.missing` for what is not set, `policy.lock-out` */
  async unset(whom: Subject, names: readonly string[]): Promise<readonly PolicyName[]> {
    const { scope, name } = canonicalSubject(whom);
    const settings = names.map(requireSetting);
    const told = {
      action: 'policy.unset',
      subject: name || scope,
      detail: ({ before }: Changed) => ({ scope, before }),
    };
    await this.#audited.makeForAccess(
      told,
      (tx) =>
        changed(tx, { scope, name }, settings, async (subject, setting) => {
          const before = await unsetRule(tx, subject, setting);
          if (before !== undefined) return before;
          throw missing(`${setting} is not set for ${name || scope}. See what is: rainmail policy show`);
        }),
      ({ id }) => whose(scope, id),
    );
    return settings;
  }

  /**
   * Makes a file the whole policy: what it does not name is not set any more. Where anything in it is wrong, nothing changes.
   * @param options.check  it is only tried @throws PolicyMistakes; Refused `policy.lock-out`
   */
  async load(text: string, { check = false } = {}): Promise<Loaded> {
    const { host, actor } = this.#audited;
    const args: LoadPolicy = { text, check, basis: host.policy.basis, actor, now: nowSeconds() };
    const outcome = await host.writeInWorker<LoadOutcome>(LOAD_POLICY, args);
    if ('mistakes' in outcome) throw new PolicyMistakes(outcome.mistakes);
    if (!check) await host.accessChanged('all');
    return outcome.loaded;
  }

  /** Says which of two groups of a person counts: the one with the lower rank. @throws Refused `directory.invalid`, `directory.missing`, `policy.lock-out` */
  async setRank(group: string, rank: number): Promise<void> {
    const name = requireGroupName(group);
    requireRank(rank);
    const told = { action: 'group.rank', subject: name, detail: (before: number) => ({ rank, before }) };
    await this.#audited.makeForAccess(
      told,
      (tx) => setGroupRank(tx, name, rank),
      () => 'all',
    );
  }

  /** Makes somebody an administrator, or no more. @throws Refused `directory.missing`, `directory.invalid`, `policy.lock-out` */
  async setAdministrator(text: string, wanted: boolean): Promise<void> {
    const name = canonicalAddress(text);
    const told = { action: wanted ? 'account.promote' : 'account.demote', subject: name, detail: () => ({}) };
    await this.#audited.makeForAccess(
      told,
      (tx) => setAdministrator(tx, name, wanted),
      () => [],
    );
  }
}

/** @throws Refused `directory.invalid` */
function assigned(assignments: readonly string[]): Partial<Record<PolicyName, string>> {
  const settings: Partial<Record<PolicyName, string>> = {};
  for (const text of assignments) {
    const read = parseAssignment(text);
    if (typeof read === 'string') throw invalid(read);
    if (read.setting in settings) throw invalid(`${read.setting} is given twice.`);
    settings[read.setting] = read.value;
  }
  return settings;
}

function requireSetting(name: string): PolicyName {
  const setting = settingNamed(name);
  if (setting === undefined) throw invalid(unknownSetting(name));
  return setting.name;
}

async function changed(
  tx: Reader,
  whom: Subject,
  settings: readonly string[],
  change: (
    subject: { readonly scope: Subject['scope']; readonly id: number },
    setting: string,
  ) => Promise<string | undefined>,
): Promise<Changed> {
  const { scope } = whom;
  const id = await subjectId(tx, whom);
  const before: Record<string, string | null> = {};
  for (const setting of settings) before[setting] = (await change({ scope, id }, setting)) ?? null;
  return { id, before };
}

function whose(scope: Subject['scope'], id: number): readonly AccountId[] | 'all' {
  return scope === 'account' ? [id as AccountId] : 'all';
}
