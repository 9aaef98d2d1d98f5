/**
 * Receives strangers who bring mail, and keeps each of them within bounds: by address (IPv6: one /64), by the network around it, by the sender
 * and by the recipient they name. Friends (`trusted`) have none.
 *
 * Invariants:
 * - Every refusal is for now: honest mail that meets a bound comes later, and nothing is lost.
 * - What is counted for a recipient, by whomever it was brought, is mail that they have: naming somebody again and again holds up nobody's mail.
 * - What is counted is bounded (rates.ts), and costs no question to anybody.
 */
import type { BlockList } from 'node:net';
import type { Config } from '../../config/schema.ts';
import { Refused } from '../../errors.ts';
import { isIn, peerOf } from '../../net/address.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { Rates } from './rates.ts';
import { Tarpit, type TarpitOptions } from './tarpit.ts';

const MINUTE: Milliseconds = 60_000;
const HOUR: Milliseconds = 60 * MINUTE;

/** By what somebody was turned away; names it in the metrics. */
export type Bound =
  | 'connections'
  | 'early talker'
  | 'messages by address'
  | 'messages by network'
  | 'messages by sender'
  | 'recipients by address'
  | 'messages for recipient'
  | 'unknown recipients';

export interface ReceptionOptions {
  readonly trusted: BlockList;
  readonly greetingDelay: Milliseconds;
  readonly limits: Config['strangers'];
  readonly onTurnedAway?: (bound: Bound, address: string) => void;
  /** Monotonic. For tests. */
  readonly clock?: () => Milliseconds;
  readonly sleep?: NonNullable<TarpitOptions['sleep']>;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #connections: Rates;
  readonly #messagesByAddress: Rates;
  readonly #messagesByNetwork: Rates;
  readonly #messagesBySender: Rates;
  readonly #recipientsByAddress: Rates;
  readonly #messagesForRecipient: Rates;
  readonly #tarpit: Tarpit;

  constructor(options: ReceptionOptions) {
    const { limits, sleep, clock = () => performance.now() } = options;
    this.#options = options;
    const hourly = (most: number) => new Rates({ most, per: HOUR }, clock);
    this.#connections = new Rates({ most: limits.connectionsAMinute, per: MINUTE }, clock);
    this.#messagesByAddress = hourly(limits.messagesByAddress);
    this.#messagesByNetwork = hourly(limits.messagesByNetwork);
    this.#messagesBySender = hourly(limits.messagesBySender);
    this.#recipientsByAddress = hourly(limits.recipientsByAddress);
    this.#messagesForRecipient = hourly(limits.messagesForRecipient);
    this.#tarpit = new Tarpit({ most: limits.unknownRecipients, clock, ...(sleep && { sleep }) });
  }

  /** Somebody connects. Null for a friend, who may do as he likes. */
  receive(address: string): Visitor | null {
    return isIn(this.#options.trusted, address) ? null : new Visitor(this, address);
  }

  get greetingDelay(): Milliseconds {
    return this.#options.greetingDelay;
  }

  /** @throws Refused `limit.rate` */
  connects({ address, peer }: Visitor): void {
    if (this.#tarpit.isStuck(peer)) throw this.tooMuch('unknown recipients', address);
    if (!this.#connections.hasRoom(peer)) throw this.tooMuch('connections', address);
    this.#connections.add(peer);
  }

  /** @throws Refused `limit.rate` */
  begins({ address, peer }: Visitor, sender: string): void {
    const network = networkAround(peer);
    // The null sender is everybody's: reports would stop each other. By network, since anybody can write any sender: nobody's mail waits for
    // what others send in their name from elsewhere.
    const author = sender === '' ? undefined : `${network} ${sender.toLowerCase()}`;
    if (!this.#messagesByAddress.hasRoom(peer)) throw this.tooMuch('messages by address', address);
    if (!this.#messagesByNetwork.hasRoom(network)) throw this.tooMuch('messages by network', address);
    if (author !== undefined && !this.#messagesBySender.hasRoom(author)) {
      throw this.tooMuch('messages by sender', address);
    }
    this.#messagesByAddress.add(peer);
    this.#messagesByNetwork.add(network);
    if (author !== undefined) this.#messagesBySender.add(author);
  }

  /** @throws Refused `limit.rate` */
  names({ address, peer }: Visitor, recipient: string): void {
    if (!this.#recipientsByAddress.hasRoom(peer)) throw this.tooMuch('recipients by address', address);
    if (!this.#messagesForRecipient.hasRoom(recipient.toLowerCase())) {
      throw this.tooMuch('messages for recipient', address);
    }
    this.#recipientsByAddress.add(peer);
  }

  brought(recipients: readonly string[]): void {
    for (const recipient of new Set(recipients.map((each) => each.toLowerCase())))
      this.#messagesForRecipient.add(recipient);
  }

  async misses({ address, peer }: Visitor, signal: AbortSignal): Promise<boolean> {
    const stays = await this.#tarpit.missed(peer, signal);
    if (!stays && !signal.aborted) this.#options.onTurnedAway?.('unknown recipients', address);
    return stays;
  }

  tooMuch(bound: Bound, address: string): Refused {
    this.#options.onTurnedAway?.(bound, address);
    return new Refused('limit.rate', TEXTS[bound].replace('%s', address));
  }
}

const LATER = 'please try again later.';
const TEXTS: Readonly<Record<Bound, string>> = {
  connections: `Too many connections from %s within a minute; ${LATER}`,
  'early talker': 'You spoke before you were greeted; goodbye.',
  'messages by address': `Too many messages from %s within an hour; ${LATER}`,
  'messages by network': `Too many messages from the network of %s within an hour; ${LATER}`,
  'messages by sender': `Too many messages of this sender within an hour; ${LATER}`,
  'recipients by address': `Too many recipients from %s within an hour; ${LATER}`,
  'messages for recipient': `Too many messages for this recipient within an hour; ${LATER}`,
  'unknown recipients': `%s asked for too many addresses that do not exist; ${LATER}`,
};

/** One connection of somebody who is no friend. */
class Visitor {
  readonly address: string;
  /** What counts as one with it. */
  readonly peer: string;
  readonly #reception: Reception;

  constructor(reception: Reception, address: string) {
    this.#reception = reception;
    this.address = address;
    this.peer = peerOf(address);
  }

  get greetingDelay(): Milliseconds {
    return this.#reception.greetingDelay;
  }

  connects(): void {
    this.#reception.connects(this);
  }

  speaksEarly(): Refused {
    return this.#reception.tooMuch('early talker', this.address);
  }

  begins(sender: string): void {
    this.#reception.begins(this, sender);
  }

  names(recipient: string): void {
    this.#reception.names(this, recipient);
  }

  brought(recipients: readonly string[]): void {
    this.#reception.brought(recipients);
  }

  misses(signal: AbortSignal): Promise<boolean> {
    return this.#reception.misses(this, signal);
  }
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one: what one customer of a provider may have. @param peer as {@link peerOf} gives it */
function networkAround(peer: string): string {
  if (!peer.includes(':')) return peer.slice(0, peer.lastIndexOf('.'));
  return peer.split(':').slice(0, 3).join(':');
}
