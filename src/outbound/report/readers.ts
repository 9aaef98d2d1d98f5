/** Who reads a report, and how it gets there. */
import type { Language } from '../../config/languages.ts';
import type { Resolver } from '../../delivery/recipients.ts';
import type { Outgoing } from '../../delivery/types.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import type { Report } from '../../store/queue.ts';
import type { Outbound, OutboundOptions } from '../../store/types.ts';

export interface ReadersOptions {
  readonly directory: Resolver;
  readonly languageOf: (account: AccountId) => Language | Promise<Language>;
  /** False: it was removed, and nothing can be filed for it any more. */
  readonly isThere: (account: AccountId) => Promise<boolean>;
  /** For those who are not here. */
  readonly language: Language;
  /** Absent: no mail leaves. */
  readonly outgoing?: Pick<Outgoing, 'destinationOf' | 'times'> | undefined;
  /** The sender for whom this server made a reverse path of its own when it forwarded (SRS); undefined: it made none such, or not lately. */
  readonly originalSender: (reversePath: string) => string | undefined;
}

/** Whose message it is. */
export interface Owned {
  /** Its reverse path; not empty. */
  readonly sender: string;
  /** Who submitted it, or forwards it, or for whom it waits for room; undefined: it only came in. */
  readonly account: AccountId | undefined;
  readonly options: OutboundOptions;
  /** It tells of the reader's own forwarding: it does not go the way that has just failed. */
  readonly stays?: boolean;
}

export interface Reader {
  readonly name: string;
  readonly address: string;
  readonly language: Language;
  readonly targets: Report['targets'];
  readonly outbound: readonly Outbound[];
}

/** RFC 3461 6.1: nobody is told of a report. */
const NOBODY = ['never'] as const;

export class Readers {
  readonly #options: ReadersOptions;

  constructor(options: ReadersOptions) {
    this.#options = options;
  }

  /**
   * Undefined: nobody. An address elsewhere reads reports only where this server forwarded its mail, or has told it that the mail was taken: anybody
   * can write it into a reverse path.
   */
  async of(message: Owned): Promise<Reader | undefined> {
    const { sender, options } = message;
    const account = options.forRoom === undefined ? message.account : options.forRoom.by;
    const { directory, originalSender, isThere } = this.#options;
    const away = originalSender(sender);
    if (away !== undefined) return this.#elsewhere(message, away);
    const resolved = await directory.resolve(sender);
    const people = resolved.kind === 'accounts' ? resolved.accounts : [];
    // Who sent it in the name of several hears of it alone.
    const own = people.filter(({ id }) => id === account);
    if (people.length > 0) return this.#ofPeople(message, own.length > 0 ? own : people);
    // Sent with an address that is nobody's here, or nobody's any more.
    if (options.ours === true && account !== undefined && (await isThere(account)))
      return this.#here(message, [{ id: account, displayName: '' }], []);
    const wasTaken = options.forRoom !== undefined && resolved.kind === 'foreign';
    return wasTaken ? this.#elsewhere(message, sender) : undefined;
  }

  /** Where they have their mail: what has gone on to another server is told of there. */
  async #ofPeople(message: Owned, people: readonly Account[]): Promise<Reader> {
    const here = new Map<AccountId, Account>();
    const outbound: Outbound[] = [];
    for (const person of people) {
      const onward = message.stays ? undefined : await this.#onward(person);
      for (const account of onward?.here ?? [person]) here.set(account.id, account);
      for (const { to, from, account, keeper } of onward?.forwards ?? []) {
        const leaving = this.#leaving(message, account, to);
        if (leaving !== undefined) outbound.push({ ...leaving, prefix: Buffer.from(`Delivered-To: ${from}\r\n`) });
        else if (keeper !== null) here.set(keeper.id, keeper);
      }
    }
    // What can go nowhere stays with whom it is for.
    const accounts = here.size + outbound.length === 0 ? people : [...here.values()];
    return this.#here(message, people, outbound, accounts);
  }

  async #onward({ forwards, name }: Account): Promise<Accounts['onward']> {
    const resolved = forwards === undefined ? undefined : await this.#options.directory.resolve(name);
    return resolved?.kind === 'accounts' ? resolved.onward : undefined;
  }

  /** @param named  to whom it is written @param accounts  who has it here */
  async #here(
    { sender }: Owned,
    named: readonly Named[],
    outbound: readonly Outbound[],
    accounts: readonly Named[] = named,
  ): Promise<Reader> {
    const [first, ...others] = named as [Named];
    const prefix = Buffer.from(`Return-Path: <>\r\nDelivered-To: ${sender}\r\n`);
    return {
      name: others.length === 0 ? first.displayName : '',
      address: sender,
      language: await this.#options.languageOf(first.id),
      targets: accounts.map(({ id }) => ({ account: id, prefix, evenIfFull: true })),
      outbound,
    };
  }

  #elsewhere(message: Owned, address: string): Reader | undefined {
    const { account } = message;
    const outbound = account === undefined ? undefined : this.#leaving(message, account, address);
    return outbound && { name: '', address, language: this.#options.language, targets: [], outbound: [outbound] };
  }

  /** Undefined: it can't leave. */
  #leaving({ options }: Owned, account: AccountId, address: string): Outbound | undefined {
    const { outgoing } = this.#options;
    const destination = outgoing?.destinationOf(address);
    if (outgoing === undefined || destination === undefined) return undefined;
    const { expires } = outgoing.times(nowSeconds());
    const recipients = [{ address, destination, notify: NOBODY }];
    const marks = { ours: true as const, ...(options.utf8 === true && { utf8: true }) };
    return { account, sender: '', recipients, expires, options: marks };
  }
}

type Accounts = Extract<Awaited<ReturnType<Resolver['resolve']>>, { readonly kind: 'accounts' }>;
type Account = Accounts['accounts'][number];
type Named = Pick<Account, 'id' | 'displayName'>;
