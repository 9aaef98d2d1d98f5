/**
 * Links that set up a phone: made where somebody is signed in, carried to the phone as a QR code, good once and for a short time.
 *
 * Invariants
 * - What the link carries is random and is kept as a hash alone.
 * - It is void once it was used, when its time is over, and when the sign-in that made it holds no more (grant.ts).
 * - Looking at it does not use it: programs that look ahead at links must not cost the person theirs.
 * - Links are bounded, in all and by account: a new one makes the oldest void.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Milliseconds } from '../../store/ids.ts';
import type { Grant } from './grant.ts';

export const LINK_LIFETIME: Milliseconds = 10 * 60_000;
const MOST = 1_000;
const MOST_BY_ACCOUNT = 3;
const SECRET_BYTES = 24;

export interface PhoneLink {
  readonly grant: Grant;
  /** What the person calls the phone: the name of its app password. */
  readonly label: string;
  readonly until: Milliseconds;
}

export class PhoneLinks {
  /** By the hash of the secret, the oldest first. */
  readonly #links = new Map<string, PhoneLink>();
  readonly #clock: () => Milliseconds;

  /** @param clock  milliseconds since 1970 */
  constructor(clock: () => Milliseconds = Date.now) {
    this.#clock = clock;
  }

  /** @returns what the link carries */
  make(grant: Grant, label: string): string {
    this.#makeRoom(grant);
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    this.#links.set(hashOf(secret), { grant, label, until: this.#clock() + LINK_LIFETIME });
    return secret;
  }

  /** What is behind the link; undefined when it is void. */
  look(secret: string): PhoneLink | undefined {
    const link = this.#links.get(hashOf(secret));
    return link !== undefined && link.until >= this.#clock() ? link : undefined;
  }

  /** The same, and the link is void from now on. */
  use(secret: string): PhoneLink | undefined {
    const link = this.look(secret);
    this.#links.delete(hashOf(secret));
    return link;
  }

  #makeRoom({ account }: Grant): void {
    const now = this.#clock();
    const own: string[] = [];
    for (const [key, { grant, until }] of this.#links) {
      if (until < now) this.#links.delete(key);
      else if (grant.account === account) own.push(key);
    }
    for (const key of own.slice(0, Math.max(0, own.length - MOST_BY_ACCOUNT + 1))) this.#links.delete(key);
    for (const key of this.#links.keys()) {
      if (this.#links.size < MOST) break;
      this.#links.delete(key);
    }
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
