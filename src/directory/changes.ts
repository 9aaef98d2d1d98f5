/**
 * The changing side of the directory, in somebody's name.
 *
 * Invariants
 * - Every change writes its audit entry in its own transaction: neither is there without the other.
 * - A change is durable when its promise resolves, and no answer of the directory is older from then on.
 */
import { generateAppPassword, hashAppPassword } from '../auth/app-password.ts';
import type { ImportedSecret } from '../auth/foreign/hashes.ts';
import { hashPassword } from '../auth/password.ts';
import { type ScramParameters, scramParametersFor } from '../auth/scram-keys.ts';
import type { Reader, Writer } from '../store/engine/engine.ts';
import { type AccountId, type EpochSeconds, nowSeconds } from '../store/ids.ts';
import type { HeavyOperation } from '../store/operations/heavy-operations.ts';
import { setMeta } from '../store/operations/meta.ts';
import { keepAdministrators } from './access/administrators.ts';
import { PolicyChanges } from './access/changes.ts';
import type { EffectiveAccess } from './access/effective.ts';
import * as accounts from './accounts.ts';
import { type Address, formatAddress } from './address.ts';
import * as aliases from './aliases.ts';
import { recordAudit } from './audit.ts';
import * as credentials from './credentials.ts';
import * as domains from './domains.ts';
import { bringBack, type FormerAccount } from './former-account.ts';
import { ForwardingChanges } from './forwarding-changes.ts';
import * as groupMail from './group-mail.ts';
import * as groups from './groups.ts';
import { addAccount } from './new-account.ts';
import * as guard from './outside/guard.ts';
import type { FilePerson } from './people/person.ts';
import { addPerson, checkedPerson, storedSecret, updatePerson } from './people/take-person.ts';
import * as quotas from './quotas.ts';
import { renameAccount } from './rename-account.ts';
import {
  requireAddress,
  requireDisplayName,
  requireDomain,
  requireGroupName,
  requireLabel,
  requirePassword,
  requireProtocols,
  requireQuota,
  requireSeparator,
} from './rules.ts';
import { canonicalSubject, type Subject, subjectId } from './subject.ts';
import type {
  Account,
  AccountState,
  Credential,
  CredentialListing,
  Posting,
  SignInProtocol,
  SignInRecord,
} from './types.ts';

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

/** What became of a person of a file: added, brought up to date, or left alone since the account is there. */
export type Taken = 'added' | 'updated' | 'there';

/** What changes need of the directory they change. */
export interface ChangeHost {
  /** Salts are derived from it. */
  readonly secret: Uint8Array;
  readonly trial: boolean;
  /** Refuses an address elsewhere while no mail leaves. @throws Refused `relay.forbidden` */
  readonly mayLeave: (address: string) => void;
  readonly policy: EffectiveAccess;
  read<T>(operation: (tx: Reader) => Promise<T>): Promise<T>;
  /** Runs a change; the caches are empty when it resolves. */
  write<T>(operation: (tx: Writer) => Promise<T>): Promise<T>;
  /** The same for one that is too large for the loop. */
  writeInWorker(name: HeavyOperation, args: unknown): Promise<void>;
  /** Works out the quotas of all whom a change concerned. */
  recompute(): Promise<void>;
  /** Somebody may sign in again, or no more. */
  stateChanged(account: AccountId, state: AccountState | 'removed'): Promise<void>;
  /** These accounts may do other things now. */
  accessChanged(accounts: readonly AccountId[] | 'all'): Promise<void>;
  /** A credential is void: nobody may stay signed in with it. */
  revoked(account: AccountId, credential: number): Promise<void>;
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

  /** The access policy, and who administers. */
  get policy(): PolicyChanges {
    return new PolicyChanges({
      change: (told, operation, whose) => this.#accessChange(told, operation, whose),
      tried: (operation) => this.#tried((tx) => this.#keepAdministrators(tx, () => operation(tx))),
    });
  }

  /** Who forwards mail to where. */
  get forwarding(): ForwardingChanges {
    return new ForwardingChanges((told, operation) => this.#change(told, operation), this.#host.mayLeave);
  }

  /** Makes this a trial office, for good: it takes only domains that are reserved for trying out. */
  startTrial(): Promise<void> {
    return this.#change({ action: 'office.trial', subject: '' }, (tx) => setMeta(tx, 'trial', '1'));
  }

  // ---- domains ---------------------------------------------------------------------------------------------------

  /** @returns the domain in canonical form @throws Refused `directory.invalid`, `directory.exists` */
  async addDomain(text: string): Promise<string> {
    const domain = requireDomain(text, this.#host);
    await this.#change({ action: 'domain.add', subject: domain }, (tx) => domains.addDomain(tx, domain, nowSeconds()));
    return domain;
  }

  /** @throws Refused `directory.missing`, `directory.invalid` while it is in use */
  async removeDomain(text: string): Promise<void> {
    const domain = anyDomain(text);
    await this.#change({ action: 'domain.remove', subject: domain }, (tx) => domains.removeDomain(tx, domain));
  }

  /**
   * Gives a domain another name: all its addresses move. With `keepOld` the old name goes on to mean the same, for mail and for signing in.
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async renameDomain(text: string, wanted: string, { keepOld = false } = {}): Promise<void> {
    const from = anyDomain(text);
    const to = requireDomain(wanted, this.#host);
    await this.#host.read((tx) => guard.requireDomainHere(tx, from));
    await this.#host.writeInWorker('renameDomain', { from, to, keepOld, actor: this.#actor, now: nowSeconds() });
  }

  /** Who gets what is for nobody else. @param address  null: nobody @throws Refused `directory.missing`, `directory.invalid` */
  async setCatchAll(text: string, address: string | null): Promise<void> {
    const domain = anyDomain(text);
    const target = address === null ? null : canonicalAddress(address);
    const told = {
      action: 'domain.catch-all',
      subject: domain,
      also: target === null ? [] : [target],
      detail: (before: string | null) => ({ address: target, before }),
    };
    await this.#change(told, (tx) => domains.setCatchAll(tx, domain, target));
  }

  /** What stands between a name and its detail. @param separator  empty: no subaddresses @throws Refused `directory.missing`, `directory.invalid` */
  async setSubaddress(text: string, separator: string): Promise<void> {
    const domain = anyDomain(text);
    requireSeparator(separator);
    const told = { action: 'domain.subaddress', subject: domain, detail: (before: string) => ({ separator, before }) };
    await this.#change(told, (tx) => domains.setSubaddress(tx, domain, separator));
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
    const told = { action: 'account.add', subject: name, also: [...account.groups, address.domain], detail };
    return this.#change(told, (tx) => addAccount(tx, account, nowSeconds()));
  }

  /**
   * Adds a person whom a file tells of; with `update` brings their account up to date where it is there. With `check` it is only tried, and
   * nothing of it kept.
   * @throws Refused `directory.invalid`, `directory.exists`, `directory.missing`
   */
  async takePerson(row: FilePerson, { update, check }: { update: boolean; check: boolean }): Promise<Taken> {
    const person = checkedPerson(row, this.#host);
    const { name, domain, groups, displayName, quotaBytes, state } = person;
    const isNew = (await this.#host.read(async (tx) => accounts.findAccount(tx, name))) === undefined;
    if (!isNew && !update) return 'there';
    const aliases = person.aliases.map(formatAddress);
    const told = {
      action: isNew ? 'account.add' : 'account.update',
      subject: name,
      also: [...new Set([...groups, ...aliases, domain])],
      detail: { name: displayName, quotaBytes, groups, aliases, state, password: person.secret?.kind },
    };
    const parameters = isNew ? scramParametersFor(this.#host.secret, name) : await this.#parameters(name);
    const secret: ImportedSecret | null = check && person.secret !== null ? { kind: 'hash', hash: '' } : person.secret;
    const password = secret === null ? null : await storedSecret(secret, parameters, isNew);
    const operation = (tx: Writer) =>
      this.#keepAdministrators(tx, () => (isNew ? addPerson : updatePerson)(tx, person, password, nowSeconds()));
    const taken = isNew ? 'added' : 'updated';
    if (check) {
      await this.#tried(operation);
      return taken;
    }
    const account = await this.#change(told, operation);
    if (!isNew) await this.#host.accessChanged([account.id]);
    if (state !== undefined && !isNew) await this.#host.stateChanged(account.id, state);
    return taken;
  }

  /** Sets the password; the old one is void when this resolves. @throws Refused `directory.missing`, `directory.invalid` */
  async setPassword(text: string, password: string): Promise<void> {
    const name = canonicalAddress(text);
    requirePassword(password);
    const stored = await this.#stored(password, await this.#parameters(name));
    await this.#change(
      { action: 'account.password', subject: name },
      (tx) => accounts.setPassword(tx, name, stored, nowSeconds()),
      (tx) => guard.requirePersonHere(tx, name, 'the password'),
    );
  }

  /** Open sessions end when nobody may sign in any more. @throws Refused `directory.missing` */
  async setState(text: string, state: AccountState): Promise<void> {
    const name = canonicalAddress(text);
    const told = { action: STATE_ACTIONS[state], subject: name, detail: (was: Account) => ({ before: was.state }) };
    const account = await this.#change(
      told,
      (tx) => this.#keepAdministrators(tx, () => accounts.setState(tx, name, state)),
      (tx) => guard.requireOpenable(tx, name, state),
    );
    await this.#host.stateChanged(account.id, state);
  }

  /** The name that is shown for the person. @throws Refused `directory.missing`, `directory.invalid` */
  async setDisplayName(text: string, displayName: string): Promise<void> {
    const name = canonicalAddress(text);
    const wanted = requireDisplayName(displayName);
    await this.#change(
      { action: 'account.name', subject: name, detail: { name: wanted } },
      (tx) => accounts.setDisplayName(tx, name, wanted),
      (tx) => guard.requirePersonHere(tx, name, 'the name'),
    );
  }

  /**
   * Gives an account another address; mail, aliases, groups and password stay. The old address becomes an alias, unless `keepOld` is false.
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async renameAccount(text: string, wanted: string, { keepOld = true } = {}): Promise<void> {
    const name = canonicalAddress(text);
    const address = requireAddress(wanted);
    requireDomain(address.domain, this.#host);
    const to = formatAddress(address);
    const told = { action: 'account.rename', subject: name, also: [to], detail: { to, keepOld } };
    await this.#accessChange(
      told,
      (tx) => renameAccount(tx, name, address, { keepOld, now: nowSeconds() }),
      (id) => [id],
      (tx) => guard.requirePersonHere(tx, name, 'the address'),
    );
  }

  /** Removes an account and the aliases that lead to it alone; housekeeping removes its mail. @throws Refused `directory.missing` */
  async removeAccount(text: string): Promise<void> {
    const name = canonicalAddress(text);
    const id = await this.#change(
      { action: 'account.remove', subject: name },
      (tx) => this.#keepAdministrators(tx, () => accounts.removeAccount(tx, name)),
      (tx) => guard.requireRemovable(tx, name),
    );
    await this.#host.stateChanged(id, 'removed');
  }

  /**
   * Makes an account again that was removed, as a backup has it; its folders are empty.
   * @throws Refused `directory.exists`, `directory.missing` (the domain), `restore.place`
   */
  async bringBackAccount(former: FormerAccount, backup: { readonly id: string; readonly taken: EpochSeconds }) {
    const told = { action: 'restore.account', subject: former.name, detail: { backup: backup.id } };
    const account = await this.#change(told, (tx) => bringBack(tx, former, backup.taken, nowSeconds()));
    await this.#host.stateChanged(account.id, account.state);
    return account;
  }

  // ---- credentials -----------------------------------------------------------------------------------------------

  /**
   * Makes an app password.
   * @param label  what the person calls the device
   * @param protocols  what it is for; null: every protocol
   * @returns it, with the password, which nobody will see again
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async addAppPassword(
    text: string,
    request: { readonly label: string; readonly protocols: readonly SignInProtocol[] | null },
  ): Promise<Pick<CredentialListing, 'id' | 'label' | 'protocols'> & { readonly password: string }> {
    const name = canonicalAddress(text);
    const label = requireLabel(request.label);
    const protocols = requireProtocols(request.protocols);
    const parameters = await this.#parameters(name);
    const password = generateAppPassword();
    const verifiers = await hashAppPassword(password, parameters);
    const told = { action: 'app-password.add', subject: name, detail: (id: number) => ({ id, label, protocols }) };
    const id = await this.#change(told, async (tx) => {
      const account = await accounts.requireAccount(tx, name);
      return credentials.addAppPassword(tx, account.id, { label, protocols, verifiers, parameters }, nowSeconds());
    });
    return { id, label, protocols, password };
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
    await this.#host.revoked(account.id, revoked.id);
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

  /**
   * Makes an address lead to accounts, and to addresses elsewhere, beside others it leads to.
   * @throws Refused `directory.exists`, `directory.missing`, `directory.invalid`, `relay.forbidden` while no mail leaves
   */
  async addAlias(text: string, ...accountNames: readonly string[]): Promise<void> {
    const address = requireAddress(text);
    const wanted = accountNames.map(requireAddress);
    const targets = wanted.map(formatAddress);
    const told = { action: 'alias.add', subject: formatAddress(address), also: targets, detail: { accounts: targets } };
    await this.#change(told, (tx) => aliases.addTargets(tx, address, wanted, nowSeconds(), this.#host.mayLeave));
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
    const allowed = (tx: Reader) => guard.requireAliasHere(tx, address);
    await this.#change(told, (tx) => aliases.removeAlias(tx, address, target), allowed);
  }

  /** Gives an alias another address. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async renameAlias(text: string, wanted: string): Promise<void> {
    const address = canonicalAddress(text);
    const to = requireAddress(wanted);
    const told = {
      action: 'alias.rename',
      subject: address,
      also: [formatAddress(to)],
      detail: { to: formatAddress(to) },
    };
    const allowed = (tx: Reader) => guard.requireAliasHere(tx, address);
    await this.#change(told, (tx) => aliases.renameAlias(tx, address, to), allowed);
  }

  // ---- groups ----------------------------------------------------------------------------------------------------

  /** @returns its name as it is kept @throws Refused `directory.exists`, `directory.invalid`, `directory.missing` */
  async addGroup(
    text: string,
    { description = '', address }: { description?: string; address?: string | undefined } = {},
  ): Promise<string> {
    const name = requireGroupName(text);
    const wanted = address === undefined ? null : requireAddress(address);
    const about = requireDisplayName(description);
    const detail = { description: about, address: wanted && formatAddress(wanted) };
    await this.#change({ action: 'group.add', subject: name, also: alsoAddress(wanted), detail }, async (tx) => {
      await groups.addGroup(tx, name, about, nowSeconds());
      if (wanted !== null) await groups.setGroupAddress(tx, name, wanted);
    });
    return name;
  }

  /** Removes a group; the people in it stay. @throws Refused `directory.missing` */
  async removeGroup(text: string): Promise<void> {
    const name = requireGroupName(text);
    const remove = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      await groups.removeGroup(tx, name);
      await quotas.recomputeAll(tx);
    };
    await this.#accessChange({ action: 'group.remove', subject: name }, remove, () => 'all');
    await this.#host.recompute();
  }

  /** @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async renameGroup(text: string, wanted: string): Promise<void> {
    const name = requireGroupName(text);
    const to = requireGroupName(wanted);
    const told = { action: 'group.rename', subject: name, also: [to], detail: { to } };
    await this.#accessChange(
      told,
      (tx) => groups.renameGroup(tx, name, to),
      () => 'all', // of two groups of one rank the name decides
      (tx) => guard.requireGroupHere(tx, name),
    );
  }

  /** @param text  null: the group gets no mail @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async setGroupAddress(group: string, text: string | null): Promise<void> {
    const name = requireGroupName(group);
    const address = text === null ? null : requireAddress(text);
    const told = {
      action: 'group.address',
      subject: name,
      also: alsoAddress(address),
      detail: (before: string | null) => ({ address: address && formatAddress(address), before }),
    };
    await this.#change(told, (tx) => groups.setGroupAddress(tx, name, address));
  }

  /** Says who may post. @param words  anyone, members or people, and addresses @throws Refused `directory.missing`, `directory.invalid` */
  async setPosting(group: string, words: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const posting = groupMail.requirePosting(words);
    const told = { action: 'group.posting', subject: name, detail: (before: Posting) => ({ ...posting, before }) };
    await this.#change(told, (tx) => groupMail.setPosting(tx, name, posting));
  }

  /** Makes people, and addresses elsewhere, members of a group: all or none. @throws Refused `directory.missing`, `directory.invalid`, `relay.forbidden` */
  async joinGroup(group: string, ...accountNames: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const wanted = accountNames.map(requireAddress);
    const members = wanted.map(formatAddress);
    const told = { action: 'group.join', subject: name, also: members, detail: { accounts: members } };
    const join = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      const ids = await groupMail.joinAddresses(tx, name, wanted, this.#host.mayLeave);
      for (const id of ids) await quotas.recomputeAccount(tx, id);
      return ids;
    };
    await this.#accessChange(told, join, (ids) => ids);
  }

  /** Takes people out of a group: all or none. @throws Refused `directory.missing` */
  async leaveGroup(group: string, ...accountNames: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const members = accountNames.map(canonicalAddress);
    const told = { action: 'group.leave', subject: name, also: members, detail: { accounts: members } };
    const leave = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      const ids = await groupMail.leaveAddresses(tx, name, members);
      for (const id of ids) await quotas.recomputeAccount(tx, id);
      return ids;
    };
    await this.#accessChange(told, leave, (ids) => ids);
  }

  // ---- quotas ----------------------------------------------------------------------------------------------------

  /** Sets how much mail may be kept. @param bytes  null: unlimited @throws Refused `directory.missing`, `directory.invalid` */
  async setQuota(whom: Subject, bytes: number | null): Promise<void> {
    requireQuota(bytes);
    const { scope, name } = canonicalSubject(whom);
    await this.#change({ action: 'quota.set', subject: name || scope, detail: { scope, bytes } }, async (tx) =>
      quotas.setRule(tx, scope, await subjectId(tx, { scope, name }), bytes),
    );
    await this.#host.recompute();
  }

  /** Takes a quota back: the next that is set further away counts. @throws Refused `directory.missing` */
  async unsetQuota(whom: Subject): Promise<void> {
    const { scope, name } = canonicalSubject(whom);
    const told = {
      action: 'quota.unset',
      subject: name || scope,
      detail: (before: number | null) => ({ scope, before }),
    };
    await this.#change(told, async (tx) => quotas.unsetRule(tx, scope, await subjectId(tx, { scope, name })));
    await this.#host.recompute();
  }

  /** Makes a change and takes it back: it would be refused by the same rules. */
  async #tried(operation: (tx: Writer) => Promise<unknown>): Promise<void> {
    const takenBack = new Error('only tried');
    try {
      await this.#host.write(async (tx) => {
        await operation(tx);
        throw takenBack;
      });
    } catch (error) {
      if (error !== takenBack) throw error;
    }
  }

  /** One that may change what accounts may do. @param whose  of these */
  async #accessChange<T>(
    told: Told<T>,
    operation: (tx: Writer) => Promise<T>,
    whose: (result: T) => readonly AccountId[] | 'all',
    allowed?: (tx: Reader) => Promise<void>,
  ): Promise<T> {
    const result = await this.#change(told, (tx) => this.#keepAdministrators(tx, () => operation(tx)), allowed);
    await this.#host.accessChanged(whose(result));
    return result;
  }

  #keepAdministrators<T>(tx: Reader, operation: () => Promise<T>): Promise<T> {
    return keepAdministrators(tx, this.#host.policy, operation);
  }

  /** One change with its audit entry, whole or not at all. @param allowed  refuses what is changed elsewhere */
  #change<T>(
    { detail = {}, ...entry }: Told<T>,
    operation: (tx: Writer) => Promise<T>,
    allowed?: (tx: Reader) => Promise<void>,
  ): Promise<T> {
    return this.#host.write(async (tx) => {
      await allowed?.(tx);
      const result = await operation(tx);
      const told = typeof detail === 'function' ? detail(result) : detail;
      await recordAudit(tx, { ...entry, actor: this.#actor, detail: told }, nowSeconds());
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

function alsoAddress(address: Address | null): string[] {
  return address === null ? [] : [formatAddress(address)];
}

/** A domain in canonical form, whoever's it is. */
function anyDomain(text: string): string {
  return requireDomain(text, { trial: false });
}
