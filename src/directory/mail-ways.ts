/** What is set for mail that goes on: who forwards, who of elsewhere is in groups and who may post to them, and whether mail leaves at all. */
import { Refused } from '../errors.ts';
import { domainOf } from '../message/addresses.ts';
import { PAGE_ROWS, type Reader } from '../store/engine/engine.ts';
import { requireAccount } from './accounts.ts';
import { findForwarding, listForwardings } from './forwarding.ts';
import { outsidersOf, postingOf } from './group-mail.ts';
import { canonicalAddress, invalid } from './rules.ts';
import type { Forwarding, Group, Posting } from './types.ts';

export interface AccountForwarding extends Forwarding {
  readonly account: string;
}

export class MailWays {
  /** Mail leaves for other servers; null: nobody knows, since no server runs. Where it doesn't, nothing can be made to lead there. */
  sends: boolean | null = null;
  readonly #read: <T>(operation: (tx: Reader) => Promise<T>) => Promise<T>;
  readonly #isTrial: () => boolean;

  constructor(read: <T>(operation: (tx: Reader) => Promise<T>) => Promise<T>, isTrial: () => boolean) {
    this.#read = read;
    this.#isTrial = isTrial;
  }

  /** Where an account forwards its mail; null: nowhere. @throws Refused `directory.missing`, `directory.invalid` */
  forwarding(name: string): Promise<Forwarding | null> {
    const account = canonicalAddress(name);
    return this.#read(async (tx) => findForwarding(tx, (await requireAccount(tx, account)).id));
  }

  /** All accounts that forward, in order of name. Each page is a snapshot of its own. */
  async *forwardings(): AsyncGenerator<AccountForwarding> {
    for (let after = ''; ; ) {
      const from = after;
      const page = await this.#read((tx) => listForwardings(tx, from));
      yield* page;
      if (page.length < PAGE_ROWS) return;
      after = page.at(-1)!.account;
    }
  }

  /** Who may post to a group, and who of elsewhere is in it. */
  ofGroup(group: Group): Promise<{ readonly posting: Posting; readonly outsiders: readonly string[] }> {
    return this.#read(async (tx) => ({
      posting: await postingOf(tx, group),
      outsiders: await outsidersOf(tx, group),
    }));
  }

  /** @throws Refused `relay.forbidden` while no mail leaves, `directory.invalid` for what no mail can go to */
  requireLeaving(address: string): void {
    const domain = domainOf(address);
    if (!domain.includes('.'))
      throw invalid(`${address} is no address that mail can be sent to: check what stands after the @.`);
    const trial = this.#isTrial();
    if (this.sends ?? !trial) return;
    const why = trial
      ? 'a trial office never sends to other servers'
      : 'sending to other servers is switched off; [outbound] in the configuration file switches it on';
    throw new Refused('relay.forbidden', `${address} is on another server: ${why}.`);
  }
}
