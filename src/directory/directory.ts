/**
 * The directory: domains, accounts, groups and aliases of this office. Reading is here; changes are made in somebody's name
 * ({@link Directory.by}).
 *
 * Invariant: every change is durable when its promise resolves, and from then on no answer is older than it (kept-answers.ts).
 */
import { randomBytes } from 'node:crypto';
import type { LetGo } from '../config/let-go.ts';
import { Refused } from '../errors.ts';
import type { Engine, Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import type { AccountId } from '../store/ids.ts';
import { getMeta, setMeta } from '../store/operations/meta.ts';
import type { Access } from './access/access.ts';
import { type Decision, inOrder, type PolicyRule } from './access/decide.ts';
import { EffectiveAccess, type PolicyBasis } from './access/effective.ts';
import { listRules } from './access/rules.ts';
import { type AccountPage, readAccountPage } from './account-page.ts';
import * as accounts from './accounts.ts';
import * as aliases from './aliases.ts';
import { type AuditRecord, auditBefore } from './audit.ts';
import { DirectoryChanges } from './changes/directory-changes.ts';
import type { ChangeHost } from './changes/host.ts';
import { CredentialUses } from './credential-uses.ts';
import { listCredentials } from './credentials.ts';
import * as domains from './domains.ts';
import * as groups from './groups.ts';
import { KeptAnswers } from './kept-answers.ts';
import { findSignIn, ownerOf, ownersOf, resolveAddress, weightOf } from './lookup.ts';
import { MailWays } from './mail-ways.ts';
import { requirePersonHere } from './outside/guard.ts';
import { OutsideDirectory } from './outside/outside-directory.ts';
import { pages } from './pages.ts';
import * as quotas from './quotas.ts';
import { canonicalAddress, requireGroupName } from './rules.ts';
import type {
  Account,
  AccountListing,
  AccountState,
  Alias,
  Credential,
  CredentialListing,
  CredentialUse,
  DomainSettings,
  Group,
  GroupListing,
  PossibleOwners,
  QuotaDecision,
  QuotaRule,
  Resolved,
  SignInDirectory,
  SignInRecord,
} from './types.ts';

/** Hears that somebody may sign in again, or no more. The change is answered once the listener is done. */
export type StateListener = (account: AccountId, state: AccountState | 'removed') => void | Promise<void>;

/** Hears that a credential of an account is void. */
export type RevocationListener = (account: AccountId, credential: number) => void | Promise<void>;

/**
 * Hears whose access may be another now: `directory.access` gives the new one. The change is durable then, and is acknowledged only once the
 * listener has returned, and what it returned is resolved.
 */
export type AccessListener = (accounts: readonly AccountId[] | 'all') => void | Promise<void>;

/** Hears of what failed where nobody waits for it. */
type OnTrouble = (what: string, error: unknown) => void;

export class Directory implements SignInDirectory {
  /** Derives what unknown names are told; see {@link SignInDirectory}. */
  readonly secret: Uint8Array;
  /** Forwarding, and mail to groups. */
  readonly ways: MailWays;
  /** Another directory, where people live. */
  readonly outside: OutsideDirectory;
  /** Where an address leads; asked at each RCPT. Answers at once when it was asked before. */
  readonly resolve: (address: string) => Resolved | Promise<Resolved>;
  readonly signInRecord: SignInDirectory['signInRecord'];
  /** What an account may do. Never older than the last change that was acknowledged; answers at once when it was asked before. */
  readonly access: (account: AccountId) => Access | Promise<Access>;
  /** What somebody of a domain may do who is in no group. The domain by any of its names; null: it is not ours. */
  readonly domainAccess: (domain: string) => Access | null | Promise<Access | null>;
  readonly #engine: Engine;
  readonly #changeHost: ChangeHost;
  readonly #onTrouble: OnTrouble;
  readonly #uses: CredentialUses;
  readonly #kept: KeptAnswers;
  readonly #letGoRules: (of: 'all') => readonly LetGo[] | Promise<readonly LetGo[]>;
  readonly #policy: EffectiveAccess;
  readonly #onState: StateListener[] = [];
  readonly #onRevoked: RevocationListener[] = [];
  readonly #onAccess: AccessListener[] = [];
  #trial: boolean;

  /**
   * Opens the directory of a store; the first time makes what it keeps in `meta`.
   * @param basis  what the configuration file says that the access policy needs; its defaults, if absent
   */
  static async open(engine: Engine, onTrouble: OnTrouble = () => {}, basis?: PolicyBasis): Promise<Directory> {
    const fresh = randomBytes(32).toString('hex');
    const { secret, trial } = await engine.write(async (tx) => {
      const kept = await getMeta(tx, 'auth.secret');
      if (kept === undefined) await setMeta(tx, 'auth.secret', fresh);
      return { secret: kept ?? fresh, trial: await isTrial(tx) };
    });
    const directory = new Directory(engine, Buffer.from(secret, 'hex'), trial, onTrouble, basis);
    await directory.#recompute(); // what was interrupted
    return directory;
  }

  private constructor(
    engine: Engine,
    secret: Uint8Array,
    trial: boolean,
    onTrouble: OnTrouble,
    basis: PolicyBasis | undefined,
  ) {
    this.#engine = engine;
    this.secret = secret;
    this.#trial = trial;
    const isTrialOffice = () => this.#trial;
    this.ways = new MailWays((operation) => engine.read(operation), isTrialOffice);
    this.#onTrouble = onTrouble;
    const policy = new EffectiveAccess(basis);
    this.#policy = policy;
    this.#kept = new KeptAnswers(engine);
    this.resolve = this.#kept.answering(resolveAddress, weightOf);
    this.signInRecord = this.#kept.answering((tx, name: string) => findSignIn(tx, name, policy));
    this.access = this.#kept.answering((tx, account: AccountId) => policy.of(tx, account));
    this.domainAccess = this.#kept.answering((tx, domain: string) => policy.ofDomain(tx, domain));
    this.#letGoRules = this.#kept.answering((tx) => policy.letGoRules(tx));
    this.#uses = new CredentialUses(engine, (error) => onTrouble('noting when passwords were last used', error));
    this.#changeHost = {
      secret,
      get trial() {
        return isTrialOffice();
      },
      mayLeave: (address) => this.ways.requireLeaving(address),
      read: (operation) => engine.read(operation),
      write: (operation) => this.#change(operation),
      writeInWorker: async (operation, args) => {
        try {
          return await engine.writeInWorker(null, operation, args);
        } finally {
          this.#kept.forget();
        }
      },
      recompute: () => this.#recompute(),
      stateChanged: async (account, state) => {
        for (const listener of this.#onState) await listener(account, state);
      },
      revoked: async (account, credential) => {
        for (const listener of this.#onRevoked) await listener(account, credential);
      },
      policy,
      accessChanged: async (accounts) => {
        for (const listener of this.#onAccess) await listener(accounts);
      },
    };
    this.outside = new OutsideDirectory(this.#changeHost);
  }

  /** A trial office takes only domains that are reserved for trying out. */
  get trial(): boolean {
    return this.#trial;
  }

  get generation(): number {
    return this.#kept.generation;
  }

  /** The changing side. @param actor  who is behind the changes, for the audit: `root on the command line` */
  by(actor: string): DirectoryChanges {
    return new DirectoryChanges(this.#changeHost, actor);
  }

  /** Whom an address may be of; null when its domain is none of ours. */
  ownersOf(address: string): Promise<PossibleOwners | null> {
    return this.#engine.read((tx) => ownersOf(tx, address));
  }

  /** Calls the listener after each durable change of an account's state. */
  onState(listener: StateListener): void {
    this.#onState.push(listener);
  }

  /** Calls the listener after each durable revocation. */
  onRevoked(listener: RevocationListener): void {
    this.#onRevoked.push(listener);
  }

  /** Calls the listener after each durable change that may change what accounts may do: of the policy, groups, names. */
  onAccess(listener: AccessListener): void {
    this.#onAccess.push(listener);
  }

  /** The rules for what POP3 devices have deleted that anybody has. */
  letGoRules(): readonly LetGo[] | Promise<readonly LetGo[]> {
    return this.#letGoRules('all');
  }

  /** Each setting of the access policy for an account, and why it has its value. */
  explainPolicy(account: AccountId): Promise<Decision[]> {
    return this.#engine.read((tx) => this.#policy.explain(tx, account));
  }

  /** Everything that is set: for everyone first, then for domains, groups and accounts. */
  async policyRules(): Promise<PolicyRule[]> {
    const all: PolicyRule[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const from: number = after;
      const { rules, next } = await this.#engine.read((tx) => listRules(tx, from));
      all.push(...rules);
      after = next;
    }
    return inOrder(all);
  }

  /** Every name of every domain, in order. */
  async domains(): Promise<readonly string[]> {
    return (await this.domainSettings()).map(({ name }) => name);
  }

  /** Every name of every domain in order, with what is set for it. */
  domainSettings(): Promise<readonly DomainSettings[]> {
    return this.#engine.read(domains.listDomains);
  }

  /** One account by its name. @throws Refused `directory.missing`, `directory.invalid` */
  account(name: string): Promise<Account> {
    const account = canonicalAddress(name);
    return this.#engine.read((tx) => accounts.requireAccount(tx, account));
  }

  /** The account of this id; undefined when it is gone. */
  async accountOf(id: AccountId): Promise<Account | undefined> {
    const name = (await this.accountNames([id])).get(id);
    return name === undefined ? undefined : this.#engine.read((tx) => accounts.findAccount(tx, name));
  }

  /** What accounts are called; those that are gone are left out. */
  async accountNames(ids: Iterable<AccountId>): Promise<Map<AccountId, string>> {
    const all = [...ids];
    const names = new Map<AccountId, string>();
    for (let at = 0; at < all.length; at += PAGE_ROWS) {
      const page = all.slice(at, at + PAGE_ROWS);
      for (const [id, name] of await this.#engine.read((tx) => accounts.namesOf(tx, page))) names.set(id, name);
    }
    return names;
  }

  /** All accounts in order of name. Each page is a snapshot of its own. */
  accounts(): AsyncGenerator<AccountListing> {
    return pages(this.#engine, accounts.listAccounts, '', ({ name }) => name);
  }

  /** The password and the app passwords of an account, and when each was last used. @throws Refused `directory.missing`, `directory.invalid` */
  async credentials(name: string): Promise<CredentialListing[]> {
    const account = canonicalAddress(name);
    await this.#uses.flush();
    return this.#engine.read(async (tx) => listCredentials(tx, (await accounts.requireAccount(tx, account)).id));
  }

  /** Why something of a person can't be changed here, and where it can; null: it can. @param what  as texts call it: `the password` */
  async changedElsewhere(account: string, what: string): Promise<string | null> {
    try {
      await this.#engine.read((tx) => requirePersonHere(tx, account, what));
      return null;
    } catch (error) {
      if (error instanceof Refused) return error.message;
      throw error;
    }
  }

  /** Undefined: there is no such alias. @throws Refused `directory.invalid` */
  async alias(text: string): Promise<Alias | undefined> {
    const address = canonicalAddress(text);
    return this.#engine.read((tx) => aliases.findAlias(tx, address));
  }

  /** All aliases in order of address. Each page is a snapshot of its own. */
  aliases(): AsyncGenerator<Alias> {
    return pages(this.#engine, aliases.listAliases, '', ({ address }) => address);
  }

  /** All groups in order of name. Each page is a snapshot of its own. */
  groups(): AsyncGenerator<GroupListing> {
    return pages(this.#engine, groups.listGroups, '', ({ name }) => name);
  }

  /** @throws Refused `directory.missing`, `directory.invalid` */
  group(text: string): Promise<Group> {
    const name = requireGroupName(text);
    return this.#engine.read((tx) => groups.requireGroup(tx, name));
  }

  /** Who is in a group, the oldest account first. */
  members(group: Group): AsyncGenerator<Account> {
    return pages<Account, number>(
      this.#engine,
      (tx, after) => groups.membersAfter(tx, group.id, after),
      0,
      ({ id }) => id,
    );
  }

  /** Every quota that is set. */
  quotas(): AsyncGenerator<QuotaRule> {
    return pages<QuotaRule, QuotaRule | null>(this.#engine, quotas.listRules, null, (rule) => rule);
  }

  /** What an account may keep, and why. @throws Refused `directory.missing`, `directory.invalid` */
  quotaOf(name: string): Promise<QuotaDecision> {
    const account = canonicalAddress(name);
    return this.#engine.read(async (tx) => quotas.explainQuota(tx, (await accounts.requireAccount(tx, account)).id));
  }

  /** Everything about one account. @throws Refused `directory.missing`, `directory.invalid` */
  async accountPage(name: string): Promise<AccountPage> {
    const account = canonicalAddress(name);
    await this.#uses.flush();
    return this.#engine.read((tx) => readAccountPage(tx, account));
  }

  /** The audit, newest first. @param about  an address, a domain or a group in canonical form; all if absent */
  audit(about?: string): AsyncGenerator<AuditRecord> {
    return pages(
      this.#engine,
      (tx, before) => auditBefore(tx, before, about),
      Number.MAX_SAFE_INTEGER,
      ({ id }) => id,
    );
  }

  async ownerRecord(text: string): Promise<SignInRecord | null> {
    const name = await this.#engine.read((tx) => ownerOf(tx, text));
    return name === null ? null : this.signInRecord(name);
  }

  used(use: CredentialUse): void {
    this.#uses.note(use);
  }

  /** Whoever signs in waits for it, once; that it can't be done now is no reason to turn them away. */
  async renewPassword(record: SignInRecord, credential: Credential, password: string): Promise<void> {
    try {
      await this.by('the server').accounts.renewPassword(record, credential, password);
    } catch (error) {
      this.#onTrouble(`hashing the password of ${record.account.name} anew`, error);
    }
  }

  /** Writes what is kept in memory for a while; the store must still be open. */
  async close(): Promise<void> {
    await this.#uses.flush();
  }

  async #change<T>(operation: (tx: Writer) => Promise<T>): Promise<T> {
    try {
      const [result, trial] = await this.#engine.write(async (tx) => [await operation(tx), await isTrial(tx)] as const);
      this.#trial = trial;
      return result;
    } finally {
      this.#kept.forget();
    }
  }

  /** Works out the quotas that are out of date, page by page. Two at a time do no harm: the mark is in the store. */
  async #recompute(): Promise<void> {
    while (await this.#engine.read(quotas.isOutOfDate)) await this.#change(quotas.recomputeSome);
  }
}

async function isTrial(tx: Reader): Promise<boolean> {
  return (await getMeta(tx, 'trial')) === '1';
}
