/**
 * One SMTP connection to a host that takes mail, for one message after the other.
 *
 * Invariants
 * - What the peer has said of a recipient is told as it said it; what it has not said is put off, never taken for granted.
 * - Every wait has an end: for a connection, a greeting, a sign of life, and for a message as a whole. What a peer says is bounded.
 * - Once an attempt failed in the middle the connection is over: nobody knows what the peer takes for what.
 */
import type { Readable } from 'node:stream';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { domainToASCII } from 'node:url';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPConnectionSendInfo } from 'nodemailer/lib/smtp-connection';
import { libraries } from '../libraries.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { OutboundOptions } from '../store/types.ts';
import {
  forNow,
  hasReply,
  isAboutCertificate,
  keywordsIn,
  type PeerReply,
  refusals,
  replyIn,
  saidBy,
  signInTrouble,
  tlsTrouble,
} from './reply.ts';

export type { PeerReply } from './reply.ts';

/** What became of one recipient. `reply` below 300: it is the peer's now. */
export interface RecipientResult extends PeerReply {
  readonly address: string;
}

/** TLS on the way to a host. */
export interface PeerTls {
  /** `opportunistic` goes on without it when the peer does not offer it; `required` never does; `implicit` begins with it. */
  readonly mode: 'none' | 'opportunistic' | 'required' | 'implicit';
  readonly options: ConnectionOptions;
  /** Looks at the peer's certificate, where that is not left to {@link options}. @returns what is wrong with it */
  readonly verify?: (socket: TLSSocket) => string | undefined;
}

export interface PeerOptions {
  readonly address: string;
  readonly port: number;
  /** As this server calls itself. */
  readonly helo: string;
  readonly localAddress?: string | undefined;
  readonly tls: PeerTls;
  /** It must hand on what it gets over TLS alone, and say so (RFC 8689 4.2.1). */
  readonly requireTls?: boolean;
  /** Signs in with it. */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
  /** Aborted: the connection is closed. */
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<PeerLimits>;
}

/** RFC 5321 4.5.3.2 wants some minutes for each; a peer that uses them all up is better tried later. */
export interface PeerLimits {
  readonly connect: Milliseconds;
  readonly greeting: Milliseconds;
  readonly silence: Milliseconds;
  /** For one message, beside what its size takes at {@link SLOWEST}. */
  readonly message: Milliseconds;
}

const LIMITS: PeerLimits = { connect: 30_000, greeting: 60_000, silence: 300_000, message: 900_000 };
/** Bytes a second: slower is as good as not at all. */
const SLOWEST = 2_048;
/** Of one answer. */
const MOST_SAID = 16_384;
const ASCII = /^[\x00-\x7f]*$/;
/** RFC 6531 3.2: it could not even name them. */
const NO_SUCH_LETTERS: PeerReply = {
  reply: 553,
  status: '5.6.7',
  text: 'the server there takes no addresses with letters beyond ASCII (SMTPUTF8)',
};

export interface PeerMessage {
  /** Empty: the null sender. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  readonly options: OutboundOptions;
  /** For the reports of servers behind the peer (RFC 3461); the same for all recipients. */
  readonly notify: readonly string[];
  readonly original: string;
}

/** The host can't be used, now. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly said: PeerReply;
  /** TLS could not be set up: without it the host might be reached. */
  readonly tls: boolean;

  constructor(said: PeerReply, tls: boolean) {
    super(said.text);
    this.said = said;
    this.tls = tls;
  }
}

export class Peer {
  readonly address: string;
  /** How many messages it was given. */
  sent = 0;
  readonly #connection: SMTPConnection;
  readonly #limits: PeerLimits;
  #keywords: ReadonlySet<string> | undefined;
  readonly #signal: AbortSignal | undefined;
  #relaysNotices = false;
  #over = false;

  /** Connects, greets, turns TLS on and signs in. @throws Unreachable */
  static async connect(options: PeerOptions): Promise<Peer> {
    const limits = { ...LIMITS, ...options.limits };
    const { tls, credentials } = options;
    const connection = new libraries.SmtpConnection({
      host: options.address,
      port: options.port,
      name: options.helo,
      localAddress: options.localAddress,
      secure: tls.mode === 'implicit',
      ignoreTLS: tls.mode === 'none',
      requireTLS: tls.mode === 'required',
      opportunisticTLS: tls.mode === 'opportunistic',
      tls: { minVersion: 'TLSv1.2', ...tls.options },
      connectionTimeout: limits.connect,
      greetingTimeout: limits.greeting,
      socketTimeout: limits.silence,
      maxResponseSize: MOST_SAID,
      allowInternalNetworkInterfaces: true,
    });
    const peer = new Peer(options.address, connection, limits, options.signal);
    try {
      await peer.#asked((done) => connection.connect(done), limits.connect + limits.greeting + limits.silence);
      peer.#assertTrusted(tls);
      peer.#keywords = keywordsIn(connection.lastServerResponse);
      if (options.requireTls && !peer.offers('REQUIRETLS')) {
        peer.quit();
        throw new Unreachable(
          { reply: 550, status: '5.7.30', text: 'it does not take mail that wants TLS all the way' },
          true,
        );
      }
      if (credentials !== undefined) {
        const { user, password: pass } = credentials;
        await peer.#asked((done) => connection.login({ user, pass }, done), limits.silence);
      }
      return peer;
    } catch (error) {
      peer.close();
      if (error instanceof Unreachable) throw error;
      const { code, command } = error as { code?: string; command?: string };
      const isAboutTls =
        connection.upgrading === true ||
        code === 'ETLS' ||
        (tls.mode === 'required' && command === 'EHLO') ||
        isAboutCertificate(error);
      if (isAboutTls) throw new Unreachable(tlsTrouble(error), true);
      throw new Unreachable(code === 'EAUTH' ? signInTrouble(error) : forNow(saidBy(error, '4.4.1')), false);
    }
  }

  private constructor(
    address: string,
    connection: SMTPConnection,
    limits: PeerLimits,
    signal: AbortSignal | undefined,
  ) {
    this.address = address;
    this.#connection = connection;
    this.#limits = limits;
    this.#signal = signal;
    // Faults between commands: whoever sends next hears that it is over.
    connection.on('error', () => {
      this.#over = true;
    });
    connection.on('end', () => {
      this.#over = true;
    });
  }

  /** Nothing can be sent on it any more. */
  get over(): boolean {
    return this.#over;
  }

  /** It tells senders what becomes of their mail behind it (RFC 3461 4). */
  get relaysNotices(): boolean {
    return this.#relaysNotices;
  }

  /** It has said so in its answer to EHLO; what that was is not known where it has refused STARTTLS. */
  offers(keyword: string): boolean | undefined {
    return this.#keywords?.has(keyword);
  }

  /** TLS is on. */
  get secure(): boolean {
    return this.#connection._socket instanceof TLSSocket;
  }

  /** How TLS is on, for people; undefined: it is not. */
  get cipher(): string | undefined {
    const socket = this.#connection._socket;
    return socket instanceof TLSSocket ? `${socket.getProtocol()} ${socket.getCipher().standardName}` : undefined;
  }

  /**
   * Gives it a message. Never rejects: what went wrong is what became of the recipients.
   * @param open  opens the message's bytes, lines ended by CRLF; called when somebody is to get them
   */
  async send(message: PeerMessage, open: () => Readable): Promise<RecipientResult[]> {
    this.sent += 1;
    const sender = withAsciiDomain(message.sender);
    const names = message.recipients.map(withAsciiDomain);
    const sayable = names.filter((name) => this.offers('SMTPUTF8') !== false || ASCII.test(sender + name));
    const replies =
      sayable.length === 0 ? new Map() : await this.#give({ ...message, sender, recipients: sayable }, open);
    return message.recipients.map((address, at) => ({ address, ...(replies.get(names[at]!) ?? NO_SUCH_LETTERS) }));
  }

  /** @returns what became of each recipient */
  async #give(message: PeerMessage, open: () => Readable): Promise<ReadonlyMap<string, PeerReply>> {
    const { sender, recipients, sizeBytes, options, notify, original } = message;
    const { requireTls = false, returns, envelopeId } = options;
    const envelope = {
      from: sender === '' ? (false as const) : sender,
      to: [...recipients],
      size: sizeBytes,
      use8BitMime: true,
      requireTLSExtensionEnabled: requireTls,
      dsn: {
        ret: returns === undefined ? null : returns === 'full' ? 'FULL' : 'HDRS',
        envid: envelopeId ?? null,
        notify: notify.length === 0 ? null : notify.map((each) => each.toUpperCase()),
        orcpt: original === '' ? null : original,
      },
    };
    const body = open();
    // RFC 5321 4.3.2: only 354 asks for the message. To a peer that answers out of step it would be commands.
    body.once('resume', () => {
      const { lastServerResponse } = this.#connection;
      if (lastServerResponse === false || !lastServerResponse.startsWith('354')) {
        body.destroy(new Error('it did not answer DATA as it must'));
      }
    });
    try {
      const within = this.#limits.message + (sizeBytes / SLOWEST) * 1_000;
      const info = await this.#asked<SMTPConnectionSendInfo>(
        (done) => this.#connection.send(envelope, body, done),
        within,
      );
      this.#relaysNotices = info.ehlo?.some((line) => /^DSN\b/i.test(line)) ?? false;
      const taken = replyIn(info.response, 250);
      const refused = refusals(info.rejectedErrors);
      return new Map(recipients.map((address) => [address, refused.get(address) ?? taken]));
    } catch (error) {
      // What was said of a recipient stands; what failed for all is what became of the others.
      const refused = refusals((error as { rejectedErrors?: readonly unknown[] }).rejectedErrors);
      const said = saidBy(error, '4.4.2');
      if (!hasReply(error)) this.close();
      else await this.#reset();
      return new Map(recipients.map((address) => [address, refused.get(address) ?? said]));
    } finally {
      body.destroy();
    }
  }

  /** Says goodbye. */
  quit(): void {
    if (!this.#over) this.#connection.quit();
    this.#over = true;
    setTimeout(() => this.#connection.close(), QUIT_WITHIN).unref();
  }

  close(): void {
    this.#over = true;
    this.#connection.close();
  }

  /** After a message that was refused the connection is as new, or over. */
  async #reset(): Promise<void> {
    if (this.#over) return;
    try {
      await this.#asked((done) => this.#connection.reset(done), this.#limits.silence);
    } catch {
      this.close(); // it is of no more use; what it said was heard
    }
  }

  #assertTrusted({ mode, verify }: PeerTls): void {
    const socket = this.#connection._socket;
    const secure = socket instanceof TLSSocket;
    if (!secure && (mode === 'required' || mode === 'implicit')) {
      throw new Unreachable({ reply: 454, status: '4.7.10', text: 'TLS was not turned on' }, true);
    }
    const wrong = secure ? verify?.(socket) : undefined;
    if (wrong !== undefined) throw new Unreachable({ reply: 454, status: '4.7.5', text: wrong }, true);
  }

  /** One question, with a bound on its answer. */
  #asked<T>(ask: (done: (error?: Error | null, result?: T) => void) => void, within: Milliseconds): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const end = (why: string) => {
      reject(new Error(why));
      this.close();
    };
    const timer = setTimeout(end, within, 'the peer takes too long');
    const stop = () => end('this server is stopping');
    this.#signal?.addEventListener('abort', stop, { once: true });
    this.#connection.once('error', reject);
    if (this.#signal?.aborted) stop();
    else ask((error, result) => (error ? reject(error) : resolve(result as T)));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#signal?.removeEventListener('abort', stop);
      this.#connection.off('error', reject);
    });
  }
}

/** A domain can be written in ASCII (RFC 5890 2.3.2.1); what stands before the `@` can not. */
function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return ASCII.test(address) ? address : address.slice(0, at) + (domainToASCII(address.slice(at)) || address.slice(at));
}

const QUIT_WITHIN: Milliseconds = 5_000;
