/** Names and passwords as they are compared: SASLprep (RFC 4013). */
import { libraries } from '../libraries.ts';

const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/**
 * A password in the form it is hashed in. Where SASLprep has no answer (a prohibited character, a mix of directions) the text is
 * taken as it is: clients do the same, and a password that is refused helps nobody. Characters newer than Unicode 3.2 are kept.
 */
export function preparePassword(password: string): string {
  if (PLAIN_ASCII.test(password)) return password;
  try {
    return libraries.saslprep.saslprep(password, { allowUnassigned: true });
  } catch {
    return password;
  }
}
