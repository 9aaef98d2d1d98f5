/**
 * The changing side of the directory, in somebody's name.
 *
 * Invariants
 * - Every change writes its audit entry in its own transaction: neither is there without the other.
 * - A change is durable when its promise resolves, and no answer of the directory is older from then on.
 */
import { generateAppPassword, hashAppPassword } from '../auth/app-password.ts';
import { hashPassword } from '../auth/password.ts';
import { type ScramParameters, scramParametersFor } from '../auth/scram-keys.ts';
import type { Reader, Writer } from '../store/engine/engine.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { setMeta } from '../store/operations/meta.ts';
import * as accounts from './accounts.ts';
import { formatAddress } from './address.ts';
import * as aliases from './aliases.ts';
import { recordAudit } from './audit.ts';
import * as credentials from './credentials.ts';
import * as domains from './domains.ts';
import {
  requireAddress,
  requireDisplayName,
  requireDomain,
  requireGroupName,
  requireLabel,
  requirePassword,
  requireProtocols,
  requireQuota,
} from './rules.ts';
import type { Account, AccountState, Credential, CredentialListing, SignInProtocol, SignInRecord } from './types.ts';

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

/** What changes need of the directory they change. */
export interface ChangeHost {
  /** Salts are derived from it. */
  readonly secret: Uint8Array;
  readonly trial: boolean;
  read<T>(operation: (tx: Reader) => Promise<T>): Promise<T>;
  /** Runs a change; the caches are empty when it resolves. */
  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T>;
  /** Somebody may sign in again, or no more. */
  stateChanged(account: AccountId, state: AccountState | 'removed'): void;
  /** A credential is void: nobody may stay signed in with it. */
  revoked(account: AccountId, credential: number): void;
}

/** What the audit says of a change; a function where that shows only once it is made. */
interface Told<T> {
  readonly action: string;
  readonly subject: string;
  readonly also?: readonly string[];
  readonly detail?: Detail | ((result: T) => Detail);
}

type Detail = Readonly<Record<string, unknown>>;

export class DirectoryChanges {
  readonly #host: ChangeHost;
  readonly #actor: string;

  /** @param actor  who is behind the changes: `root on the command line` */
  constructor(host: ChangeHost, actor: string) {
    this.#host = host;
    this.#actor = actor;
  }

  /** Makes this a trial office, for good: it takes only domains that are reserved for trying out. */
  startTrial(): Promise<void> {
    return this.#change({ action: 'office.trial', subject: '' }, (tx) => setMeta(tx, 'trial', '1'));
  }

  // ---- domains ---------------------------------------------------------------------------------------------------

  /** @returns the domain in canonical form @throws Refused `directory.invalid`, `directory.exists` */
  async addDomain(text: string): Promise<string> {
    const domain = requireDomain(text, this.#host);
    await this.#change({ action: 'domain.add', subject: domain }, (tx) => domains.addDomain(tx, domain, now()));
    return domain;
  }

  /** @throws Refused `directory.missing`, `directory.invalid` while it is in use */
  async removeDomain(text: string): Promise<void> {
    const domain = anyDomain(text);
    await this.#change({ action: 'domain.remove', subject: domain }, (tx) => domains.removeDomain(tx, domain));
  }

  // ---- accounts --------------------------------------------------------------------------------------------------

  /**
   * Adds a person and their account, with INBOX and the mailboxes everybody has.
   * @throws Refused `directory.invalid`, `directory.exists`, `directory.missing` (the domain)
   */
  async addAccount(request: AccountRequest): Promise<Account> {
    const { password, quotaBytes = null, groups = [], makeDomain = false } = request;
    const address = requireAddress(request.address);
    requireDomain(address.domain, this.#host);
    requirePassword(password);
    requireQuota(quotaBytes);
    const name = formatAddress(address);
    const account = {
      name,
      domain: address.domain,
      makeDomain,
      displayName: requireDisplayName(request.displayName ?? ''),
      quotaBytes,
      groups: groups.map(requireGroupName),
      password: await this.#stored(password, scramParametersFor(this.#host.secret, name)),
    };
    const { displayName } = account;
    const detail = { name: displayName, quotaBytes, groups: account.groups };
    const told = { action: 'account.add', subject: name, also: account.groups, detail };
    return this.#change(told, (tx) => accounts.addAccount(tx, account, now()));
  }

  /** Sets the password; the old one is void when this resolves. @throws Refused `directory.missing`, `directory.invalid` */
  async setPassword(text: string, password: string): Promise<void> {
    const name = canonicalAddress(text);
    requirePassword(password);
    const stored = await this.#stored(password, await this.#parameters(name));
    await this.#change({ action: 'account.password', subject: name }, (tx) =>
      accounts.setPassword(tx, name, stored, now()),
    );
  }

  /** Open sessions end when nobody may sign in any more. @throws Refused `directory.missing` */
  async setState(text: string, state: AccountState): Promise<void> {
    const name = canonicalAddress(text);
    const told = { action: STATE_ACTIONS[state], subject: name, detail: (was: Account) => ({ before: was.state }) };
    const account = await this.#change(told, (tx) => accounts.setState(tx, name, state));
    this.#host.stateChanged(account.id, state);
  }

  /** @param quotaBytes  null for no limit @throws Refused `directory.missing`, `directory.invalid` */
  async setQuota(text: string, quotaBytes: number | null): Promise<void> {
    const name = canonicalAddress(text);
    requireQuota(quotaBytes);
    await this.#change({ action: 'account.quota', subject: name, detail: { quotaBytes } }, (tx) =>
      accounts.setQuota(tx, name, quotaBytes),
    );
  }

  /** Removes an account and the aliases that lead to it alone; housekeeping removes its mail. @throws Refused `directory.missing` */
  async removeAccount(text: string): Promise<void> {
    const name = canonicalAddress(text);
    const id = await this.#change({ action: 'account.remove', subject: name }, (tx) =>
      accounts.removeAccount(tx, name),
    );
    this.#host.stateChanged(id, 'removed');
  }

  // ---- credentials -----------------------------------------------------------------------------------------------

  /**
   * Makes an app password.
   * @param label  what the person calls the device
   * @param protocols  what it is for; null: every protocol
   * @returns the password, which nobody will see again, and its id
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async addAppPassword(
    text: string,
    request: { readonly label: string; readonly protocols: readonly SignInProtocol[] | null },
  ): Promise<{ readonly id: number; readonly password: string }> {
    const name = canonicalAddress(text);
    const label = requireLabel(request.label);
    const protocols = requireProtocols(request.protocols);
    const parameters = await this.#parameters(name);
    const password = generateAppPassword();
    const verifiers = await hashAppPassword(password, parameters);
    const told = { action: 'app-password.add', subject: name, detail: (id: number) => ({ id, label, protocols }) };
    const id = await this.#change(told, async (tx) => {
      const account = await accounts.requireAccount(tx, name);
      return credentials.addAppPassword(tx, account.id, { label, protocols, verifiers, parameters }, now());
    });
    return { id, password };
  }

  /** Revokes an app password: nobody signs in with it any more, and who is signed in with it is sent away. @param which  its label or id @throws Refused `directory.missing` */
  async revokeAppPassword(text: string, which: string): Promise<CredentialListing> {
    const name = canonicalAddress(text);
    const told = {
      action: 'app-password.revoke',
      subject: name,
      detail: ({ revoked }: { revoked: CredentialListing }) => ({ id: revoked.id, label: revoked.label }),
    };
    const { account, revoked } = await this.#change(told, async (tx) => {
      const account = await accounts.requireAccount(tx, name);
      return { account, revoked: await credentials.revokeAppPassword(tx, account.id, which) };
    });
    this.#host.revoked(account.id, revoked.id);
    return revoked;
  }

  /** Replaces another server's hash by one of our own, unless the password was changed meanwhile. */
  async renewPassword({ account, scram }: SignInRecord, credential: Credential, password: string): Promise<void> {
    const { id, name } = account;
    const stored = await this.#stored(password, scram ?? scramParametersFor(this.#host.secret, name));
    await this.#change({ action: 'password.rehash', subject: name }, (tx) =>
      credentials.renewPassword(tx, id, credential, stored),
    );
  }

  /** Salt and count of an account. @throws Refused `directory.missing` */
  async #parameters(name: string): Promise<ScramParameters> {
    const known = await this.#host.read(async (tx) =>
      credentials.scramParameters(tx, (await accounts.requireAccount(tx, name)).id),
    );
    return known ?? scramParametersFor(this.#host.secret, name);
  }

  async #stored(password: string, parameters: ScramParameters): Promise<credentials.StoredPassword> {
    return { verifiers: await hashPassword(password, parameters), parameters };
  }

  // ---- aliases ---------------------------------------------------------------------------------------------------

  /** Makes an address lead to accounts, beside others it leads to. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async addAlias(text: string, ...accountNames: readonly string[]): Promise<void> {
    const address = requireAddress(text);
    const targets = accountNames.map(canonicalAddress);
    const told = { action: 'alias.add', subject: formatAddress(address), also: targets, detail: { accounts: targets } };
    await this.#change(told, async (tx) => {
      for (const target of targets) await aliases.addAlias(tx, address, target, now());
    });
  }

  /** Removes an alias, or one of the accounts it leads to. @throws Refused `directory.missing` */
  async removeAlias(text: string, accountName?: string): Promise<void> {
    const address = canonicalAddress(text);
    const target = accountName === undefined ? undefined : canonicalAddress(accountName);
    const told = {
      action: 'alias.remove',
      subject: address,
      also: target === undefined ? [] : [target],
      detail: target === undefined ? {} : { account: target },
    };
    await this.#change(told, (tx) => aliases.removeAlias(tx, address, target));
  }

  /** One change with its audit entry, whole or not at all. */
  #change<T>({ detail = {}, ...entry }: Told<T>, operation: (tx: Writer) => Promise<T>): Promise<T> {
    return this.#host.write(async (tx) => {
      const result = await operation(tx);
      const told = typeof detail === 'function' ? detail(result) : detail;
      await recordAudit(tx, { ...entry, actor: this.#actor, detail: told }, now());
      return result;
    });
  }
}

const STATE_ACTIONS: Readonly<Record<AccountState, string>> = {
  active: 'account.reopen',
  suspended: 'account.suspend',
  closed: 'account.close',
};

function canonicalAddress(text: string): string {
  return formatAddress(requireAddress(text));
}

/** A domain in canonical form, whoever's it is. */
function anyDomain(text: string): string {
  return requireDomain(text, { trial: false });
}

function now(): EpochSeconds {
  return Math.floor(Date.now() / 1000);
}
