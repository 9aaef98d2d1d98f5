/**
 * Passwords that were checked lately, right or wrong, so that a phone which signs in every minute costs no Argon2 each time.
 *
 * Invariants
 * - No password is kept: only its HMAC under a random key that never leaves the process.
 * - An outcome holds only for the very hash it was checked against. Whatever changes an account's password changes its hash
 *   (the salt is random), so what was remembered before is void at once, with nothing to tell anybody.
 * - Wrong passwords are kept for names that exist and names that don't alike, in a space of their own: guessing can't push
 *   out what was right.
 */
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { Lru } from '../lru.ts';
import type { Milliseconds } from '../store/ids.ts';

/** About 300 bytes each. */
const RIGHT_CAPACITY = 50_000;
const WRONG_CAPACITY = 10_000;
/** For a device that repeats an old password until somebody corrects it. */
const WRONG_FOR: Milliseconds = 10 * 60_000;

/** The HMAC of a name with a password. */
export type Fingerprint = string;

interface Wrong {
  readonly hash: string;
  readonly until: Milliseconds;
}

export class VerifiedPasswords {
  readonly #key: KeyObject = createSecretKey(randomBytes(32));
  readonly #right = new Lru<Fingerprint, string>(RIGHT_CAPACITY);
  readonly #wrong = new Lru<Fingerprint, Wrong>(WRONG_CAPACITY);
  readonly #clock: () => Milliseconds;

  constructor(clock: () => Milliseconds = () => performance.now()) {
    this.#clock = clock;
  }

  fingerprint(name: string, password: string): Fingerprint {
    return createHmac('sha256', this.#key).update(name).update('\0').update(password).digest('latin1');
  }

  /** Is the password right? Undefined: it was not checked against this hash, or too long ago. */
  recall(fingerprint: Fingerprint, hash: string): boolean | undefined {
    if (this.#right.get(fingerprint) === hash) return true;
    const wrong = this.#wrong.get(fingerprint);
    return wrong?.hash === hash && wrong.until >= this.#clock() ? false : undefined;
  }

  rememberRight(fingerprint: Fingerprint, hash: string): void {
    this.#right.set(fingerprint, hash);
  }

  /** What was wrong may be right by now: for passwords that are changed where we don't see it. */
  forgetWrong(): void {
    this.#wrong.clear();
  }

  rememberWrong(fingerprint: Fingerprint, hash: string): void {
    this.#wrong.set(fingerprint, { hash, until: this.#clock() + WRONG_FOR });
  }
}
