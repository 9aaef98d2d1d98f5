/** People and addresses, as the rest of the server sees them. */
import type { AccountId } from '../store/ids.ts';

export interface Account {
  readonly id: AccountId;
  /** The address it signs in with, lower case: `anna@office.test`. */
  readonly name: string;
  readonly displayName: string;
  readonly quotaBytes: number | null;
  readonly state: 'active' | 'suspended';
}

/** Where an address leads. */
export type Resolved =
  | { readonly kind: 'accounts'; readonly accounts: readonly Account[] }
  /** The domain is ours but nobody has this address: 550 5.1.1. */
  | { readonly kind: 'unknown' }
  /** Not a domain of ours: relaying, 550 5.7.1 without sign-in. */
  | { readonly kind: 'foreign' };
