/**
 * One SMTP connection to a host that takes mail, for one message after the other.
 *
 * Invariants
 * - What the peer has said of a recipient is told as it said it; what it has not said is put off, never taken for granted.
 * - Every wait has an end: for a connection, a greeting, a sign of life, and for a message as a whole. What a peer says is bounded.
 * - Once an attempt failed in the middle the connection is over: nobody knows what the peer takes for what.
 */
import { domainToASCII } from 'node:url';
import type { OutboundOptions } from '../store/types.ts';
import {
  NO_REQUIRETLS,
  type Opened,
  openConnection,
  type PeerLimits,
  type PeerOptions,
  QUIT_WITHIN,
} from './opening.ts';
import { type PeerReply, replyIn, troubleIn } from './reply.ts';
import type { SmtpConnection } from './smtp/connection.ts';
import { ConnectionOver } from './smtp/over.ts';
import { isSayable, mailFrom, rcptTo } from './smtp/syntax/commands.ts';
import type { Extensions } from './smtp/syntax/extensions.ts';
import { isDone, isRefusal } from './smtp/syntax/reply-reader.ts';
import { type Given, give } from './smtp/transaction.ts';

export type { PeerLimits, PeerOptions, PeerTls } from './opening.ts';
export type { PeerReply } from './reply.ts';
export { Unreachable } from './unreachable.ts';

/** What became of one recipient. `reply` below 300: it is the peer's now. */
export interface RecipientResult extends PeerReply {
  readonly address: string;
}

const LIMITS: PeerLimits = { connect: 30_000, greeting: 60_000, silence: 300_000, message: 900_000 };
/** Bytes a second: slower is as good as not at all. */
const SLOWEST = 2_048;
const ASCII = /^[\x00-\x7f]*$/;
/** RFC 6531 3.2: it could not even name them. */
const NO_SUCH_LETTERS: PeerReply = {
  reply: 553,
  status: '5.6.7',
  text: 'the server there takes no addresses with letters beyond ASCII (SMTPUTF8)',
};
const NOT_SAYABLE = { reply: 553, text: 'SMTP has no way to write such an address' } as const;

export interface PeerMessage {
  /** Empty: the null sender. */
  readonly sender: string;
  /** Each server takes a hundred at once (RFC 5321 4.5.3.1.8). */
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  readonly options: OutboundOptions;
  /** For the reports of servers behind the peer (RFC 3461); the same for all recipients. */
  readonly notify: readonly string[];
  readonly original: string;
}

export class Peer {
  readonly address: string;
  /** How many messages it was given. */
  sent = 0;
  readonly #connection: SmtpConnection;
  readonly #offered: Extensions;
  readonly #limits: PeerLimits;
  #dismissed = false;

  /** Connects, greets, turns TLS on and signs in. @throws Unreachable */
  static async connect(options: PeerOptions): Promise<Peer> {
    const limits = { ...LIMITS, ...options.limits };
    return new Peer(options.address, await openConnection(options, limits), limits);
  }

  private constructor(address: string, { connection, offered }: Opened, limits: PeerLimits) {
    this.address = address;
    this.#connection = connection;
    this.#offered = offered;
    this.#limits = limits;
  }

  /** Nothing can be sent on it any more. */
  get over(): boolean {
    return this.#dismissed || this.#connection.over;
  }

  /** It tells senders what becomes of their mail behind it (RFC 3461 4). */
  get relaysNotices(): boolean {
    return this.offers('DSN');
  }

  /** It has said so in its answer to EHLO. */
  offers(keyword: string): boolean {
    return this.#offered.has(keyword);
  }

  /** TLS is on. */
  get secure(): boolean {
    return this.#connection.tls !== undefined;
  }

  /** How TLS is on, for people; undefined: it is not. */
  get cipher(): string | undefined {
    const { tls } = this.#connection;
    return tls && `${tls.getProtocol()} ${tls.getCipher().standardName}`;
  }

  /**
   * Gives it a message. What went wrong is what became of the recipients.
   * @param open  opens the message's bytes, lines ended by CRLF, in buffers that nobody writes to any more; called when the peer wants them
   * @throws what reading these bytes throws
   */
  async send(message: PeerMessage, open: () => AsyncIterable<Buffer>): Promise<RecipientResult[]> {
    this.sent += 1;
    const sender = withAsciiDomain(message.sender);
    const names = message.recipients.map(withAsciiDomain);
    const refusals = names.map((name) => this.#refusal(message, sender, name));
    const left = names.filter((_name, at) => refusals[at] === undefined);
    const replies = left.length === 0 ? [] : await this.#give({ ...message, sender, recipients: left }, open);
    const next = replies.values();
    return message.recipients.map((address, at) => ({ address, ...(refusals[at] ?? next.next().value!) }));
  }

  /** Why it need not even be asked for this recipient. */
  #refusal({ options }: PeerMessage, sender: string, recipient: string): PeerReply | undefined {
    if (!isSayable(sender)) return { ...NOT_SAYABLE, status: '5.1.7' };
    if (!isSayable(recipient)) return { ...NOT_SAYABLE, status: '5.1.3' };
    if (!this.offers('SMTPUTF8') && !ASCII.test(sender + recipient)) return NO_SUCH_LETTERS;
    if (options.requireTls && !(this.secure && this.offers('REQUIRETLS'))) return NO_REQUIRETLS;
    return undefined;
  }

  /** @returns what became of each recipient */
  async #give(message: PeerMessage, open: () => AsyncIterable<Buffer>): Promise<PeerReply[]> {
    const { sender, recipients, sizeBytes, options } = message;
    const { requireTls = false, returns, envelopeId } = options;
    const utf8 = options.utf8 === true || [sender, ...recipients].some((each) => !ASCII.test(each));
    const envelope = {
      mail: mailFrom({ sender, sizeBytes, utf8, returns, envelopeId, requireTls }, this.#offered),
      recipients: recipients.map((each) => rcptTo(each, message, this.#offered)),
    };
    const { sizeLimit = sizeBytes } = this.#offered;
    if (sizeBytes > sizeLimit) return recipients.map(() => tooLarge(sizeBytes, sizeLimit));
    this.#connection.within(this.#limits.message + (sizeBytes / SLOWEST) * 1_000);
    const given = await give(this.#connection, envelope, this.offers('PIPELINING'), open);
    await this.#settle(given);
    const said = given.said instanceof ConnectionOver ? troubleIn(given.said, '4.4.2') : replyIn(given.said);
    return given.refused.map((own) => (own === undefined ? said : replyIn(own)));
  }

  /** After a message that was refused the connection is as new, or over. */
  async #settle({ said }: Given): Promise<void> {
    if (this.over || said instanceof ConnectionOver || !isRefusal(said)) return;
    this.#connection.within(this.#limits.silence);
    try {
      if (!isDone(await this.#connection.say('RSET'))) this.close();
    } catch (error) {
      if (!(error instanceof ConnectionOver)) throw error; // it is of no more use; what it said was heard
    }
  }

  /** Says goodbye. */
  quit(): void {
    this.#dismissed = true;
    this.#connection.quit(QUIT_WITHIN);
  }

  close(): void {
    this.#connection.close();
  }
}

/** RFC 1870 6.1: it need not even be asked. */
function tooLarge(sizeBytes: number, limit: number): PeerReply {
  return {
    reply: 552,
    status: '5.3.4',
    text: `a message may have ${limit} bytes there, and this one has ${sizeBytes}`,
  };
}

/** A domain can be written in ASCII (RFC 5890 2.3.2.1); what stands before the `@` can not. */
function withAsciiDomain(address: string): string {
  if (ASCII.test(address)) return address;
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + (domainToASCII(address.slice(at)) || address.slice(at));
}
