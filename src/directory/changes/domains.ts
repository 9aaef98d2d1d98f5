/** Changing the domains of the office. */
import { nowSeconds } from '../../store/ids.ts';
import * as domains from '../domains.ts';
import * as guard from '../outside/guard.ts';
import { canonicalAddress, requireDomain, requireSeparator } from '../rules.ts';
import type { AuditedChanges } from './audited.ts';

export class DomainChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /** @returns the domain in canonical form @throws Refused `directory.invalid`, `directory.exists` */
  async add(text: string): Promise<string> {
    const domain = requireDomain(text, this.#audited.host);
    await this.#audited.make({ action: 'domain.add', subject: domain }, (tx) =>
      domains.addDomain(tx, domain, nowSeconds()),
    );
    return domain;
  }

  /** @throws Refused `directory.missing`, `directory.invalid` while it is in use */
  async remove(text: string): Promise<void> {
    const domain = anyDomain(text);
    await this.#audited.make({ action: 'domain.remove', subject: domain }, (tx) => domains.removeDomain(tx, domain));
  }

  /**
   * Gives a domain another name: all its addresses move. With `keepOld` the old name goes on to mean the same, for mail and for signing in.
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async rename(text: string, wanted: string, { keepOld = false } = {}): Promise<void> {
    const from = anyDomain(text);
    const to = requireDomain(wanted, this.#audited.host);
    await this.#audited.host.read((tx) => guard.requireDomainHere(tx, from));
    await this.#audited.host.writeInWorker('renameDomain', {
      from,
      to,
      keepOld,
      actor: this.#audited.actor,
      now: nowSeconds(),
    });
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
    await this.#audited.make(told, (tx) => domains.setCatchAll(tx, domain, target));
  }

  /** What stands between a name and its detail. @param separator  empty: no subaddresses @throws Refused `directory.missing`, `directory.invalid` */
  async setSubaddress(text: string, separator: string): Promise<void> {
    const domain = anyDomain(text);
    requireSeparator(separator);
    const told = { action: 'domain.subaddress', subject: domain, detail: (before: string) => ({ separator, before }) };
    await this.#audited.make(told, (tx) => domains.setSubaddress(tx, domain, separator));
  }
}

/** A domain in canonical form, whoever's it is. */
function anyDomain(text: string): string {
  return requireDomain(text, { trial: false });
}
