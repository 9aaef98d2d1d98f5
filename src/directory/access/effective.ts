/** Works out what accounts may do from the rules in the store. */
import type { Reader } from '../../store/engine/engine.ts';
import type { AccountId } from '../../store/ids.ts';
import { findDomain } from '../domains.ts';
import { type Access, AccessPool } from './access.ts';
import { type Decision, decide, type PolicyRule } from './decide.ts';
import { rulesFor, rulesForDomain } from './rules.ts';
import type { Configured, PolicyName } from './settings.ts';

export class EffectiveAccess {
  readonly #configured: Configured;
  readonly #pool = new AccessPool();

  /** @param configured  the defaults that the configuration file gives */
  constructor(configured: Configured) {
    this.#configured = configured;
  }

  async of(tx: Reader, account: AccountId): Promise<Access> {
    return this.from(await rulesFor(tx, account));
  }

  /** For somebody of the domain who is in no group. Null: it is not ours. */
  async ofDomain(tx: Reader, name: string): Promise<Access | null> {
    const domain = await findDomain(tx, name);
    return domain === undefined ? null : this.from(await rulesForDomain(tx, domain.name));
  }

  /** Each setting of an account, and why. */
  async explain(tx: Reader, account: AccountId): Promise<Decision[]> {
    return [...this.decide(await rulesFor(tx, account)).values()];
  }

  decide(rules: readonly PolicyRule[]): Map<PolicyName, Decision> {
    return decide(rules, this.#configured);
  }

  from(rules: readonly PolicyRule[]): Access {
    const decided = this.decide(rules);
    return this.#pool.access((name) => decided.get(name)!.value);
  }
}
