/**
 * What somebody proved when they signed in, and whether it still holds: the account is active, its password is the one that was given then,
 * and the access policy lets them in from where they are now.
 *
 * Asked at each request, of a record that is never older than the last acknowledged change (directory.ts): so a suspension, a changed password
 * or policy acts on the next request, and nobody has to be told of it.
 */
import type { Peer, SignedIn } from '../../auth/types.ts';
import { refusal } from '../../directory/access/refusal.ts';
import type { Account, SignInRecord } from '../../directory/types.ts';
import type { AccountId } from '../../store/ids.ts';

export interface Grant {
  readonly account: AccountId;
  readonly name: string;
  readonly credential: number;
  /** Of the password as it was then: another one has another hash. Empty: it is not kept here. */
  readonly hash: string;
}

/** What a sign-in that was right allows. @param record  as the directory has it; null: nobody has the name */
export function grantOf({ account, credential }: SignedIn, record: SignInRecord | null): Grant {
  return { account: account.id, name: account.name, credential: credential.id, hash: hashIn(record, credential.id) };
}

/** @param record  of the grant's name, as the directory has it now @param peer  who wants to use the grant */
export function stillHolds(grant: Grant, record: SignInRecord | null, peer: Peer): record is SignInRecord {
  if (record?.account.id !== grant.account || record.account.state !== 'active') return false;
  if (hashIn(record, grant.credential) !== grant.hash) return false;
  const use = { service: 'settings', credential: 'password', secure: true, local: false } as const;
  return refusal(record.access, { ...use, address: peer.address }) === null;
}

function hashIn(record: SignInRecord | null, credential: number): string {
  return record?.credentials.find(({ id }) => id === credential)?.hash ?? '';
}

/** Who is behind a change, for the audit. */
export function actorOf({ name }: Pick<Account, 'name'>): string {
  return `${name} on the settings page`;
}
