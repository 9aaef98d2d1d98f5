/**
 * Password hashes: Argon2id (RFC 9106) with 19 MiB and two passes (OWASP's first choice), about 15 ms of one core.
 *
 * At most {@link IN_FLIGHT} are computed at a time: they run in libuv's pool of four threads, which reads the store's files too, and
 * each holds 19 MiB. Checks beyond {@link WAITING} are refused; setting a password waits as long as it takes, since those who
 * set passwords are few (an import has as many in flight as its own bound says).
 */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { Refused } from '../errors.ts';
import { Gate } from '../gate.ts';
import { isCheap, verifyForeign } from './foreign/hashes.ts';
import { preparePassword } from './prepare.ts';
import { deriveScramKeys, type ScramKeys, type ScramParameters } from './scram-keys.ts';

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const OURS = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$`;
const IN_FLIGHT = 2;
/** The last in the queue waits about four seconds. */
const WAITING = 512;

const gate = new Gate(IN_FLIGHT, WAITING);

/** The longest password anybody may have, in bytes of UTF-8. */
export const PASSWORD_LIMIT = 1_024;

/** What is kept of a password. */
export interface PasswordVerifiers {
  /** Argon2id in PHC form: algorithm, cost, salt and hash. Or another server's hash (foreign/hashes.ts), until the first sign-in. */
  readonly hash: string;
  /** Null while only another server's hash is known. */
  readonly scram: ScramKeys | null;
}

/** Hashes a password that is set, for sign-ins in plain text and by SCRAM. */
export async function hashPassword(password: string, parameters: ScramParameters): Promise<PasswordVerifiers> {
  return gate.run(async () => ({
    hash: await hash(preparePassword(password), COST),
    scram: await deriveScramKeys(password, parameters),
  }));
}

/**
 * Checks a password against a hash.
 * @throws Refused `auth.unavailable` when too many checks are waiting already
 */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  if (gate.full) throw new Refused('auth.unavailable', 'Too many sign-ins at the same time. Try again in a minute.');
  return gate.run(async () => {
    const prepared = preparePassword(password);
    if (isOurs(stored)) return verify(stored, prepared);
    // Another server hashed what was typed, or what SASLprep makes of it.
    const right =
      (await verifyForeign(stored, password)) || (prepared !== password && (await verifyForeign(stored, prepared)));
    // Whoever guesses is told nothing by the time it takes: a wrong password costs an Argon2, as everywhere.
    if (!right && isCheap(stored)) await verify(UNMATCHABLE_HASH, password);
    return right;
  });
}

/** Is it as we would hash a password now? */
export function isOurs(stored: string): boolean {
  return stored.startsWith(OURS);
}

/** A hash that no password fits, as costly to check as a real one: for names that nobody has. */
export const UNMATCHABLE_HASH: string = `${OURS}${unpadded(randomBytes(16))}$${unpadded(randomBytes(32))}`;

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
