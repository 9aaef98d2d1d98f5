/**
 * The key of an email's row: account and email in one integer, so that an account's emails stand side by side. It fits 53 bits for two million
 * accounts (ever made, ids are not given again) with four thousand million emails each.
 */
import type { AccountId, EmailId } from '../ids.ts';

export const EMAILS_AN_ACCOUNT = 2 ** 32;

export function emailKey(account: AccountId, email: EmailId | number): number {
  return account * EMAILS_AN_ACCOUNT + email;
}

/** The key in SQL, from the columns of a table that has both. */
export function emailKeyOf(table: string): string {
  return `${table}.account_id * ${EMAILS_AN_ACCOUNT} + ${table}.email_id`;
}

/** First and last key of an account. */
export function emailKeysOf(account: AccountId): readonly [first: number, last: number] {
  return [emailKey(account, 0), emailKey(account, EMAILS_AN_ACCOUNT - 1)];
}
