/** People and addresses, as the rest of the server sees them. */
import type { ScramKeys, ScramParameters } from '../auth/scram-keys.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';

/** Suspended: nobody signs in, mail is still taken. Closed: mail is refused, too; what is there stays. */
export type AccountState = 'active' | 'suspended' | 'closed';

export interface Account {
  readonly id: AccountId;
  /** The address it signs in with, lower case: `anna@office.test`. */
  readonly name: string;
  readonly displayName: string;
  readonly quotaBytes: number | null;
  readonly state: AccountState;
}

/** Where an address leads. */
export type Resolved =
  | { readonly kind: 'accounts'; readonly accounts: readonly Account[] }
  /** The domain is ours but nobody has this address: 550 5.1.1. */
  | { readonly kind: 'unknown' }
  /** Not a domain of ours: relaying, 550 5.7.1 without sign-in. */
  | { readonly kind: 'foreign' };

/** What a sign-in is checked against. Secret: never logged, never shown. */
export interface SignInRecord {
  readonly account: Account;
  /** Argon2id, one for each credential. A changed password always has another hash: its salt is random. */
  readonly hashes: readonly string[];
  /** Null where no credential has SCRAM keys. */
  readonly scram: (ScramParameters & { readonly keys: readonly ScramKeys[] }) | null;
}

/** The directory, as signing in needs it. */
export interface SignInDirectory {
  /** Random, kept with the data: made-up answers for unknown names are derived from it, so that they stay the same. */
  readonly secret: Uint8Array;
  /**
   * The account of this name; a name without a domain is looked for in all domains and must be unambiguous. Null: nobody.
   * Never older than the last change that was acknowledged.
   */
  signInRecord(name: string): SignInRecord | null | Promise<SignInRecord | null>;
}

/** A line of the list of accounts. */
export interface AccountListing extends Account {
  readonly usedBytes: number;
  readonly messages: number;
  readonly created: EpochSeconds;
}

/** An alias and the names of the accounts it leads to. */
export interface Alias {
  readonly address: string;
  readonly accounts: readonly string[];
}
