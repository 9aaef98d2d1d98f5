/** Works out what accounts may do from the rules in the store. */
import type { LetGo } from '../../config/let-go.ts';
import type { Reader } from '../../store/engine/engine.ts';
import type { AccountId } from '../../store/ids.ts';
import { findDomain } from '../domains.ts';
import { type Access, AccessPool } from './access.ts';
import { type Decision, decide, type PolicyRule, valuesFor } from './decide.ts';
import { rulesFor, rulesForDomain, valuesSet } from './rules.ts';
import { type Configured, POLICY_SETTINGS, type PolicyName, UNCONFIGURED } from './settings.ts';
import { letGo } from './values.ts';

/** What the configuration file says that the policy needs. */
export interface PolicyBasis {
  /** Defaults. */
  readonly configured: Configured;
  /** Tokens of an OpenID provider are taken. */
  readonly tokens: boolean;
}

export class EffectiveAccess {
  readonly basis: PolicyBasis;
  /** What holds where nobody has set it. */
  readonly #initial: ReadonlyMap<PolicyName, string>;
  readonly #pool = new AccessPool();

  constructor(basis: PolicyBasis = { configured: UNCONFIGURED, tokens: false }) {
    this.basis = basis;
    this.#initial = new Map(POLICY_SETTINGS.map((setting) => [setting.name, setting.initial(basis.configured)]));
  }

  /** Tokens of an OpenID provider are taken. */
  get tokens(): boolean {
    return this.basis.tokens;
  }

  /** @param name  the account's, where it is known */
  async of(tx: Reader, account: AccountId, name?: string): Promise<Access> {
    return this.from(await rulesFor(tx, account, name));
  }

  /** For somebody of the domain who is in no group. Null: it is not ours. */
  async ofDomain(tx: Reader, name: string): Promise<Access | null> {
    const domain = await findDomain(tx, name);
    return domain === undefined ? null : this.from(await rulesForDomain(tx, domain.name));
  }

  /** The rules for what POP3 devices have deleted that anybody has: the default, and those set for some. */
  async letGoRules(tx: Reader): Promise<LetGo[]> {
    const set = (await valuesSet(tx, 'pop3.letGo')).map((text) => letGo.parse(text));
    return [this.basis.configured['pop3.letGo'], ...set.filter((rule) => rule !== undefined)];
  }

  /** Each setting of an account, and why. */
  async explain(tx: Reader, account: AccountId): Promise<Decision[]> {
    return decide(await rulesFor(tx, account), this.#initial);
  }

  from(rules: readonly PolicyRule[]): Access {
    const values = valuesFor(rules);
    return this.#pool.access((name) => values.get(name) ?? this.#initial.get(name)!);
  }
}
