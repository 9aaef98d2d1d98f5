/** The accounts that every server under test has. */
export const ACCOUNTS = 200;
export const PASSWORD = 'pass';

export function accountAddress(number: number): string {
  return `u${number}@example.org`;
}
