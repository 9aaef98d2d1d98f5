/**
 * Who is signed in: every open session, of whatever kind, and ending them.
 *
 * Whatever keeps sessions is a {@link SessionSource}, given to {@link Sessions.watch} once: a listener of a line protocol, the settings page.
 * There is no list beside theirs, so that a session that waits costs nothing here.
 *
 * Invariant: once {@link Sessions.end} has resolved, none of the sessions that it picked does anything more. For one that is just being signed
 * in to when something changes, the source keeps this order: it makes the session known first, and then awaits `SignedIn.confirm`. A change
 * before that shows in `confirm`; one after it finds the session here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CredentialKind, SignInProtocol } from '../directory/types.ts';
import type { AccountId, EpochSeconds, Milliseconds } from '../store/ids.ts';
import type { SignedOut } from './farewell.ts';

/** What somebody signed in with. Not secret. */
export interface SessionCredential {
  /** Which of the account's; 0: none that is kept (a token). */
  readonly id: number;
  readonly kind: CredentialKind;
  /** What the person calls the device, or the program a token was made for. May be empty. */
  readonly label: string;
}

/** A session that somebody is signed in to. */
export interface OpenSession {
  /** Of no other session as long as the process runs: {@link nextSessionId}. */
  readonly id: number;
  readonly protocol: SignInProtocol;
  readonly account: AccountId;
  readonly credential: SessionCredential;
  /** The client's IP address. */
  readonly address: string;
  /** The client's port; null where a session has no connection of its own. */
  readonly port: number | null;
  /** What the client calls itself: IMAP's ID, EHLO, User-Agent. Empty: it hasn't said. Strangers wrote it. */
  readonly client: string;
  /** The way to it is encrypted. */
  readonly secure: boolean;
  /** Both ends are on this machine. */
  readonly local: boolean;
  readonly since: EpochSeconds;

  /**
   * Signs it out, with a word why where the protocol has one. It begins nothing more once this has returned.
   * Safe to call twice. @returns resolves when what was under way is over; never waits for the request that asked for it
   */
  signOut(why: SignedOut): Promise<void>;
}

/** What keeps sessions. */
export interface SessionSource {
  /** Those open now, of one account or of all. What happens to them meanwhile must not disturb it. */
  sessions(account?: AccountId): Iterable<OpenSession>;
}

/** The longest that {@link allOver} waits for what is under way. A connection is cut off before. */
const OVER_WITHIN: Milliseconds = 10_000;

let lastId = 0;

/** A number for a session or a connection. */
export function nextSessionId(): number {
  return ++lastId;
}

export class Sessions {
  readonly #sources = new Set<SessionSource>();

  watch(source: SessionSource): void {
    this.#sources.add(source);
  }

  /** Every session, or those of one account. */
  *list(account?: AccountId): Generator<OpenSession> {
    for (const source of this.#sources) yield* source.sessions(account);
  }

  /**
   * Ends the sessions of an account that `which` picks: all, if absent. All are picked and told before this returns.
   * @returns how many, when they do nothing more
   */
  end(account: AccountId, why: SignedOut, which: (session: OpenSession) => boolean = () => true): Promise<number> {
    return this.endThese([...this.list(account)].filter(which), why);
  }

  /** The same for sessions that were picked already. */
  async endThese(sessions: readonly OpenSession[], why: SignedOut): Promise<number> {
    await allOver(sessions.map((session) => session.signOut(why)));
    return sessions.length;
  }
}

/** Waits for what {@link OpenSession.signOut} gave: until all are over, or {@link OVER_WITHIN} has passed. */
export async function allOver(ending: readonly Promise<void>[]): Promise<void> {
  if (ending.length === 0) return;
  const timer = new AbortController();
  await Promise.race([Promise.all(ending), delay(OVER_WITHIN, undefined, { signal: timer.signal })]);
  timer.abort();
}
