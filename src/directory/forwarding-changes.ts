/** Changing where accounts forward their mail, in somebody's name. */
import type { Writer } from '../store/engine/engine.ts';
import { nowSeconds } from '../store/ids.ts';
import { formatAddress } from './address.ts';
import { removeForwarding, setForwarding } from './forwarding.ts';
import { invalid, requireAddress } from './rules.ts';
import type { Forwarding } from './types.ts';

/** Makes a change with its audit entry. */
type MakeChange = <T>(
  told: {
    readonly action: string;
    readonly subject: string;
    readonly also: readonly string[];
    readonly detail: (result: T) => Readonly<Record<string, unknown>>;
  },
  operation: (tx: Writer) => Promise<T>,
) => Promise<T>;

export class ForwardingChanges {
  readonly #change: MakeChange;
  readonly #mayLeave: (address: string) => void;

  /** @param mayLeave  refuses addresses elsewhere while no mail leaves */
  constructor(change: MakeChange, mayLeave: (address: string) => void) {
    this.#change = change;
    this.#mayLeave = mayLeave;
  }

  /**
   * Lets an account forward its mail to these addresses, and to no others.
   * @param keeps  a copy stays @throws Refused `directory.missing`, `directory.invalid`, `relay.forbidden` while no mail leaves
   */
  async set(text: string, to: readonly string[], { keeps }: { readonly keeps: boolean }): Promise<void> {
    const name = formatAddress(requireAddress(text));
    const targets = to.map(requireAddress);
    if (targets.length === 0) throw invalid('Say where to: one address or several.');
    const told = {
      action: 'forward.set',
      subject: name,
      also: targets.map(formatAddress),
      detail: (before: Forwarding | null) => ({ to: targets.map(formatAddress), keeps, before }),
    };
    await this.#change(told, (tx) =>
      setForwarding(tx, name, { to: targets, keeps }, { now: nowSeconds(), mayLeave: this.#mayLeave }),
    );
  }

  /** Ends a forwarding, or only that to one address. @throws Refused `directory.missing`, `directory.invalid` */
  async remove(text: string, target?: string): Promise<void> {
    const name = formatAddress(requireAddress(text));
    const address = target === undefined ? undefined : formatAddress(requireAddress(target));
    const told = {
      action: 'forward.remove',
      subject: name,
      also: address === undefined ? [] : [address],
      detail: (before: Forwarding) => ({ ...(address !== undefined && { to: address }), before }),
    };
    await this.#change(told, (tx) => removeForwarding(tx, name, address));
  }
}
