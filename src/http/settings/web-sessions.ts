/**
 * Who is signed in on the settings page.
 *
 * Invariants
 * - The secret in the cookie is random and is kept here as a hash alone: what is read out of memory or a log opens nothing.
 * - Sessions are bounded, in all and by account: a new one ends the one unused for longest.
 * - A session ends when it was not used for {@link IDLE}, and {@link LONGEST} after it began, whatever happens.
 * - That a session is there says only that somebody signed in: each request asks anew whether they still may (grant.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { SessionSource } from '../../net/sessions.ts';
import type { AccountId, Milliseconds } from '../../store/ids.ts';
import { type Beginning, WebSession } from './web-session.ts';

export const IDLE: Milliseconds = 30 * 60_000;
export const LONGEST: Milliseconds = 12 * 3_600_000;
export const MOST_BY_ACCOUNT = 10;
const MOST = 10_000;
const SECRET_BYTES = 32;

export class WebSessions implements SessionSource {
  /** By the hash of the secret; the one unused for longest first. */
  readonly #sessions = new Map<string, WebSession>();
  readonly #clock: () => Milliseconds;
  readonly #most: number;

  /** @param clock  milliseconds since 1970 @param most  sessions in all */
  constructor(clock: () => Milliseconds = Date.now, most: number = MOST) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Begins a session. @returns it, with the secret for the cookie, which nobody can get again */
  begin(beginning: Beginning): { readonly session: WebSession; readonly secret: string } {
    this.#makeRoom(beginning.grant.account);
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const key = hashOf(secret);
    const session = new WebSession(beginning, this.#clock(), () => this.#sessions.delete(key));
    this.#sessions.set(key, session);
    return { session, secret };
  }

  /** The session of a cookie, which counts as a use; undefined when there is none, or its time is over. */
  find(secret: string): WebSession | undefined {
    const key = hashOf(secret);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (this.#isOver(session)) {
      session.end();
      return undefined;
    }
    this.#sessions.delete(key); // to the end of the order
    this.#sessions.set(key, session);
    session.seen = this.#clock();
    return session;
  }

  sessions(account?: AccountId): WebSession[] {
    const open = [...this.#sessions.values()].filter((session) => !this.#isOver(session));
    return account === undefined ? open : open.filter((session) => session.account === account);
  }

  #makeRoom(account: AccountId): void {
    for (const session of this.#sessions.values()) if (this.#isOver(session)) session.end();
    const own = this.sessions(account);
    for (const session of own.slice(0, Math.max(0, own.length - MOST_BY_ACCOUNT + 1))) session.end();
    for (const session of this.#sessions.values()) {
      if (this.#sessions.size < this.#most) break;
      session.end();
    }
  }

  #isOver({ seen, begun }: WebSession): boolean {
    const now = this.#clock();
    return now - seen > IDLE || now - begun > LONGEST;
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
