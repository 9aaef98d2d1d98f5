/** Passwords of people who do not live here, as signing in needs them; ldap/passwords.ts checks them. */
import type { SignInRecord } from '../directory/types.ts';
import type { Fingerprint } from './verified.ts';

export interface OutsideSignIn {
  readonly record: SignInRecord;
  /** The directory's generation that the record is of; absent: the one that it was asked with. */
  readonly asOf?: number;
  /** It was checked lately, and could not be checked now. */
  readonly remembered: boolean;
}

export interface OutsidePasswords {
  /** Was this the person's password lately, so that nobody need ask? */
  isRecent(record: SignInRecord | null, fingerprint: Fingerprint): boolean;
  /**
   * Asks the other directory; whoever may live there and is not known yet is looked for, and made an account of when the password is right.
   *
   * Invariant: for all names that may live there, those that nobody has and those of accounts made here as well, the same is asked.
   *
   * @param record  whose name it is, if anybody's is known here
   * @returns null: it is nobody's password @throws Refused `auth.unavailable` when it can't be checked
   */
  check(
    name: string,
    record: SignInRecord | null,
    password: string,
    fingerprint: Fingerprint,
  ): Promise<OutsideSignIn | null>;
}
