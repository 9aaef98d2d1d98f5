/**
 * The directory: domains, accounts and aliases of this office.
 *
 * Invariants
 * - Every change is durable when its promise resolves, and from then on no answer is older than it: the caches are emptied, and
 *   what was being read meanwhile is not kept.
 * - Caches are bounded; what they hold is read again in a fraction of a millisecond, so emptying them whole at each change is cheap,
 *   and checked passwords outlive it (auth/verified.ts).
 */
import { randomBytes } from 'node:crypto';
import { hashPassword, newScramParameters } from '../auth/password.ts';
import type { Engine, Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import * as accounts from './accounts.ts';
import { formatAddress } from './address.ts';
import * as aliases from './aliases.ts';
import * as domains from './domains.ts';
import { findSignIn, resolveAddress } from './lookup.ts';
import { Lru } from './lru.ts';
import {
  requireAddress,
  requireDisplayName,
  requireDomain,
  requireGroupName,
  requirePassword,
  requireQuota,
} from './rules.ts';
import type { Account, AccountListing, Alias, Resolved, SignInDirectory, SignInRecord } from './types.ts';

const GET_META = sql<readonly [value: string]>('SELECT value FROM meta WHERE name = ?');
const SET_META = sql(
  'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
);

const SECRET = 'auth.secret';
const TRIAL = 'trial';
/** Names and addresses; up to about 1 KB each. */
const CACHE_CAPACITY = 20_000;

/** What an administrator says of a new account. */
export interface AccountRequest {
  readonly address: string;
  readonly password: string;
  readonly displayName?: string;
  readonly quotaBytes?: number | null;
  readonly groups?: readonly string[];
  /** Add the address's domain where it is missing. */
  readonly makeDomain?: boolean;
}

export class Directory implements SignInDirectory {
  /** Derives what unknown names are told; see {@link SignInDirectory}. */
  readonly secret: Uint8Array;
  readonly #engine: Engine;
  #trial: boolean;
  readonly #resolved = new Lru<string, Resolved>(CACHE_CAPACITY);
  readonly #records = new Lru<string, SignInRecord | null>(CACHE_CAPACITY);
  /** Rises with each change. */
  #generation = 0;

  /** Opens the directory of a store; the first time makes what it keeps in `meta`. */
  static async open(engine: Engine): Promise<Directory> {
    const fresh = randomBytes(32).toString('hex');
    const meta = await engine.write(async (tx) => {
      const secret = (await tx.get(GET_META, SECRET))?.[0] ?? fresh;
      await tx.run(SET_META, SECRET, secret);
      return { secret, trial: (await tx.get(GET_META, TRIAL))?.[0] === '1' };
    });
    return new Directory(engine, Buffer.from(meta.secret, 'hex'), meta.trial);
  }

  private constructor(engine: Engine, secret: Uint8Array, trial: boolean) {
    this.#engine = engine;
    this.secret = secret;
    this.#trial = trial;
  }

  /** A trial office takes only domains that are reserved for trying out. */
  get trial(): boolean {
    return this.#trial;
  }

  /** Makes this a trial office, for good. */
  async startTrial(): Promise<void> {
    await this.#change((tx) => tx.run(SET_META, TRIAL, '1'));
    this.#trial = true;
  }

  // ---- domains ---------------------------------------------------------------------------------------------------

  /** @returns the domain in canonical form @throws Refused `directory.invalid`, `directory.exists` */
  async addDomain(text: string): Promise<string> {
    const domain = requireDomain(text, this);
    await this.#change((tx) => domains.addDomain(tx, domain, now()));
    return domain;
  }

  /** @throws Refused `directory.missing`, `directory.invalid` while it is in use */
  async removeDomain(text: string): Promise<void> {
    const domain = requireDomain(text, { trial: false });
    await this.#change((tx) => domains.removeDomain(tx, domain));
  }

  /** In order of name. */
  domains(): Promise<readonly string[]> {
    return this.#engine.read(domains.listDomains);
  }

  // ---- accounts --------------------------------------------------------------------------------------------------

  /**
   * Adds a person and their account, with INBOX and the mailboxes everybody has.
   * @throws Refused `directory.invalid`, `directory.exists`, `directory.missing` (the domain)
   */
  async addAccount(request: AccountRequest): Promise<Account> {
    const { password, quotaBytes = null, groups = [], makeDomain = false } = request;
    const address = requireAddress(request.address);
    requireDomain(address.domain, this);
    requirePassword(password);
    requireQuota(quotaBytes);
    const account = {
      name: formatAddress(address),
      domain: address.domain,
      makeDomain,
      displayName: requireDisplayName(request.displayName ?? ''),
      quotaBytes,
      groups: groups.map(requireGroupName),
      password: await this.#stored(password, newScramParameters()),
    };
    return this.#change((tx) => accounts.addAccount(tx, account, now()));
  }

  /** Sets the password; the old one is void when this resolves. @throws Refused `directory.missing`, `directory.invalid` */
  async setPassword(name: string, password: string): Promise<void> {
    const account = accountName(name);
    requirePassword(password);
    const parameters = await this.#engine.read(async (tx) =>
      accounts.scramParameters(tx, (await accounts.requireAccount(tx, account)).id),
    );
    const stored = await this.#stored(password, parameters ?? newScramParameters());
    await this.#change((tx) => accounts.setPassword(tx, account, stored, now()));
  }

  /** Nobody can sign in any more; mail still arrives. @throws Refused `directory.missing` */
  async suspendAccount(name: string): Promise<void> {
    const account = accountName(name);
    await this.#change((tx) => accounts.setState(tx, account, 'suspended'));
  }

  /** @throws Refused `directory.missing` */
  async activateAccount(name: string): Promise<void> {
    const account = accountName(name);
    await this.#change((tx) => accounts.setState(tx, account, 'active'));
  }

  /** @param quotaBytes  null for no limit @throws Refused `directory.missing`, `directory.invalid` */
  async setQuota(name: string, quotaBytes: number | null): Promise<void> {
    const account = accountName(name);
    requireQuota(quotaBytes);
    await this.#change((tx) => accounts.setQuota(tx, account, quotaBytes));
  }

  /** Removes an account and the aliases that lead to it alone; housekeeping removes its mail. @throws Refused `directory.missing` */
  async removeAccount(name: string): Promise<void> {
    const account = accountName(name);
    await this.#change((tx) => accounts.removeAccount(tx, account));
  }

  /** One account by its name. @throws Refused `directory.missing`, `directory.invalid` */
  account(name: string): Promise<Account> {
    const account = accountName(name);
    return this.#engine.read((tx) => accounts.requireAccount(tx, account));
  }

  /** All accounts in order of name. Each page is a snapshot of its own. */
  accounts(): AsyncGenerator<AccountListing> {
    return this.#pages(accounts.listAccounts, ({ name }) => name);
  }

  // ---- aliases ---------------------------------------------------------------------------------------------------

  /** Makes an address lead to an account, beside others it leads to. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async addAlias(address: string, account: string): Promise<void> {
    const alias = requireAddress(address);
    const target = accountName(account);
    await this.#change((tx) => aliases.addAlias(tx, alias, target, now()));
  }

  /** Removes an alias, or one of the accounts it leads to. @throws Refused `directory.missing` */
  async removeAlias(address: string, account?: string): Promise<void> {
    const alias = formatAddress(requireAddress(address));
    const target = account === undefined ? undefined : accountName(account);
    await this.#change((tx) => aliases.removeAlias(tx, alias, target));
  }

  /** All aliases in order of address. Each page is a snapshot of its own. */
  aliases(): AsyncGenerator<Alias> {
    return this.#pages(aliases.listAliases, ({ address }) => address);
  }

  // ---- what is asked all the time --------------------------------------------------------------------------------

  /** Where an address leads; asked at each RCPT. Answers at once when it was asked before. */
  resolve(address: string): Resolved | Promise<Resolved> {
    return this.#resolved.get(address) ?? this.#load(this.#resolved, address, resolveAddress);
  }

  signInRecord(name: string): SignInRecord | null | Promise<SignInRecord | null> {
    const known = this.#records.get(name);
    return known === undefined ? this.#load(this.#records, name, findSignIn) : known;
  }

  async #load<T>(cache: Lru<string, T>, key: string, find: (tx: Reader, key: string) => Promise<T>): Promise<T> {
    const generation = this.#generation;
    const found = await this.#engine.read((tx) => find(tx, key));
    if (generation === this.#generation) cache.set(key, found);
    return found;
  }

  async #change<T>(operation: (tx: Writer) => T | Promise<T>): Promise<T> {
    try {
      return await this.#engine.write(async (tx) => operation(tx));
    } finally {
      this.#generation += 1;
      this.#resolved.clear();
      this.#records.clear();
    }
  }

  async *#pages<T>(page: (tx: Reader, after: string) => Promise<T[]>, key: (row: T) => string): AsyncGenerator<T> {
    for (let after = ''; ; ) {
      const from = after;
      const rows = await this.#engine.read((tx) => page(tx, from));
      yield* rows;
      if (rows.length < PAGE_ROWS) return;
      after = key(rows.at(-1)!);
    }
  }

  async #stored(password: string, parameters: accounts.StoredPassword['parameters']): Promise<accounts.StoredPassword> {
    return { verifiers: await hashPassword(password, parameters), parameters };
  }
}

function accountName(text: string): string {
  return formatAddress(requireAddress(text));
}

function now(): EpochSeconds {
  return Math.floor(Date.now() / 1000);
}
