/**
 * App passwords: made up here, one for each device, so that a lost phone costs one of them and not the password.
 *
 * Twenty letters are 90 random bits: nobody can try them all, however fast each try is. So a salted HMAC keeps them as safe as Argon2id
 * keeps what people choose, and checking one costs microseconds. Letters alone, without those that look like others, in lower case: a
 * phone's keyboard needs no switching. Spaces, hyphens and capitals that a keyboard or a person puts in don't matter.
 */
import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import { deriveScramKeys, type ScramKeys, type ScramParameters } from './scram-keys.ts';

const LETTERS = 'abcdefghjkmnpqrstuvwxyz'; // no i, l, o
const GROUPS = 5;
const GROUP = 4;
const CANONICAL = new RegExp(`^[${LETTERS}]{${GROUPS * GROUP}}$`);
const SCHEME = '{APP}';

/** App passwords that an account may have: as many devices as a person may own, and all are tried at each sign-in. */
export const APP_PASSWORDS_LIMIT = 25;
/** Spellings whose SCRAM keys are kept: a client hashes what was typed, so what it may have been is worked out before. */
const SPELLINGS = [(letters: string) => letters, spaced];
/** The most SCRAM keys an account has: its password's, and those of its app passwords. */
export const SCRAM_KEYS_LIMIT: number = 1 + APP_PASSWORDS_LIMIT * SPELLINGS.length;

/** What is kept of an app password. */
export interface AppPasswordVerifiers {
  readonly hash: string;
  readonly scram: readonly ScramKeys[];
}

/** A new app password as it is shown: `abcd efgh jkmn pqrs tuvw`. */
export function generateAppPassword(): string {
  return spaced(Array.from({ length: GROUPS * GROUP }, () => LETTERS[randomInt(LETTERS.length)]).join(''));
}

/** The letters of what may be an app password; null for what is none. */
export function appPasswordLetters(text: string): string | null {
  const letters = text.replace(/[\s-]/g, '').toLowerCase();
  return CANONICAL.test(letters) ? letters : null;
}

/** Hashes an app password for sign-ins in plain text and by SCRAM, with the salt of its account. */
export async function hashAppPassword(password: string, parameters: ScramParameters): Promise<AppPasswordVerifiers> {
  const letters = appPasswordLetters(password);
  if (letters === null) throw new Error('not an app password');
  const scram = await Promise.all(SPELLINGS.map((spell) => deriveScramKeys(spell(letters), parameters)));
  return { hash: SCHEME + digest(letters, parameters.salt).toString('base64'), scram };
}

/**
 * The one of these hashes that an app password fits. Takes the same time whichever it is, and hardly longer for many than for none: one HMAC,
 * and a comparison each.
 */
export function matchingAppPassword<T extends { readonly hash: string }>(
  candidates: readonly T[],
  letters: string,
  salt: Uint8Array,
): T | null {
  const expected = digest(letters, salt);
  let matching: T | null = null;
  for (const candidate of candidates) {
    if (timingSafeEqual(Buffer.from(candidate.hash.slice(SCHEME.length), 'base64'), expected)) matching = candidate;
  }
  return matching;
}

function digest(letters: string, salt: Uint8Array): Buffer {
  return createHmac('sha256', salt).update(letters).digest();
}

function spaced(letters: string): string {
  return letters.match(new RegExp(`.{${GROUP}}`, 'g'))!.join(' ');
}
