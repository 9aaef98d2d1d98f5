/**
 * The directory: domains, accounts, groups and aliases of this office. Reading is here; changes are made in somebody's name
 * ({@link Directory.by}).
 *
 * Invariants
 * - Every change is durable when its promise resolves, and from then on no answer is older than it: the caches are emptied, and
 *   what was being read meanwhile is not kept.
 * - Caches are bounded; what they hold is read again in a fraction of a millisecond, so emptying them whole at each change is cheap,
 *   and checked passwords outlive it (auth/verified.ts).
 */
import { randomBytes } from 'node:crypto';
import type { Engine, Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import type { AccountId } from '../store/ids.ts';
import { getMeta, setMeta } from '../store/operations/meta.ts';
import * as accounts from './accounts.ts';
import { formatAddress } from './address.ts';
import * as aliases from './aliases.ts';
import { type AuditRecord, auditBefore } from './audit.ts';
import { type ChangeHost, DirectoryChanges } from './changes.ts';
import { CredentialUses } from './credential-uses.ts';
import { listCredentials } from './credentials.ts';
import * as domains from './domains.ts';
import { findSignIn, resolveAddress } from './lookup.ts';
import { Lru } from './lru.ts';
import { requireAddress } from './rules.ts';
import type {
  Account,
  AccountListing,
  AccountState,
  Alias,
  Credential,
  CredentialListing,
  CredentialUse,
  Resolved,
  SignInDirectory,
  SignInRecord,
} from './types.ts';

/** Names and addresses; up to about 1 KB each. */
const CACHE_CAPACITY = 20_000;

/** Hears that somebody may sign in again, or no more. */
export type StateListener = (account: AccountId, state: AccountState | 'removed') => void;

/** Hears that a credential of an account is void. */
export type RevocationListener = (account: AccountId, credential: number) => void;

/** Hears of what failed where nobody waits for it. */
type OnTrouble = (what: string, error: unknown) => void;

export class Directory implements SignInDirectory {
  /** Derives what unknown names are told; see {@link SignInDirectory}. */
  readonly secret: Uint8Array;
  readonly #engine: Engine;
  readonly #changeHost: ChangeHost;
  readonly #onTrouble: OnTrouble;
  readonly #uses: CredentialUses;
  #trial: boolean;
  readonly #resolved = new Lru<string, Resolved>(CACHE_CAPACITY);
  readonly #records = new Lru<string, SignInRecord | null>(CACHE_CAPACITY);
  readonly #onState: StateListener[] = [];
  readonly #onRevoked: RevocationListener[] = [];
  /** Rises with each change. */
  #generation = 0;

  /** Opens the directory of a store; the first time makes what it keeps in `meta`. */
  static async open(engine: Engine, onTrouble: OnTrouble = () => {}): Promise<Directory> {
    const fresh = randomBytes(32).toString('hex');
    const { secret, trial } = await engine.write(async (tx) => {
      const kept = await getMeta(tx, 'auth.secret');
      if (kept === undefined) await setMeta(tx, 'auth.secret', fresh);
      return { secret: kept ?? fresh, trial: await isTrial(tx) };
    });
    return new Directory(engine, Buffer.from(secret, 'hex'), trial, onTrouble);
  }

  private constructor(engine: Engine, secret: Uint8Array, trial: boolean, onTrouble: OnTrouble) {
    this.#engine = engine;
    this.secret = secret;
    this.#trial = trial;
    const isTrialOffice = () => this.#trial;
    this.#onTrouble = onTrouble;
    this.#uses = new CredentialUses(engine, (error) => onTrouble('noting when passwords were last used', error));
    this.#changeHost = {
      secret,
      get trial() {
        return isTrialOffice();
      },
      read: (operation) => engine.read(operation),
      write: (operation) => this.#change(operation),
      stateChanged: (account, state) => {
        for (const listener of this.#onState) listener(account, state);
      },
      revoked: (account, credential) => {
        for (const listener of this.#onRevoked) listener(account, credential);
      },
    };
  }

  /** A trial office takes only domains that are reserved for trying out. */
  get trial(): boolean {
    return this.#trial;
  }

  /** The changing side. @param actor  who is behind the changes, for the audit: `root on the command line` */
  by(actor: string): DirectoryChanges {
    return new DirectoryChanges(this.#changeHost, actor);
  }

  /** Calls the listener after each durable change of an account's state. */
  onState(listener: StateListener): void {
    this.#onState.push(listener);
  }

  /** Calls the listener after each durable revocation. */
  onRevoked(listener: RevocationListener): void {
    this.#onRevoked.push(listener);
  }

  /** In order of name. */
  domains(): Promise<readonly string[]> {
    return this.#engine.read(domains.listDomains);
  }

  /** One account by its name. @throws Refused `directory.missing`, `directory.invalid` */
  account(name: string): Promise<Account> {
    const account = formatAddress(requireAddress(name));
    return this.#engine.read((tx) => accounts.requireAccount(tx, account));
  }

  /** All accounts in order of name. Each page is a snapshot of its own. */
  accounts(): AsyncGenerator<AccountListing> {
    return this.#pages(accounts.listAccounts, '', ({ name }) => name);
  }

  /** The password and the app passwords of an account, and when each was last used. @throws Refused `directory.missing`, `directory.invalid` */
  async credentials(name: string): Promise<CredentialListing[]> {
    const account = formatAddress(requireAddress(name));
    await this.#uses.flush();
    return this.#engine.read(async (tx) => listCredentials(tx, (await accounts.requireAccount(tx, account)).id));
  }

  /** All aliases in order of address. Each page is a snapshot of its own. */
  aliases(): AsyncGenerator<Alias> {
    return this.#pages(aliases.listAliases, '', ({ address }) => address);
  }

  /** The audit, newest first. @param about  an address, a domain or a group in canonical form; all if absent */
  audit(about?: string): AsyncGenerator<AuditRecord> {
    return this.#pages(
      (tx, before) => auditBefore(tx, before, about),
      Number.MAX_SAFE_INTEGER,
      ({ id }) => id,
    );
  }

  /** Where an address leads; asked at each RCPT. Answers at once when it was asked before. */
  resolve(address: string): Resolved | Promise<Resolved> {
    return this.#resolved.get(address) ?? this.#load(this.#resolved, address, resolveAddress);
  }

  signInRecord(name: string): SignInRecord | null | Promise<SignInRecord | null> {
    const known = this.#records.get(name);
    return known === undefined ? this.#load(this.#records, name, findSignIn) : known;
  }

  used(use: CredentialUse): void {
    this.#uses.note(use);
  }

  /** Whoever signs in waits for it, once; that it can't be done now is no reason to turn them away. */
  async renewPassword(record: SignInRecord, credential: Credential, password: string): Promise<void> {
    try {
      await this.by('the server').renewPassword(record, credential, password);
    } catch (error) {
      this.#onTrouble(`hashing the password of ${record.account.name} anew`, error);
    }
  }

  /** Writes what is kept in memory for a while; the store must still be open. */
  async close(): Promise<void> {
    await this.#uses.flush();
  }

  async #load<T>(cache: Lru<string, T>, key: string, find: (tx: Reader, key: string) => Promise<T>): Promise<T> {
    const generation = this.#generation;
    const found = await this.#engine.read((tx) => find(tx, key));
    if (generation === this.#generation) cache.set(key, found);
    return found;
  }

  async #change<T>(operation: (tx: Writer) => Promise<T>): Promise<T> {
    try {
      const [result, trial] = await this.#engine.write(async (tx) => [await operation(tx), await isTrial(tx)] as const);
      this.#trial = trial;
      return result;
    } finally {
      this.#generation += 1;
      this.#resolved.clear();
      this.#records.clear();
    }
  }

  async *#pages<T, Key extends string | number>(
    page: (tx: Reader, from: Key) => Promise<T[]>,
    first: Key,
    key: (row: T) => Key,
  ): AsyncGenerator<T> {
    for (let next = first; ; ) {
      const from = next;
      const rows = await this.#engine.read((tx) => page(tx, from));
      yield* rows;
      if (rows.length < PAGE_ROWS) return;
      next = key(rows.at(-1)!);
    }
  }
}

async function isTrial(tx: Reader): Promise<boolean> {
  return (await getMeta(tx, 'trial')) === '1';
}
