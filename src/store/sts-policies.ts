/** What other domains have said of TLS on the way to them (operations/sts-policies.ts): `store.stsPolicies`. */
import type { Engine } from './engine/engine.ts';
import { nowSeconds } from './ids.ts';
import { keepStsPolicy, readStsPolicy, type StsPolicy } from './operations/sts-policies.ts';

export type { StsPolicy } from './operations/sts-policies.ts';

export class StsPolicies {
  readonly #engine: Engine;
  readonly #write: Engine['write'];

  constructor(engine: Engine, write: Engine['write']) {
    this.#engine = engine;
    this.#write = write;
  }

  /** The policy of a domain that still holds; undefined: none is known. */
  of(domain: string): Promise<StsPolicy | undefined> {
    return this.#engine.read((tx) => readStsPolicy(tx, domain, nowSeconds()));
  }

  /** Keeps a domain's newest policy, durably. */
  keep(domain: string, policy: StsPolicy): Promise<void> {
    return this.#write((tx) => keepStsPolicy(tx, domain, policy, nowSeconds()));
  }
}
