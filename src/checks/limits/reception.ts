/**
 * Rate limits for strangers: SMTP clients that nobody has named in `checks.trusted`. They are counted by address (IPv6: one /64), by the network
 * around it, by the sender and by the recipient they name.
 *
 * Invariants:
 * - Every refusal is for now: honest mail that meets a bound comes later, and nothing is lost.
 * - What is counted for a recipient, by whomever it was brought, is mail that they have: naming somebody again and again holds up nobody's mail.
 * - What is counted is bounded (leaky-buckets.ts), and costs no question to anybody.
 */
import type { BlockList } from 'node:net';
import type { Config } from '../../config/schema.ts';
import { Refused } from '../../errors.ts';
import { isIn, peerOf } from '../../net/address.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { LeakyBuckets } from './leaky-buckets.ts';
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
  /** Who is no stranger. */
  readonly trusted: BlockList;
  readonly greetingDelay: Milliseconds;
  readonly limits: Config['strangers'];
  readonly onTurnedAway?: (bound: Bound, address: string) => void;
  /** Monotonic. For tests. */
  readonly clock?: () => Milliseconds;
  readonly sleep?: NonNullable<TarpitOptions['sleep']>;
}

/** What is counted of all strangers. */
interface Counts {
  readonly connections: LeakyBuckets;
  readonly messagesByAddress: LeakyBuckets;
  readonly messagesByNetwork: LeakyBuckets;
  readonly messagesBySender: LeakyBuckets;
  readonly recipientsByAddress: LeakyBuckets;
  readonly messagesForRecipient: LeakyBuckets;
  readonly tarpit: Tarpit;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #counts: Counts;

  constructor(options: ReceptionOptions) {
    const { limits, sleep, clock = () => performance.now() } = options;
    const hourly = (most: number) => new LeakyBuckets({ most, per: HOUR }, clock);
    this.#options = options;
    this.#counts = {
      connections: new LeakyBuckets({ most: limits.connectionsAMinute, per: MINUTE }, clock),
      messagesByAddress: hourly(limits.messagesByAddress),
      messagesByNetwork: hourly(limits.messagesByNetwork),
      messagesBySender: hourly(limits.messagesBySender),
      recipientsByAddress: hourly(limits.recipientsByAddress),
      messagesForRecipient: hourly(limits.messagesForRecipient),
      tarpit: new Tarpit({ most: limits.unknownRecipients, clock, ...(sleep && { sleep }) }),
    };
  }

  /** A client connects. Null: it is trusted, and has no limits. */
  receive(address: string): Visitor | null {
    return isIn(this.#options.trusted, address) ? null : new Visitor(address, this.#options, this.#counts);
  }
}

/** One connection of a stranger. What its methods are for, `smtp/strangers.ts` says. */
class Visitor {
  readonly #address: string;
  /** What counts as one with its address. */
  readonly #peer: string;
  readonly #network: string;
  readonly #options: ReceptionOptions;
  readonly #counts: Counts;

  constructor(address: string, options: ReceptionOptions, counts: Counts) {
    this.#address = address;
    this.#peer = peerOf(address);
    this.#network = networkAround(this.#peer);
    this.#options = options;
    this.#counts = counts;
  }

  get greetingDelay(): Milliseconds {
    return this.#options.greetingDelay;
  }

  connects(): void {
    const { connections, tarpit } = this.#counts;
    if (tarpit.isStuck(this.#peer)) throw this.#turnedAway('unknown recipients');
    this.#assertRoom(connections, this.#peer, 'connections');
    connections.add(this.#peer);
  }

  speaksEarly(): Refused {
    return this.#turnedAway('early talker');
  }

  begins(sender: string): void {
    const { messagesByAddress, messagesByNetwork, messagesBySender } = this.#counts;
    // By network, since anybody can write any sender: nobody's mail waits for what others send in their name from elsewhere.
    const author = `${this.#network} ${sender.toLowerCase()}`;
    const hasAuthor = sender !== ''; // the null sender is everybody's: reports would hold each other up
    this.#assertRoom(messagesByAddress, this.#peer, 'messages by address');
    this.#assertRoom(messagesByNetwork, this.#network, 'messages by network');
    if (hasAuthor) this.#assertRoom(messagesBySender, author, 'messages by sender');
    messagesByAddress.add(this.#peer);
    messagesByNetwork.add(this.#network);
    if (hasAuthor) messagesBySender.add(author);
  }

  names(recipient: string): void {
    const { recipientsByAddress, messagesForRecipient } = this.#counts;
    this.#assertRoom(recipientsByAddress, this.#peer, 'recipients by address');
    this.#assertRoom(messagesForRecipient, recipient.toLowerCase(), 'messages for recipient');
    recipientsByAddress.add(this.#peer);
  }

  brought(recipients: readonly string[]): void {
    for (const recipient of new Set(recipients.map((each) => each.toLowerCase()))) {
      this.#counts.messagesForRecipient.add(recipient);
    }
  }

  async misses(signal: AbortSignal): Promise<boolean> {
    const stays = await this.#counts.tarpit.missed(this.#peer, signal);
    if (!stays && !signal.aborted) this.#turnedAway('unknown recipients');
    return stays;
  }

  #assertRoom(buckets: LeakyBuckets, key: string, bound: Bound): void {
    if (!buckets.hasRoom(key)) throw this.#turnedAway(bound);
  }

  /** Counts it. @returns what the client hears */
  #turnedAway(bound: Bound): Refused {
    this.#options.onTurnedAway?.(bound, this.#address);
    return new Refused('limit.rate', TEXTS[bound].replace('%s', this.#address));
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

/** The /24 of an IPv4 address, the /48 of an IPv6 one: what one customer of a provider may have. @param peer as {@link peerOf} gives it */
function networkAround(peer: string): string {
  if (!peer.includes(':')) return peer.slice(0, peer.lastIndexOf('.'));
  return peer.split(':').slice(0, 3).join(':');
}
