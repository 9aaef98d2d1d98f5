/** Changing how much mail may be kept. */
import * as quotas from '../quotas.ts';
import { requireQuota } from '../rules.ts';
import { canonicalSubject, type Subject, subjectId } from '../subject.ts';
import type { AuditedChanges } from './audited.ts';

export class QuotaChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /** Sets how much mail may be kept. @param bytes  null: unlimited @throws Refused `directory.missing`, `directory.invalid` */
  async set(whom: Subject, bytes: number | null): Promise<void> {
    requireQuota(bytes);
    const { scope, name } = canonicalSubject(whom);
    await this.#audited.make({ action: 'quota.set', subject: name || scope, detail: { scope, bytes } }, async (tx) =>
      quotas.setRule(tx, scope, await subjectId(tx, { scope, name }), bytes),
    );
    await this.#audited.host.recompute();
  }

  /** Takes a quota back: the next that is set further away counts. @throws Refused `directory.missing` */
  async unset(whom: Subject): Promise<void> {
    const { scope, name } = canonicalSubject(whom);
    const told = {
      action: 'quota.unset',
      subject: name || scope,
      detail: (before: number | null) => ({ scope, before }),
    };
    await this.#audited.make(told, async (tx) => quotas.unsetRule(tx, scope, await subjectId(tx, { scope, name })));
    await this.#audited.host.recompute();
  }
}
