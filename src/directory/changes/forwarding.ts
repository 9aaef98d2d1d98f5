/** Changing where accounts forward their mail. */
import { nowSeconds } from '../../store/ids.ts';
import { formatAddress } from '../address.ts';
import { removeForwarding, setForwarding } from '../forwarding.ts';
import { canonicalAddress, invalid, requireAddress } from '../rules.ts';
import type { Forwarding } from '../types.ts';
import type { AuditedChanges } from './audited.ts';

export class ForwardingChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /**
   * Lets an account forward its mail to these addresses, and to no others.
   * @param keeps  a copy stays @throws Refused `directory.missing`, `directory.invalid`, `relay.forbidden` while no mail leaves
   */
  async set(text: string, to: readonly string[], { keeps }: { readonly keeps: boolean }): Promise<void> {
    const name = canonicalAddress(text);
    const targets = to.map(requireAddress);
    if (targets.length === 0) throw invalid('Say where to: one address or several.');
    const told = {
      action: 'forward.set',
      subject: name,
      also: targets.map(formatAddress),
      detail: (before: Forwarding | null) => ({ to: targets.map(formatAddress), keeps, before }),
    };
    await this.#audited.make(told, (tx) =>
      setForwarding(tx, name, { to: targets, keeps }, { now: nowSeconds(), mayLeave: this.#audited.host.mayLeave }),
    );
  }

  /** Ends a forwarding, or only that to one address. @throws Refused `directory.missing`, `directory.invalid` */
  async remove(text: string, target?: string): Promise<void> {
    const name = canonicalAddress(text);
    const address = target === undefined ? undefined : canonicalAddress(target);
    const told = {
      action: 'forward.remove',
      subject: name,
      also: address === undefined ? [] : [address],
      detail: (before: Forwarding) => ({ ...(address !== undefined && { to: address }), before }),
    };
    await this.#audited.make(told, (tx) => removeForwarding(tx, name, address));
  }
}
