/** What changes need of the directory they change. */
import type { Reader, Writer } from '../../store/engine/engine.ts';
import type { AccountId } from '../../store/ids.ts';
import type { HeavyOperation } from '../../store/operations/heavy-operations.ts';
import type { EffectiveAccess } from '../access/effective.ts';
import type { AccountState } from '../types.ts';

export interface ChangeHost {
  /** Salts are derived from it. */
  readonly secret: Uint8Array;
  readonly trial: boolean;
  /** Refuses an address elsewhere while no mail leaves. @throws Refused `relay.forbidden` */
  readonly mayLeave: (address: string) => void;
  readonly policy: EffectiveAccess;
  read<T>(operation: (tx: Reader) => Promise<T>): Promise<T>;
  /** Runs a change; the caches are empty when it resolves. */
  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T>;
  /** The same for one that is too large for the loop. */
  writeInWorker<T>(operation: HeavyOperation | URL, args: unknown): Promise<T>;
  /** Works out the quotas of all whom a change concerned. */
  recompute(): Promise<void>;
  /** Somebody may sign in again, or no more. */
  stateChanged(account: AccountId, state: AccountState | 'removed'): Promise<void>;
  /** These accounts may do other things now. */
  accessChanged(accounts: readonly AccountId[] | 'all'): Promise<void>;
  /** A credential is void: nobody may stay signed in with it. */
  revoked(account: AccountId, credential: number): Promise<void>;
}
