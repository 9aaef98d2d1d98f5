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
  /** Who submitted it, or forwards it; undefined: it only came in. */
  readonly account: AccountId | undefined;
  readonly options: OutboundOptions;
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

  /** Undefined: nobody. An address elsewhere reads reports only where this server forwarded its mail: anybody can write it into a reverse path. */
  async of(message: Owned): Promise<Reader | undefined> {
    const { sender, account, options } = message;
    const { directory, originalSender } = this.#options;
    const away = originalSender(sender);
    if (away !== undefined) return this.#elsewhere(message, away);
    const resolved = await directory.resolve(sender);
    if (resolved.kind === 'accounts') {
      // Who sent it in the name of several hears of it alone.
      const own = resolved.accounts.filter(({ id }) => id === account);
      return this.#here(own.length > 0 ? own : resolved.accounts, sender);
    }
    // Sent with an address that is nobody's here, or nobody's any more.
    return options.ours === true && account !== undefined
      ? this.#here([{ id: account, displayName: '' }], sender)
      : undefined;
  }

  async #here(
    accounts: readonly { readonly id: AccountId; readonly displayName: string }[],
    sender: string,
  ): Promise<Reader | undefined> {
    const [first, ...others] = accounts;
    if (first === undefined) return undefined;
    const prefix = Buffer.from(`Return-Path: <>\r\nDelivered-To: ${sender}\r\n`);
    return {
      name: others.length === 0 ? first.displayName : '',
      address: sender,
      language: await this.#options.languageOf(first.id),
      targets: accounts.map(({ id }) => ({ account: id, prefix, evenIfFull: true })),
      outbound: [],
    };
  }

  #elsewhere({ account, options }: Owned, address: string): Reader | undefined {
    const { outgoing, language } = this.#options;
    const destination = outgoing?.destinationOf(address);
    if (outgoing === undefined || destination === undefined || account === undefined) return undefined;
    const { expires } = outgoing.times(nowSeconds());
    const recipients = [{ address, destination, notify: NOBODY }];
    const marks = { ours: true as const, ...(options.utf8 === true && { utf8: true }) };
    const outbound = [{ account, sender: '', recipients, expires, options: marks }];
    return { name: '', address, language, targets: [], outbound };
  }
}
