/**
 * How many connections there may be: in all, of one address before sign-in, of one account after it. One object for the listeners that have a share of
 * the connections together; addresses and accounts are counted in all of them.
 *
 * Invariants
 * - Each connection that was admitted is counted once, to what `countedTo` says, until it is released.
 * - Whoever fills one share takes no connection from the others: strangers come to where other servers bring mail, and people read theirs elsewhere.
 */
import type { AccountId } from '../store/ids.ts';

export interface ConnectionBounds {
  readonly connections: number;
  /** Before sign-in; IPv6 by /64. */
  readonly byAddress: number;
  readonly byAccount: number;
}

/** A connection, as far as it is counted: the peer (see `peerOf`) before sign-in, then the account. */
export interface Counted {
  countedTo: string | AccountId;
}

type Counts = Map<string | AccountId, number>;

/** Tenths of all connections: of mail programs and of neighbours that hand mail over (LMTP), of servers that bring mail, of browsers. */
const TENTHS = { programs: 7, servers: 2, browsers: 1 } as const;

export type Share = keyof typeof TENTHS;

/** Limits for each kind of listener. Each has a connection at least. */
export function shared(bounds: ConnectionBounds): Readonly<Record<Share, ConnectionLimits>> {
  const counts: Counts = new Map();
  const share = (of: Share) => {
    const connections = Math.max(1, Math.floor((bounds.connections * TENTHS[of]) / 10));
    return new ConnectionLimits({ ...bounds, connections }, counts);
  };
  return { programs: share('programs'), servers: share('servers'), browsers: share('browsers') };
}

export class ConnectionLimits {
  readonly #bounds: ConnectionBounds;
  readonly #counts: Counts;
  #open = 0;

  /** @param counts  of addresses and accounts */
  constructor(bounds: ConnectionBounds, counts: Counts = new Map()) {
    this.#bounds = bounds;
    this.#counts = counts;
  }

  /** Connections admitted and not released. */
  get open(): number {
    return this.#open;
  }

  /** Counts another connection of this peer, which becomes its `countedTo`. False when there is no room. */
  admit(peer: string): boolean {
    if (this.#open >= this.#bounds.connections || !this.#count(peer, this.#bounds.byAddress)) return false;
    this.#open++;
    return true;
  }

  /** Counts an admitted connection to another peer: the one its proxy speaks for. False: that peer has too many. */
  movePeer(connection: Counted, peer: string): boolean {
    return this.#move(connection, peer, this.#bounds.byAddress);
  }

  /** Counts an admitted connection to the account that signed in. False: the account has too many. */
  claimAccount(connection: Counted, account: AccountId): boolean {
    return this.#move(connection, account, this.#bounds.byAccount);
  }

  release(connection: Counted): void {
    this.#open--;
    this.#discount(connection.countedTo);
  }

  #move(connection: Counted, to: string | AccountId, most: number): boolean {
    const from = connection.countedTo;
    if (from === to) return true;
    if (!this.#count(to, most)) return false;
    this.#discount(from);
    connection.countedTo = to;
    return true;
  }

  #count(to: string | AccountId, most: number): boolean {
    const count = this.#counts.get(to) ?? 0;
    if (count >= most) return false;
    this.#counts.set(to, count + 1);
    return true;
  }

  #discount(from: string | AccountId): void {
    const count = this.#counts.get(from);
    if (count === undefined) throw new Error('a connection was released that was not counted');
    if (count === 1) this.#counts.delete(from);
    else this.#counts.set(from, count - 1);
  }
}
