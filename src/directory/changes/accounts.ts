/** Changing accounts and the people they are of. */
import type { ImportedSecret } from '../../auth/foreign/hashes.ts';
import { scramParametersFor } from '../../auth/scram-keys.ts';
import type { Writer } from '../../store/engine/engine.ts';
import { type EpochSeconds, nowSeconds } from '../../store/ids.ts';
import * as accounts from '../accounts.ts';
import { formatAddress } from '../address.ts';
import * as credentials from '../credentials.ts';
import { bringBack, type FormerAccount } from '../former-account.ts';
import { addAccount } from '../new-account.ts';
import * as guard from '../outside/guard.ts';
import type { FilePerson } from '../people/person.ts';
import { addPerson, checkedPerson, storedSecret, updatePerson } from '../people/take-person.ts';
import { renameAccount } from '../rename-account.ts';
import {
  canonicalAddress,
  requireAddress,
  requireDisplayName,
  requireDomain,
  requireGroupName,
  requirePassword,
  requireQuota,
} from '../rules.ts';
import type { Account, AccountState, Credential, SignInRecord } from '../types.ts';
import type { AuditedChanges } from './audited.ts';
import { parametersOf, storedPassword } from './stored-password.ts';

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

export class AccountChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /**
   * Adds a person and their account, with INBOX and the mailboxes everybody has.
   * @throws Refused `directory.invalid`, `directory.exists`, `directory.missing` (the domain)
   */
  async add(request: AccountRequest): Promise<Account> {
    const { password, quotaBytes = null, groups = [], makeDomain = false } = request;
    const address = requireAddress(request.address);
    requireDomain(address.domain, this.#audited.host);
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
      password: await storedPassword(password, scramParametersFor(this.#audited.host.secret, name)),
    };
    const { displayName } = account;
    const detail = { name: displayName, quotaBytes, groups: account.groups };
    const told = { action: 'account.add', subject: name, also: [...account.groups, address.domain], detail };
    return this.#audited.make(told, (tx) => addAccount(tx, account, nowSeconds()));
  }

  /**
   * Adds a person whom a file tells of; with `update` brings their account up to date where it is there. With `check` it is only tried, and
   * nothing of it kept.
   * @throws Refused `directory.invalid`, `directory.exists`, `directory.missing`
   */
  async takePerson(row: FilePerson, { update, check }: { update: boolean; check: boolean }): Promise<Taken> {
    const person = checkedPerson(row, this.#audited.host);
    const { name, domain, groups, displayName, quotaBytes, state } = person;
    const isNew = (await this.#audited.host.read(async (tx) => accounts.findAccount(tx, name))) === undefined;
    if (!isNew && !update) return 'there';
    const aliases = person.aliases.map(formatAddress);
    const told = {
      action: isNew ? 'account.add' : 'account.update',
      subject: name,
      also: [...new Set([...groups, ...aliases, domain])],
      detail: { name: displayName, quotaBytes, groups, aliases, state, password: person.secret?.kind },
    };
    const parameters = isNew
      ? scramParametersFor(this.#audited.host.secret, name)
      : await parametersOf(this.#audited.host, name);
    const secret: ImportedSecret | null = check && person.secret !== null ? { kind: 'hash', hash: '' } : person.secret;
    const password = secret === null ? null : await storedSecret(secret, parameters, isNew);
    const operation = (tx: Writer) =>
      this.#audited.keepAdministrators(tx, () =>
        (isNew ? addPerson : updatePerson)(tx, person, password, nowSeconds()),
      );
    const taken = isNew ? 'added' : 'updated';
    if (check) {
      await this.#audited.tryOut(operation);
      return taken;
    }
    const account = await this.#audited.make(told, operation);
    if (!isNew) await this.#audited.host.accessChanged([account.id]);
    if (state !== undefined && !isNew) await this.#audited.host.stateChanged(account.id, state);
    return taken;
  }

  /** Sets the password; the old one is void when this resolves. @throws Refused `directory.missing`, `directory.invalid` */
  async setPassword(text: string, password: string): Promise<void> {
    const name = canonicalAddress(text);
    requirePassword(password);
    const stored = await storedPassword(password, await parametersOf(this.#audited.host, name));
    await this.#audited.make(
      { action: 'account.password', subject: name },
      (tx) => accounts.setPassword(tx, name, stored, nowSeconds()),
      (tx) => guard.requirePersonHere(tx, name, 'the password'),
    );
  }

  /** Open sessions end when nobody may sign in any more. @throws Refused `directory.missing` */
  async setState(text: string, state: AccountState): Promise<void> {
    const name = canonicalAddress(text);
    const told = { action: STATE_ACTIONS[state], subject: name, detail: (was: Account) => ({ before: was.state }) };
    const account = await this.#audited.make(
      told,
      (tx) => this.#audited.keepAdministrators(tx, () => accounts.setState(tx, name, state)),
      (tx) => guard.requireOpenable(tx, name, state),
    );
    await this.#audited.host.stateChanged(account.id, state);
  }

  /** The name that is shown for the person. @throws Refused `directory.missing`, `directory.invalid` */
  async setDisplayName(text: string, displayName: string): Promise<void> {
    const name = canonicalAddress(text);
    const wanted = requireDisplayName(displayName);
    await this.#audited.make(
      { action: 'account.name', subject: name, detail: { name: wanted } },
      (tx) => accounts.setDisplayName(tx, name, wanted),
      (tx) => guard.requirePersonHere(tx, name, 'the name'),
    );
  }

  /**
   * Gives an account another address; mail, aliases, groups and password stay. The old address becomes an alias, unless `keepOld` is false.
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async rename(text: string, wanted: string, { keepOld = true } = {}): Promise<void> {
    const name = canonicalAddress(text);
    const address = requireAddress(wanted);
    requireDomain(address.domain, this.#audited.host);
    const to = formatAddress(address);
    const told = { action: 'account.rename', subject: name, also: [to], detail: { to, keepOld } };
    await this.#audited.makeForAccess(
      told,
      (tx) => renameAccount(tx, name, address, { keepOld, now: nowSeconds() }),
      (id) => [id],
      (tx) => guard.requirePersonHere(tx, name, 'the address'),
    );
  }

  /** Removes an account and the aliases that lead to it alone; housekeeping removes its mail. @throws Refused `directory.missing` */
  async remove(text: string): Promise<void> {
    const name = canonicalAddress(text);
    const id = await this.#audited.make(
      { action: 'account.remove', subject: name },
      (tx) => this.#audited.keepAdministrators(tx, () => accounts.removeAccount(tx, name)),
      (tx) => guard.requireRemovable(tx, name),
    );
    await this.#audited.host.stateChanged(id, 'removed');
  }

  /**
   * Makes an account again that was removed, as a backup has it; its folders are empty.
   * @throws Refused `directory.exists`, `directory.missing` (the domain), `restore.place`
   */
  async bringBack(former: FormerAccount, backup: { readonly id: string; readonly taken: EpochSeconds }) {
    const told = { action: 'restore.account', subject: former.name, detail: { backup: backup.id } };
    const account = await this.#audited.make(told, (tx) => bringBack(tx, former, backup.taken, nowSeconds()));
    await this.#audited.host.stateChanged(account.id, account.state);
    return account;
  }

  /** Replaces another server's hash by one of our own, unless the password was changed meanwhile. */
  async renewPassword({ account, scram }: SignInRecord, credential: Credential, password: string): Promise<void> {
    const { id, name } = account;
    const stored = await storedPassword(password, scram ?? scramParametersFor(this.#audited.host.secret, name));
    await this.#audited.make({ action: 'password.rehash', subject: name }, (tx) =>
      credentials.renewPassword(tx, id, credential, stored),
    );
  }
}

const STATE_ACTIONS: Readonly<Record<AccountState, string>> = {
  active: 'account.reopen',
  suspended: 'account.suspend',
  closed: 'account.close',
};
