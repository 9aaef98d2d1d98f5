/**
 * Where mail goes for an address when accounts forward theirs, step by step, and when aliases and groups lead elsewhere.
 *
 * Invariants
 * - Nothing is lost: an account whose forwarding leads to nobody, since its targets are gone or lead back to it, keeps its mail.
 * - Everybody gets one copy, however many ways lead to them.
 * - It ends: each account is gone through once, and not more than {@link MOST_STEPS} of them.
 */
import { domainOf } from '../message/addresses.ts';
import type { Reader } from '../store/engine/engine.ts';
import type { AccountId } from '../store/ids.ts';
import { formatAddress, parseAddress } from './address.ts';
import { type Behind, behind, holderOfRoles } from './behind.ts';
import { type Domain, findDomain } from './domains.ts';
import { accountsOfTargets, forwardingTargets, targetsOfMembers } from './forwarding.ts';
import type { Account, Forward, Onward } from './types.ts';

/** Accounts whose forwarding is gone through for one address: more than can be in a group. What is beyond keeps its mail. */
const MOST_STEPS = 2_500;
/** Copies of one message that go elsewhere for one address: they are one transaction. */
const MOST_FORWARDS = 2_000;

/** Undefined where mail simply goes to those whose the address is. */
export async function follow(tx: Reader, found: Behind): Promise<Onward | undefined> {
  if (found.outsiders.length === 0 && !found.accounts.some(({ forwards }) => forwards !== undefined)) return undefined;
  const way = new Way(tx);
  await way.all(found);
  return { here: [...way.here.values()], forwards: [...way.forwards.values()] };
}

class Way {
  readonly here = new Map<AccountId, Account>();
  readonly forwards = new Map<string, Forward>();
  readonly #tx: Reader;
  /** Accounts gone through, and whether that is done. */
  readonly #known = new Map<AccountId, boolean>();
  /** What many forward to at once; asked before their turn comes. */
  #targets: ReadonlyMap<AccountId, readonly string[]> = new Map();
  /** Those of them that are accounts here. */
  #targetAccounts: ReadonlyMap<string, Account> = new Map();
  readonly #domains = new Map<string, Domain | undefined>();

  constructor(tx: Reader) {
    this.#tx = tx;
  }

  /** @returns whether anybody has it by this */
  async all({ address, accounts, outsiders, group }: Behind): Promise<boolean> {
    let reached = false;
    if (group !== undefined) {
      this.#targets = await targetsOfMembers(this.#tx, group);
      this.#targetAccounts = await accountsOfTargets(this.#tx, group);
    }
    for (const account of accounts) reached = (await this.#account(account)) || reached;
    if (outsiders.length === 0) return reached;
    const holder = accounts.find(isOpen) ?? (await holderOfRoles(this.#tx, domainOf(address)));
    if (holder === undefined) return reached; // an office without anybody
    for (const to of outsiders) {
      reached = this.#elsewhere({ to, from: address, account: holder.id, keeper: null }) || reached;
    }
    return reached;
  }

  async #account(account: Account): Promise<boolean> {
    if (!isOpen(account)) return false;
    const known = this.#known.get(account.id);
    if (known !== undefined) return known; // not done: the way has led back
    const follows = account.forwards !== undefined && this.#known.size < MOST_STEPS;
    this.#known.set(account.id, false);
    let reached = false;
    if (follows) {
      const targets = this.#targets.get(account.id) ?? (await forwardingTargets(this.#tx, account.id));
      for (const target of targets) {
        reached = (await this.#target(target, account)) || reached;
      }
    }
    if (!reached || account.forwards !== 'away') this.here.set(account.id, account);
    this.#known.set(account.id, true);
    return true;
  }

  async #target(target: string, account: Account): Promise<boolean> {
    const known = this.#targetAccounts.get(target);
    if (known !== undefined) return this.#account(known);
    const address = parseAddress(target);
    if (address === null) return false;
    const domain = await this.#domain(address.domain);
    if (domain === undefined) {
      return this.#elsewhere({ to: target, from: account.name, account: account.id, keeper: account });
    }
    const next = await behind(this.#tx, formatAddress({ local: address.local, domain: domain.name }));
    // Not every sender to the account may post to the group.
    if (next === undefined || (next.list !== undefined && next.list.who !== 'anyone')) return false;
    return this.all(next);
  }

  /** Undefined: it is elsewhere. Most forward to few domains. */
  async #domain(name: string): Promise<Domain | undefined> {
    if (!this.#domains.has(name)) this.#domains.set(name, await findDomain(this.#tx, name));
    return this.#domains.get(name);
  }

  #elsewhere(forward: Forward): boolean {
    if (this.forwards.has(forward.to)) return true;
    if (this.forwards.size >= MOST_FORWARDS) return false;
    this.forwards.set(forward.to, forward);
    return true;
  }
}

function isOpen({ state }: Account): boolean {
  return state !== 'closed';
}
