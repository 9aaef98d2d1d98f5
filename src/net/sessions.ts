/**
 * The connections that somebody has signed in on, over all listeners: which there are, and ending them.
 *
 * Invariant: once {@link Sessions.bar} returns, the account's connections are on their way out, and one that signs in with a check that began
 * before leaves as soon as it has its answer. It costs an idle connection nothing: the listeners know them all anyway.
 */
import type { AccountId } from '../store/ids.ts';
import type { Connection } from './connection.ts';
import type { SignedOut } from './farewell.ts';

/** One signed-in connection, as an administrator sees it. */
export interface Session {
  /** Of the connection: see `LineConnection.id`. */
  readonly id: number;
  readonly protocol: string;
  readonly account: AccountId;
  /** Which of the account's credentials signed in; 0: not known. */
  readonly credential: number;
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Where connections are: a listener. */
export interface SessionSource {
  readonly protocol: { readonly name: string };
  connections(): Iterable<Connection>;
}

export class Sessions {
  readonly #sources = new Set<SessionSource>();
  /** Accounts that nobody may be signed in to, and why. Only what changed since the start: the others are refused at sign-in. */
  readonly #barred = new Map<AccountId, SignedOut>();
  /** Credentials, with their accounts, that were revoked since the start; their ids never come again. */
  readonly #revoked = new Set<string>();

  watch(source: SessionSource): void {
    this.#sources.add(source);
  }

  /** Every session, or those of one account. */
  *list(account?: AccountId): Generator<Session> {
    for (const [connection, { protocol }] of this.#connections()) {
      const { countedTo } = connection;
      if (typeof countedTo === 'string' || (account !== undefined && countedTo !== account)) continue;
      const { id, credential, remoteAddress: address, remotePort: port, secure, bytesIn, bytesOut } = connection;
      yield { id, protocol: protocol.name, account: countedTo, credential, address, port, secure, bytesIn, bytesOut };
    }
  }

  /** Ends the sessions of an account that `which` picks: all, if absent. Each hears why. @returns how many */
  end(account: AccountId, why: SignedOut, which: (connection: Connection) => boolean = () => true): number {
    let ended = 0;
    for (const [connection] of this.#connections()) {
      if (connection.countedTo !== account || connection.closed || !which(connection)) continue;
      connection.retire(why);
      ended++;
    }
    return ended;
  }

  /** Ends all sessions of the account, and those that a sign-in under way may still begin. @returns how many were open */
  bar(account: AccountId, why: SignedOut): number {
    this.#barred.set(account, why);
    return this.end(account, why);
  }

  unbar(account: AccountId): void {
    this.#barred.delete(account);
  }

  /** Ends the sessions of one credential, and those that a sign-in under way may still begin. @returns how many were open */
  revoke(account: AccountId, credential: number): number {
    this.#revoked.add(`${account}/${credential}`);
    return this.end(account, 'revoked', (connection) => connection.credential === credential);
  }

  /** The connection has become the account's. */
  signedIn(connection: Connection, account: AccountId): void {
    const revoked = this.#revoked.has(`${account}/${connection.credential}`);
    const why = this.#barred.get(account) ?? (revoked ? 'revoked' : undefined);
    if (why !== undefined) connection.retire(why);
  }

  *#connections(): Generator<readonly [Connection, SessionSource]> {
    for (const source of this.#sources) for (const connection of source.connections()) yield [connection, source];
  }
}
