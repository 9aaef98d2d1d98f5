/**
 * Making a file the whole access policy, as the database's worker runs it (engine.writeInWorker): tens of thousands of settings are one transaction, so
 * that nobody ever has half of a policy, not after a crash either. Meanwhile whoever asks what somebody may do waits for its end.
 */
import { type HeavyModule, TakenBack } from '../../store/engine/engine.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { keepAdministrators } from './administrators.ts';
import { EffectiveAccess, type PolicyBasis } from './effective.ts';
import { type Mistake, parsePolicyFile } from './file.ts';
import { type Loaded, loadPolicy, PolicyMistakes } from './load.ts';

export interface LoadPolicy {
  readonly text: string;
  /** It is only tried. */
  readonly check: boolean;
  readonly basis: PolicyBasis;
  readonly actor: string;
  readonly now: EpochSeconds;
}

/** Errors lose their class on the way to another thread: what is wrong with a file is a value. */
export type LoadOutcome = { readonly loaded: Loaded } | { readonly mistakes: readonly Mistake[] };

/** @throws Refused `policy.lock-out` */
export const operation: HeavyModule<LoadPolicy, LoadOutcome>['operation'] = async (tx, args) => {
  const { text, check, basis, actor, now } = args;
  const file = parsePolicyFile(text);
  try {
    const loaded = await keepAdministrators(tx, new EffectiveAccess(basis), () => loadPolicy(tx, file));
    if (check) throw new TakenBack<LoadOutcome>({ loaded });
    await recordAudit(tx, { actor, action: 'policy.load', subject: 'everyone', detail: { ...loaded } }, now);
    return { loaded };
  } catch (error) {
    if (error instanceof PolicyMistakes) return { mistakes: error.mistakes }; // found before anything was changed
    throw error;
  }
};
