/** People and groups as another directory tells of them, whatever it is: what the directory here takes over. */
import type { AccountId } from '../../store/ids.ts';

/** A person who lives there. Addresses are in canonical form. */
export interface OutsidePerson {
  /** What they are known by there for good, whatever their name or place. */
  readonly externalId: string;
  /** The first is the account's, unless it already has another one of them. */
  readonly addresses: readonly [string, ...string[]];
  readonly aliases: readonly string[];
  readonly displayName: string;
  /** Null: no limit; undefined: the other directory says nothing of it. */
  readonly quotaBytes: number | null | undefined;
  /** False: may not sign in. */
  readonly active: boolean;
}

/** An account by its number and its name. */
export interface Named {
  readonly account: AccountId;
  readonly name: string;
}

export interface OutsideGroup {
  readonly externalId: string;
  readonly name: string;
  readonly description: string;
}

/** What the other directory last said of a person. Gone: nothing any more. */
export type SourceState = 'active' | 'disabled' | 'gone';

/** Where people live who do not live here; the only one so far. */
export const LDAP_SOURCE = 'ldap';
