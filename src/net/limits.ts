/**
 * How many connections there may be: in all, of one address before sign-in, of one account after it. One object for all listeners.
 *
 * Invariant: each connection that was admitted is counted once, to what `countedTo` says, until it is released.
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

export class ConnectionLimits {
  readonly #bounds: ConnectionBounds;
  readonly #counts = new Map<string | AccountId, number>();
  #open = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
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
