/** Changing where addresses lead. */
import type { Reader } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import { formatAddress } from '../address.ts';
import * as aliases from '../aliases.ts';
import * as guard from '../outside/guard.ts';
import { canonicalAddress, requireAddress } from '../rules.ts';
import type { AuditedChanges } from './audited.ts';

export class AliasChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /**
   * Makes an address lead to accounts, and to addresses elsewhere, beside others it leads to.
   * @throws Refused `directory.exists`, `directory.missing`, `directory.invalid`, `relay.forbidden` while no mail leaves
   */
  async add(text: string, ...accountNames: readonly string[]): Promise<void> {
    const address = requireAddress(text);
    const wanted = accountNames.map(requireAddress);
    const targets = wanted.map(formatAddress);
    const told = { action: 'alias.add', subject: formatAddress(address), also: targets, detail: { accounts: targets } };
    await this.#audited.make(told, (tx) =>
      aliases.addTargets(tx, address, wanted, nowSeconds(), this.#audited.host.mayLeave),
    );
  }

  /** Removes an alias, or one of the accounts it leads to. @throws Refused `directory.missing` */
  async remove(text: string, accountName?: string): Promise<void> {
    const address = canonicalAddress(text);
    const target = accountName === undefined ? undefined : canonicalAddress(accountName);
    const told = {
      action: 'alias.remove',
      subject: address,
      also: target === undefined ? [] : [target],
      detail: target === undefined ? {} : { account: target },
    };
    const allowed = (tx: Reader) => guard.requireAliasHere(tx, address);
    await this.#audited.make(told, (tx) => aliases.removeAlias(tx, address, target), allowed);
  }

  /** Gives an alias another address. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async rename(text: string, wanted: string): Promise<void> {
    const address = canonicalAddress(text);
    const to = requireAddress(wanted);
    const told = {
      action: 'alias.rename',
      subject: address,
      also: [formatAddress(to)],
      detail: { to: formatAddress(to) },
    };
    const allowed = (tx: Reader) => guard.requireAliasHere(tx, address);
    await this.#audited.make(told, (tx) => aliases.renameAlias(tx, address, to), allowed);
  }
}
